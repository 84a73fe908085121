"""The scenario: every key, its unit, its default and the equation it enters.

Frozen, unknown keys rejected. dB and km appear here and nowhere deeper.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from netsim.scenario.dotted import dotted_values, scenario_card, value_of
from netsim.scenario.downlink import Downlink
from netsim.scenario.flower import FlowerApp, flower_faults
from netsim.scenario.motion import REPLAY, ChannelTrace, MobilityChoice
from netsim.scenario.privacy import PrivacyKeys
from netsim.scenario.radio import Radio, RoundTiming, Topology, Ues
from netsim.scenario.section import PlainName, Positive, Section, key
from netsim.scenario.success import success_faults
from netsim.scenario.training import (
    Compute,
    Data,
    Device,
    DevicePower,
    Learning,
    Model,
    Module,
    SchemeChoice,
)
from netsim.scenario.uplink import OFDMA, UplinkKeys, access_faults
from netsim.scenario.upload import Upload, encoding_faults

USUAL_UES = 40


class Stop(Section):
    """When a run ends, whichever comes first; `rounds` at the top level is the last resort."""

    simulated_s: Positive | None = key(
        None, "end once this much simulated time has passed", unit="s"
    )
    energy_j: Positive | None = key(None, "end once the UEs have spent this much energy", unit="J")
    target_accuracy: float | None = key(None, "end once the ensemble is this accurate", gt=0, le=1)
    patience_evaluations: int | None = key(
        None, "end when the ensemble loss has not improved for this many evaluations", ge=1
    )


class Scenario(Section):
    """One run, completely described."""

    name: PlainName = key(
        "scenario", "shown in tables and reports; run folders are named after it", min_length=1
    )
    seed: int = key(1, "seed of every random stream", ge=0, lt=2**63)
    rounds: int = key(30, "at most so many rounds", ge=0, le=10_000_000)
    formulas: Literal["corrected", "paper"] = key(
        "corrected", "the controllers' formulas: corrected, or every one as the paper prints it"
    )
    network_only: bool = key(False, "simulate timing and energy only; imports no torch")
    checkpoint_every: int | None = key(
        None,
        "rounds from one checkpoint to the next; default: at round ends at least 10 s apart",
        ge=1,
    )
    federation: Literal["cell", "network"] = key(
        "cell", "one gNB learns, or all of them, merged by a core node over the backhaul"
    )
    stop: Stop = Stop()
    topology: Topology = Topology()
    ues: Ues = Ues()
    radio: Radio = Radio()
    uplink: UplinkKeys = UplinkKeys()
    upload: Upload = Upload()
    privacy: PrivacyKeys = PrivacyKeys()
    downlink: Downlink = Downlink()
    round: RoundTiming = RoundTiming()
    compute: Compute = Compute()
    device: DevicePower = DevicePower()
    devices: tuple[Device, ...] = Field((Device(),), min_length=1)
    modules: tuple[Module, ...] = Field(
        (Module(rank=4), Module(rank=8), Module(rank=16), Module(rank=32)),
        min_length=1,
        max_length=64,
    )
    learning: Learning = Learning()
    model: Model = Model()
    data: Data = Data()
    scheme: SchemeChoice = SchemeChoice()
    flower: FlowerApp | None = None
    mobility: MobilityChoice = MobilityChoice()
    channel: tuple[ChannelTrace, ...] = key((), "traces in place of the channel model")
    record: bool = key(
        False,
        "write where UEs are and what their channels are (tables mobility, channel); "
        "`netsim run RUN_DIR` replays them, under any seed and with any scheme",
    )

    @model_validator(mode="before")
    @classmethod
    def _usual_ues(cls, raw: Any) -> Any:
        """There are 40 UEs where nothing is said, but as many as a replayed trace has nodes."""
        if not isinstance(raw, Mapping):
            return raw
        ues, moves = raw.get("ues", {}), raw.get("mobility", {})
        replays = isinstance(moves, Mapping) and moves.get("kind") == REPLAY
        if replays or not isinstance(ues, Mapping) or ues.get("count") is not None:
            return raw
        return {**raw, "ues": {**ues, "count": USUAL_UES}}

    def __getitem__(self, dotted: str) -> Any:
        """The value of a dotted key, as `scenario["radio.bandwidth_hz"]`. Raises ScenarioError."""
        return value_of(self, dotted)

    def _ipython_key_completions_(self) -> list[str]:
        """What Tab offers after `scenario["`."""
        return list(dotted_values(self))

    def _repr_html_(self) -> str:
        """A card for notebooks: the keys that are not at their defaults."""
        return scenario_card(self, type(self).model_validate({}), f"scenario {self.name}")

    @property
    def ue_count(self) -> int:
        """K, once it is known (`build.settled` reads it from a replayed trace)."""
        assert self.ues.count is not None
        return self.ues.count

    @property
    def learns(self) -> bool:
        """Its modules are trained; a Flower app trains a model of its own."""
        return not self.network_only and self.flower is None

    @property
    def in_time(self) -> bool:
        """Conditions change during a round, or are read from or written to traces."""
        return self.mobility.moves or bool(self.channel) or self.record

    @property
    def printed(self) -> bool:
        """Formulas as the paper prints them."""
        return self.formulas == "paper"

    @property
    def w0_every_round(self) -> bool:
        """The foundation model is sent in every round."""
        default = "every_round" if self.printed else "once"
        return (self.downlink.w0_broadcast or default) == "every_round"

    @property
    def local_optimizer(self) -> str:
        """Optimiser of local training, by name."""
        return self.learning.local_optimizer or ("sgd" if self.printed else "adam")

    @property
    def constant_rate(self) -> bool:
        """An upload has one rate, by Shannon's formula, from its start to its end."""
        radio = self.radio
        constant_world = not self.mobility.moves and not self.channel
        constant_radio = radio.fading == "round" and radio.interference == "field"
        one_attempt = radio.reallocation == "static" and not radio.retransmissions
        by_shannon = radio.rate_model == "shannon" and self.uplink.access == OFDMA
        return constant_world and constant_radio and one_attempt and by_shannon

    @property
    def interferers_follow(self) -> bool:
        """Interferers send with the power of the UE they disturb."""
        default = "equal" if self.printed and self.radio.interference == "field" else "fixed"
        return (self.radio.interferer_power or default) == "equal"

    @property
    def poisson_field(self) -> bool:
        """The closed forms of eq. (15) hold.

        They are for Poisson sites and power-law path loss without shadowing.
        """
        power_law = self.radio.pathloss.kind == "power_law"
        shadowed = bool(self.radio.pathloss.parameters.get("shadowing_std_db", 0))
        return self.topology.kind == "ppp" and power_law and not shadowed

    @property
    def success_form(self) -> str:
        """Form of eq. (15) that schemes plan with."""
        if self.radio.success_model is not None:
            return self.radio.success_model
        if not self.poisson_field or self.radio.interference == "network":
            return "topology"
        return "paper" if self.printed else "ppp"

    @property
    def interferer_law(self) -> str:
        """Thinning law of the Poisson field."""
        default = "typical_cell" if self.federation == "cell" else "typical_user"
        return self.radio.interferer_law or default

    @model_validator(mode="after")
    def _topology_fits(self) -> Scenario:
        topology, network = self.topology, self.federation == "network"
        if network and topology.learning_site is not None:
            raise ValueError("topology.learning_site needs federation = cell: all sites learn")
        if not network and topology.boundary == "guard":
            raise ValueError("topology.boundary = guard needs federation = network")
        return self

    @model_validator(mode="after")
    def _deadline_fits(self) -> Scenario:
        if not math.isinf(self.round.deadline_s):
            return self
        traced = "record" if self.record else "channel"
        ends = {
            "radio.fading = block": self.radio.fading == "block",
            "radio.interference = network": self.radio.interference == "network",
            "downlink.link = faded: who hears nothing waits until then": self.downlink.link
            == "faded",
            f"mobility.kind = {self.mobility.kind}: UEs move": self.mobility.moves,
            f"{traced}, as traces are": self.in_time,
        }
        for what in (what for what, holds in ends.items() if holds):
            raise ValueError(f"round.deadline_s must be finite with {what}")
        return self

    @model_validator(mode="after")
    def _handover_fits(self) -> Scenario:
        if self.mobility.handover != "resume":
            return self
        if self.federation == "cell":
            raise ValueError(
                "mobility.handover = resume needs federation = network: one gNB learns"
            )
        if self.radio.reallocation != "events":
            raise ValueError("mobility.handover = resume needs radio.reallocation = events")
        return self

    @model_validator(mode="after")
    def _traces_fit(self) -> Scenario:
        if self.radio.interference != "network":
            return self
        if any(trace.use in ("snr", "rate") for trace in self.channel):
            raise ValueError("channel.use = snr or rate needs radio.interference = field")
        if self.record and self.radio.background_ues:
            raise ValueError(
                "record needs radio.background_ues = 0: their channels are not recorded"
            )
        return self

    @model_validator(mode="after")
    def _measured_rows_exist(self) -> Scenario:
        if self.data.validation_fraction > 0:
            return self
        if self.learning.evaluate_on == "validation":
            raise ValueError(
                "data.validation_fraction must be above 0 with learning.evaluate_on = validation"
            )
        if self.learning.evaluate_in_full:
            raise ValueError(
                "data.validation_fraction must be above 0 with learning.evaluate_in_full = true"
            )
        return self

    @model_validator(mode="after")
    def _network_only_measures_no_loss(self) -> Scenario:
        if not self.network_only:
            return self
        left_out = "which network_only leaves out"
        if self.stop.target_accuracy is not None:
            raise ValueError(f"stop.target_accuracy depends on learning, {left_out}")
        if self.stop.patience_evaluations is not None:
            raise ValueError(f"stop.patience_evaluations depends on learning, {left_out}")
        if self.learning.log_risk:
            raise ValueError(f"learning.log_risk measures losses, {left_out}")
        return self

    @model_validator(mode="after")
    def _parts_fit(self) -> Scenario:
        faults = (
            *success_faults(self),
            *flower_faults(self),
            *encoding_faults(self),
            *access_faults(self),
        )
        for fault in faults:
            raise ValueError(fault)
        return self

    @model_validator(mode="after")
    def _device_names_differ(self) -> Scenario:
        names = [device.name for device in self.devices]
        if len(set(names)) < len(names):
            raise ValueError(f"device class names must differ, found {names}")
        return self

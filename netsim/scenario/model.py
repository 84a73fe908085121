"""The scenario: every key, its unit, its default and the equation it enters.

Frozen, unknown keys rejected. dB and km appear here and nowhere deeper.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


Finite = Annotated[float, AfterValidator(_finite)]
Positive = Annotated[float, Field(gt=0), AfterValidator(_finite)]
NonNegative = Annotated[float, Field(ge=0), AfterValidator(_finite)]
PositiveOrInf = Annotated[float, Field(gt=0)]


USUAL_UES = 40
REPLAY = "replay"


def _key(default: Any, meaning: str, *, unit: str = "", eq: str = "", **constraints: Any) -> Any:
    return Field(
        default, description=meaning, json_schema_extra={"unit": unit, "equation": eq}, **constraints
    )


class Section(BaseModel):
    """Base of all sections."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True)


class Stop(Section):
    """When a run ends, whichever comes first; `rounds` at the top level is the last resort."""

    simulated_s: Positive | None = _key(None, "end once this much simulated time has passed", unit="s")
    energy_j: Positive | None = _key(None, "end once the UEs have spent this much energy", unit="J")
    target_accuracy: float | None = _key(None, "end once the ensemble is this accurate", gt=0, le=1)
    patience_evaluations: int | None = _key(
        None, "end when the ensemble loss has not improved for this many evaluations", ge=1
    )


class Backhaul(Section):
    """Links between the sites and the core node, where several gNBs learn."""

    kind: Literal["star", "tree", "mesh", "file"] = _key(
        "star", "links from every site to the core, of least total length, between neighbours, or the file's"
    )
    rate_bps: Positive = _key(1e10, "rate of every generated link", unit="bit/s")
    hop_delay_s: NonNegative = _key(
        1e-4, "delay of a generated link besides the light in its fibre", unit="s"
    )
    core: int | None = _key(None, "site of the core node; default: as marked in the file, or central", ge=0)


class Topology(Section):
    """gNB sites."""

    kind: Literal["ppp", "hex", "file"] = _key("ppp", "Poisson point process, hexagonal grid, or a site file")
    density_per_km2: Positive = _key(1.0, "gNB density phi (ppp, hex)", unit="1/km²", eq="15")
    window_km: Positive = _key(12.0, "side of the square window of sites (ppp, hex)", unit="km")
    path: Path | None = _key(None, "site file: CSV, node-link JSON, GraphML, GeoJSON, OpenCelliD")
    learning_site: int | None = _key(None, "the site whose cell learns; default: the central one", ge=0)
    boundary: Literal["none", "torus", "guard"] = _key(
        "none", "edge of the window: open, joined to the opposite side, or without UEs for guard_km"
    )
    guard_km: Positive | None = _key(None, "width of the guard zone (boundary = guard)", unit="km")
    association: Literal["nearest", "strongest"] = _key(
        "nearest", "gNB of a UE: by distance, or by mean gain"
    )
    backhaul: Backhaul = Backhaul()

    @model_validator(mode="after")
    def _consistent(self) -> Topology:
        if (self.kind == "file") != (self.path is not None):
            raise ValueError("path is given exactly when kind is file")
        expected = self.density_per_km2 * self.window_km**2
        if self.kind != "file" and expected > 1e6:
            raise ValueError(f"density_per_km2 x window_km^2 = {expected:g} sites; at most 1e6")
        if self.boundary == "torus" and self.kind != "ppp":
            raise ValueError("boundary = torus needs kind = ppp: the sides of others do not fit together")
        if (self.boundary == "guard") != (self.guard_km is not None):
            raise ValueError("guard_km is given exactly when boundary is guard")
        if self.backhaul.kind == "file" and self.kind != "file":
            raise ValueError("backhaul.kind = file needs the links of a site file")
        return self


class Ues(Section):
    """User equipments."""

    count: int | None = _key(
        None,
        "UEs in the learning cell, or in the network, K; default: 40, or the nodes of a replayed trace",
        ge=1,
        le=10_000_000,
    )


class PathlossChoice(Section):
    """The path loss by name; other keys are its own parameters."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str = _key(
        "power_law",
        "power_law, uma, umi, rma, okumura_hata, cost231_hata, or a plug-in",
        eq="2",
        min_length=1,
    )

    @property
    def parameters(self) -> dict[str, Any]:
        """Keys besides `kind`."""
        return dict(self.model_extra or {})


class PowerControl(Section):
    """Open-loop power control, instead of the scheme's powers (3GPP TS 38.213, 7.1.1)."""

    p0_dbm: Finite = _key(-90.0, "wanted receive power in a resource block of 180 kHz", unit="dBm")
    alpha: float = _key(0.8, "part of the path loss that is made up for", ge=0, le=1)


class Radio(Section):
    """Uplink."""

    bandwidth_hz: Positive = _key(1e7, "uplink bandwidth of a gNB, W", unit="Hz", eq="2")
    noise_psd_dbm_hz: Finite = _key(-162.0, "noise power density N0", unit="dBm/Hz", eq="2")
    noise_figure_db: Finite | None = _key(None, "N0 = k T F at 290 K instead", unit="dB", ge=0)
    site_antenna_dbi: Finite = _key(0.0, "antenna gain of a gNB, cables included", unit="dBi")
    ue_antenna_dbi: Finite = _key(0.0, "antenna gain of a UE", unit="dBi")
    pathloss: PathlossChoice = PathlossChoice()
    interference: Literal["field", "network"] = _key(
        "field",
        "one interferer per other cell drawn for each upload (eq. 2), or the uploads of all cells",
        eq="2",
    )
    background_ues: int = _key(
        0, "network: UEs at full power in every cell that is idle; 0 leaves it silent", ge=0, le=10_000
    )
    sinr_threshold_db: Finite = _key(
        -5.0, "theta: below it an upload (or a block) is lost", unit="dB", eq="2"
    )
    max_power_w: Positive = _key(0.2, "P_max of a UE, and the power of every interferer", unit="W", eq="7e")
    min_power_w: Positive = _key(1e-3, "least power of a UE that transmits", unit="W", eq="7e")
    power_control: PowerControl | None = None
    fading: Literal["round", "block"] = _key("round", "one Rayleigh draw per upload, or per coherence time")
    rate_model: Literal["shannon", "threshold"] = _key(
        "shannon", "W delta log2(1 + SINR), or with theta in its place", eq="2"
    )
    retransmissions: int = _key(0, "further attempts of an upload in outage, at most", ge=0, le=1000)
    reallocation: Literal["static", "events"] = _key(
        "static", "shares hold to the end, or the band is divided anew when an upload starts or ends"
    )
    ue_speed_m_s: Positive = _key(1.0, "sets the coherence time 0.423 c/(v f_c)", unit="m/s")
    carrier_hz: Positive = _key(3.5e9, "carrier frequency: coherence time, path loss", unit="Hz")
    interferer_law: Literal["typical_cell", "typical_user", "constant"] | None = _key(
        None, "thinning law c(u) of the Poisson field; default: typical_cell where one cell learns", eq="15"
    )
    interferer_power: Literal["fixed", "equal"] | None = _key(
        None, "interferers at P_max, or at the UE's own power (default if formulas is paper)", eq="15"
    )
    success_model: Literal["ppp", "topology", "paper"] | None = _key(
        None,
        "lambda that schemes plan with; default: ppp or paper for a Poisson field, topology for real sites",
        eq="15",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Radio:
        if self.min_power_w > self.max_power_w:
            raise ValueError("min_power_w must not exceed max_power_w")
        if self.retransmissions and self.fading == "block":
            raise ValueError("retransmissions needs fading = round: a bad block is repeated anyway")
        if self.background_ues and self.interference == "field":
            raise ValueError("background_ues needs interference = network")
        if self.interferer_power is not None and self.interference == "network":
            raise ValueError("interferer_power needs interference = field: in a network powers are known")
        return self


class Downlink(Section):
    """Broadcast of the foundation model and of the modules (no model in the paper)."""

    power_w: Positive = _key(39.8, "power of a gNB (46 dBm)", unit="W")
    bandwidth_hz: Positive | None = _key(None, "downlink bandwidth; default: radio.bandwidth_hz", unit="Hz")
    w0_broadcast: Literal["once", "every_round"] | None = _key(
        None, "send the foundation model before round 1, or in every round (default if formulas is paper)"
    )


class Round(Section):
    """Timing of a round."""

    deadline_s: PositiveOrInf = _key(4.0, "aggregation deadline, from the round's start", unit="s")
    alloc_start: Literal["barrier", "arrival"] = _key(
        "barrier", "uploads start all together when the last has computed, or each on its own"
    )
    compute_limit_s: Positive | None = _key(
        None, "barrier: uploads start at the latest then; who is not ready sits out", unit="s"
    )
    aggregation_s: NonNegative = _key(0.01, "time the gNB takes to aggregate", unit="s")
    late_uploads: Literal["drop", "stale"] = _key(
        "drop",
        "what is under way at the deadline: stopped, or goes on and is aggregated, damped, in a later round",
    )

    @model_validator(mode="after")
    def _limit_before_deadline(self) -> Round:
        if math.isnan(self.deadline_s):
            raise ValueError("deadline_s must be a number")
        if self.compute_limit_s is not None and self.compute_limit_s >= self.deadline_s:
            raise ValueError("compute_limit_s must be below deadline_s")
        return self


class Compute(Section):
    """Work of local training; other keys are the model's own parameters."""

    model_config = ConfigDict(frozen=True, extra="allow")

    model: str = _key(
        "sample_bits", "sample_bits, flops, model_bits (as printed), or a plug-in", eq="4", min_length=1
    )

    @property
    def parameters(self) -> dict[str, Any]:
        """Keys besides `model`."""
        return dict(self.model_extra or {})


class Device(Section):
    """A class of UEs."""

    name: str = _key("phone", "name of the class", min_length=1)
    share: Positive = _key(1.0, "share of the UEs, relative to the other classes")
    cpu_hz_min: Positive = _key(1.5e9, "lowest clock rate f", unit="Hz", eq="4")
    cpu_hz_max: Positive = _key(1.5e9, "highest clock rate f; uniform in between", unit="Hz", eq="4")
    samples_min: int = _key(32, "fewest samples per round, D_k", eq="1", ge=1, le=1_000_000)
    samples_max: int = _key(32, "most samples per round, D_k; uniform in between", eq="1", ge=1, le=1_000_000)
    energy_coefficient: Positive = _key(1e-27, "rho: energy per cycle is rho f²", unit="J s²/cycle³", eq="4")

    @model_validator(mode="after")
    def _ordered(self) -> Device:
        if self.cpu_hz_min > self.cpu_hz_max:
            raise ValueError("cpu_hz_min must not exceed cpu_hz_max")
        if self.samples_min > self.samples_max:
            raise ValueError("samples_min must not exceed samples_max")
        return self


class Module(Section):
    """One of the N adapters."""

    rank: int = _key(8, "LoRA rank r; 0 trains every weight of the model instead", ge=0, le=4096)
    lora_alpha: Positive | None = _key(None, "LoRA scale is lora_alpha / r; default 2 r")
    target_modules: tuple[str, ...] = _key(
        ("query", "value"), "linear layers that get an adapter", min_length=1
    )
    seed: int | None = _key(None, "seed of the initial weights; default: the module's index", ge=0)
    payload_bits_override: Positive | None = _key(
        None, "upload size instead of the tensors' (marked emulated in the tables)", unit="bit"
    )


class Learning(Section):
    """Local training and evaluation."""

    local_steps: int = _key(4, "tau, full-batch steps on the round's samples", eq="4", ge=1, le=10_000)
    local_optimizer: Literal["adam", "sgd"] = _key(
        "adam", "fresh each round; sgd with tau = 1 is eq. 1", eq="1"
    )
    learning_rate: Positive = _key(3e-3, "eta", eq="1")
    train_head: bool = _key(True, "train, send and charge for the classification head")
    payload_bits_per_parameter: int = _key(32, "bits sent per trained parameter", unit="bit", ge=1, le=64)
    max_tokens: int = _key(128, "longer texts are cut", unit="token", ge=4, le=8192)
    evaluate_every: int = _key(1, "evaluate every so many rounds", unit="round", ge=1)
    evaluate_on: Literal["test", "validation"] = _key(
        "test", "rows that accuracy is measured on: the test split, or validation rows, for choices"
    )
    evaluate_in_full: bool = _key(
        False, "also measure averaged logits, and all modules and the best one on each UE's own test rows"
    )
    log_risk: bool = _key(
        False, "measure the risk gap each round and log it beside its bound (costly)", eq="5, 6"
    )
    device: Literal["auto", "cpu", "cuda"] = _key(
        "auto", "where it is computed; auto takes a GPU where there is one (other bytes than a CPU's)"
    )
    workers: int | None = _key(
        None, "worker processes; default: cores, at most 2. Changes no result", ge=1, le=64
    )

    @model_validator(mode="after")
    def _measures_apart(self) -> Learning:
        if self.evaluate_in_full and self.evaluate_on == "validation":
            raise ValueError(
                "evaluate_in_full needs evaluate_on = test: best modules are chosen by validation rows"
            )
        return self


class Model(Section):
    """Foundation model: the built-in one unless a folder or a hub name is given."""

    path: Path | None = _key(None, "local folder in the Hugging Face hub's format")
    hub: str | None = _key(None, "name on the Hugging Face hub (extra: hub)", min_length=1)
    weights: Literal["float32", "bfloat16"] = _key(
        "float32", "how its frozen weights are stored and multiplied; adapters stay in float32"
    )
    foundation_bits_override: Positive | None = _key(
        None, "size of the foundation model on the air instead of its own", unit="bit"
    )

    @model_validator(mode="after")
    def _one_source(self) -> Model:
        if self.path is not None and self.hub is not None:
            raise ValueError("give path or hub, not both")
        return self


class Data(Section):
    """Training and test data: a built-in task unless a path or a hub name is given."""

    task: Literal["reviews", "passages"] = _key("reviews", "built-in task")
    path: Path | None = _key(None, "GLUE-style TSV folder, or CSV or Parquet file or folder")
    hub: str | None = _key(None, "data set on the Hugging Face hub (extra: hub)", min_length=1)
    train_samples: int = _key(
        8000, "rows of the built-in training split; cap for others", ge=10, le=10_000_000
    )
    test_samples: int = _key(600, "rows of the test split (at most)", ge=2, le=10_000_000)
    validation_fraction: float = _key(0.1, "part of the training rows kept for choices", ge=0, lt=1)
    samples_per_ue: int = _key(200, "rows each UE holds", ge=1, le=10_000_000)
    dirichlet_concentration: PositiveOrInf = _key(
        1.0, "label skew over UEs: mixture ~ Dirichlet(c C p) for C classes of frequencies p; inf is none"
    )

    @model_validator(mode="after")
    def _one_source(self) -> Data:
        if self.path is not None and self.hub is not None:
            raise ValueError("give path or hub, not both")
        if math.isnan(self.dirichlet_concentration):
            raise ValueError("dirichlet_concentration must be a number")
        return self


class MobilityChoice(Section):
    """How UEs move, by name; other keys are its own parameters."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str = _key(
        "static",
        "static, random_waypoint, gauss_markov, replay (of the trace `path`, from its first sample or from "
        "trace time `begin_s`), or a plug-in",
        min_length=1,
    )
    step_s: Positive = _key(1.0, "places are sampled so often; distance and serving gNB follow", unit="s")
    hysteresis_db: NonNegative = _key(
        3.0, "handover once another gNB is better by this much in mean gain (3GPP event A3)", unit="dB"
    )
    time_to_trigger_s: NonNegative = _key(0.0, "and has been for this long", unit="s")
    handover: Literal["abort", "resume", "finish_old"] = _key(
        "abort",
        "an upload at a handover: lost, goes on at the new gNB after 50 ms, or ends at the old one",
    )

    @property
    def moves(self) -> bool:
        """Places change."""
        return self.kind != "static"

    @property
    def parameters(self) -> dict[str, Any]:
        """Keys besides those above."""
        return dict(self.model_extra or {})


class ChannelTrace(Section):
    """A trace that stands in for the channel model, for some UEs or all."""

    path: Path = Field(description="trace file of gains, fading, SNR or rates, in any format that is read")
    format: str = _key("", "its format, where that is not seen from the file")
    use: Literal["gain", "fading", "snr", "rate"] | None = _key(
        None, "what of the file is replayed; default: what it has, gains before SNR before rates"
    )
    ues: tuple[Annotated[int, Field(ge=0)], ...] = _key(
        (), "UEs that it drives, in the order of its nodes; default: those it names"
    )
    begin_s: Finite | None = _key(
        None,
        "trace time at simulated time 0; default: that of the replayed mobility trace if both name the same "
        "nodes, 0 of a recorded channel, else the first sample",
        unit="s",
    )
    fill: Literal["error", "hold", "interpolate"] = _key("error", "what bridges a gap in the trace")
    scale: Literal["share", "none"] = _key(
        "share", "a rate is that of the whole band, used by share, or is the UE's whatever its share"
    )


class SchemeChoice(Section):
    """The scheme by name; other keys are its own parameters (`netsim schemes` lists them)."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str = _key("round_robin", "name of the scheme", min_length=1)

    @property
    def parameters(self) -> dict[str, Any]:
        """Keys besides `kind`."""
        return dict(self.model_extra or {})


class Scenario(Section):
    """One run, completely described."""

    name: str = _key("scenario", "shown in tables and reports", min_length=1)
    seed: int = _key(1, "seed of every random stream", ge=0, lt=2**63)
    rounds: int = _key(30, "at most so many rounds", ge=0, le=10_000_000)
    formulas: Literal["corrected", "paper"] = _key(
        "corrected", "the controllers' formulas: corrected, or every one as the paper prints it"
    )
    network_only: bool = _key(False, "simulate timing and energy only; imports no torch")
    checkpoint_every: int | None = _key(
        None, "rounds from one checkpoint to the next; default: at round ends at least 10 s apart", ge=1
    )
    federation: Literal["cell", "network"] = _key(
        "cell", "one gNB learns, or all of them, merged by a core node over the backhaul"
    )
    stop: Stop = Stop()
    topology: Topology = Topology()
    ues: Ues = Ues()
    radio: Radio = Radio()
    downlink: Downlink = Downlink()
    round: Round = Round()
    compute: Compute = Compute()
    devices: tuple[Device, ...] = Field((Device(),), min_length=1)
    modules: tuple[Module, ...] = Field(
        (Module(rank=4), Module(rank=8), Module(rank=16), Module(rank=32)), min_length=1, max_length=64
    )
    learning: Learning = Learning()
    model: Model = Model()
    data: Data = Data()
    scheme: SchemeChoice = SchemeChoice()
    mobility: MobilityChoice = MobilityChoice()
    channel: tuple[ChannelTrace, ...] = _key((), "traces in place of the channel model")
    record: bool = _key(
        False,
        "write where UEs are and what their channels are (tables mobility, channel); `netsim run RUN_DIR` "
        "replays them, under any seed and with any scheme",
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

    @property
    def ue_count(self) -> int:
        """K, once it is known (`build.settled` reads it from a replayed trace)."""
        assert self.ues.count is not None
        return self.ues.count

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
        return (self.downlink.w0_broadcast or ("every_round" if self.printed else "once")) == "every_round"

    @property
    def local_optimizer(self) -> str:
        """Optimiser of local training."""
        return self.learning.local_optimizer or ("sgd" if self.printed else "adam")

    @property
    def constant_rate(self) -> bool:
        """An upload has one rate, by Shannon's formula, from its start to its end."""
        radio = self.radio
        kept = radio.fading == "round" and radio.reallocation == "static" and not radio.retransmissions
        kept = kept and not self.mobility.moves and not self.channel
        return kept and radio.rate_model == "shannon" and radio.interference == "field"

    @property
    def interferers_follow(self) -> bool:
        """Interferers send with the power of the UE they disturb."""
        default = "equal" if self.printed and self.radio.interference == "field" else "fixed"
        return (self.radio.interferer_power or default) == "equal"

    @property
    def poisson_field(self) -> bool:
        """The closed forms of eq. (15) hold: Poisson sites, power-law path loss without shadowing."""
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
        return self.radio.interferer_law or ("typical_cell" if self.federation == "cell" else "typical_user")

    @model_validator(mode="after")
    def _radio_fits(self) -> Scenario:
        form = self.radio.success_model
        if form in ("ppp", "paper") and not self.poisson_field:
            raise ValueError(
                f"radio.success_model = {form} is a closed form for Poisson sites and power-law path loss "
                "without shadowing; use topology"
            )
        if form == "topology" and self.poisson_field and self.radio.interference == "field":
            raise ValueError(
                "radio.success_model = topology needs real sites; a Poisson field has ppp or paper"
            )
        if self.federation == "cell":
            for key, value in (("boundary", "guard"), ("association", "strongest")):
                if getattr(self.topology, key) == value:
                    raise ValueError(f"topology.{key} = {value} needs federation = network")
        elif self.topology.learning_site is not None:
            raise ValueError("topology.learning_site needs federation = cell: all sites learn")
        if math.isinf(self.round.deadline_s):
            for key, value in (("fading", "block"), ("interference", "network")):
                if getattr(self.radio, key) == value:
                    raise ValueError(f"round.deadline_s must be finite with radio.{key} = {value}")
        return self

    @model_validator(mode="after")
    def _motion_fits(self) -> Scenario:
        if self.in_time and math.isinf(self.round.deadline_s):
            raise ValueError("round.deadline_s must be finite where UEs move or channels are traced")
        if self.mobility.handover == "resume":
            if self.federation == "cell":
                raise ValueError("mobility.handover = resume needs federation = network: one gNB learns")
            if self.radio.reallocation != "events":
                raise ValueError("mobility.handover = resume needs radio.reallocation = events")
        if self.radio.interference == "network":
            if any(trace.use in ("snr", "rate") for trace in self.channel):
                raise ValueError("channel.use = snr or rate needs radio.interference = field")
            if self.record and self.radio.background_ues:
                raise ValueError("record needs radio.background_ues = 0: their channels are not recorded")
        return self

    @model_validator(mode="after")
    def _network_only_stops(self) -> Scenario:
        if self.network_only:
            for key in ("target_accuracy", "patience_evaluations"):
                if getattr(self.stop, key) is not None:
                    raise ValueError(f"stop.{key} depends on learning, which network_only leaves out")
            if self.learning.log_risk:
                raise ValueError("learning.log_risk measures losses, which network_only leaves out")
        names = [d.name for d in self.devices]
        if len(set(names)) < len(names):
            raise ValueError(f"device class names must differ, found {names}")
        return self

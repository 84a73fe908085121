"""Keys of the network: sites, UEs' number and places, radio, and how a round goes in time."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

from pydantic import model_validator

from netsim.scenario.nr import Nr
from netsim.scenario.section import (
    Finite,
    NonNegative,
    PluginChoice,
    Positive,
    PositiveOrInf,
    Section,
    key,
)

MAX_SITES = 1e6


class BackhaulLinks(Section):
    """Links between the sites and the core node, where several gNBs learn."""

    kind: Literal["star", "tree", "mesh", "file"] = key(
        "star",
        "links from every site to the core, of least total length, between neighbours, "
        "or the file's",
    )
    rate_bps: Positive = key(1e10, "rate of every generated link", unit="bit/s")
    hop_delay_s: NonNegative = key(
        1e-4, "delay of a generated link besides the light in its fibre", unit="s"
    )
    core: int | None = key(
        None, "site of the core node; default: as marked in the file, or central", ge=0
    )


class Topology(Section):
    """gNB sites."""

    kind: Literal["ppp", "hex", "file"] = key(
        "ppp", "Poisson point process, hexagonal grid, or a site file"
    )
    density_per_km2: Positive = key(1.0, "gNB density phi (ppp, hex)", unit="1/km²", eq="15")
    window_km: Positive = key(12.0, "side of the square window of sites (ppp, hex)", unit="km")
    path: Path | None = key(None, "site file: CSV, node-link JSON, GraphML, GeoJSON, OpenCelliD")
    columns: str = key("", "what the columns of a CSV site file are, as lat=y,lon=x,node=mast")
    learning_site: int | None = key(
        None, "the site whose cell learns; default: the central one", ge=0
    )
    boundary: Literal["none", "torus", "guard"] = key(
        "none", "edge of the window: open, joined to the opposite side, or without UEs for guard_km"
    )
    guard_km: Positive | None = key(None, "width of the guard zone (boundary = guard)", unit="km")
    association: Literal["nearest", "strongest"] = key(
        "nearest", "gNB of a UE: by distance, or by mean gain; so are the cells"
    )
    backhaul: BackhaulLinks = BackhaulLinks()

    @model_validator(mode="after")
    def _few_sites(self) -> Topology:
        expected = self.density_per_km2 * self.window_km**2
        if self.kind != "file" and expected > MAX_SITES:
            raise ValueError(
                f"topology.density_per_km2 x topology.window_km^2 = {expected:g} sites; at most 1e6"
            )
        return self

    @model_validator(mode="after")
    def _kind_fits(self) -> Topology:
        if (self.kind == "file") != (self.path is not None):
            raise ValueError("topology.path is given exactly when topology.kind is file")
        if self.boundary == "torus" and self.kind != "ppp":
            raise ValueError(
                "topology.boundary = torus needs topology.kind = ppp: the sides of others do not "
                "fit together"
            )
        if (self.boundary == "guard") != (self.guard_km is not None):
            raise ValueError("topology.guard_km is given exactly when topology.boundary is guard")
        if self.backhaul.kind == "file" and self.kind != "file":
            raise ValueError(
                "topology.backhaul.kind = file needs topology.kind = file: the links of a site file"
            )
        return self


class Ues(Section):
    """User equipments."""

    count: int | None = key(
        None,
        "UEs in the learning cell, or in the network, K; default: 40, or the nodes of a "
        "replayed trace",
        ge=1,
        le=10_000_000,
    )


class PathlossChoice(PluginChoice):
    """The path loss by name; other keys are its own parameters."""

    kind: str = key(
        "power_law",
        "power_law, uma, umi, rma, okumura_hata, cost231_hata, or a plug-in",
        eq="2",
        min_length=1,
    )


class PowerControl(Section):
    """Open-loop power control, instead of the scheme's powers (3GPP TS 38.213, 7.1.1)."""

    p0_dbm: Finite = key(-90.0, "wanted receive power in a resource block of 180 kHz", unit="dBm")
    alpha: float = key(0.8, "part of the path loss that is made up for", ge=0, le=1)


class Radio(Section):
    """Uplink."""

    preset: str | None = key(
        None,
        "values of other keys, of downlink and device too: nr-fr1-100mhz, nr-fr1-20mhz or "
        "nr-fr2-100mhz",
    )
    bandwidth_hz: Positive = key(1e7, "uplink bandwidth of a gNB, W", unit="Hz", eq="2")
    noise_psd_dbm_hz: Finite = key(
        -162.0, "noise power density N0", unit="dBm/Hz", eq="2", ge=-400, le=0
    )
    noise_figure_db: Finite | None = key(
        None, "N0 = k T F at 290 K instead", unit="dB", ge=0, le=100
    )
    site_antenna_dbi: Finite = key(0.0, "antenna gain of a gNB, cables included", unit="dBi")
    ue_antenna_dbi: Finite = key(0.0, "antenna gain of a UE", unit="dBi")
    pathloss: PathlossChoice = PathlossChoice()
    interference: Literal["field", "network"] = key(
        "field",
        "one interferer per other cell drawn for each upload (eq. 2), or the uploads of all cells",
        eq="2",
    )
    interferers: Literal["per_upload", "persistent"] = key(
        "per_upload",
        "field: interferers are drawn anew for each upload (the paper), or stay for a round and "
        "are shared by the UEs of a gNB",
        eq="2",
    )
    background_ues: int = key(
        0,
        "network: UEs at full power in every cell that is idle; 0 leaves it silent",
        ge=0,
        le=10_000,
    )
    sinr_threshold_db: Finite = key(
        -5.0, "theta: below it an upload (or a block) is lost", unit="dB", eq="2"
    )
    max_power_w: Positive = key(
        0.2, "P_max of a UE, and the power of every interferer", unit="W", eq="7e"
    )
    min_power_w: Positive = key(1e-3, "least power of a UE that transmits", unit="W", eq="7e")
    power_control: PowerControl | None = None
    fading: Literal["round", "block"] = key(
        "round", "one Rayleigh draw per upload, or per coherence time"
    )
    block_correlation: Literal["none", "jakes"] = key(
        "none",
        "fading = block: blocks are independent, or a quarter as long and the UE's own channel "
        "has the Jakes spectrum of its speed",
    )
    rate_model: Literal["shannon", "threshold", "nr"] = key(
        "shannon",
        "W delta log2(1 + SINR), or with theta in its place, or the goodput of 5G NR",
        eq="2",
    )
    nr: Nr | None = None
    retransmissions: int = key(0, "further attempts of an upload in outage, at most", ge=0, le=1000)
    reallocation: Literal["static", "events"] = key(
        "static",
        "shares hold to the end, or the band is divided anew when an upload starts or ends",
    )
    ue_speed_m_s: Positive = key(
        1.0,
        "of what moves around a UE, and so at least of its channel: coherence time 0.423 c/(v f_c)",
        unit="m/s",
    )
    carrier_hz: Positive = key(3.5e9, "carrier frequency: coherence time, path loss", unit="Hz")
    interferer_law: Literal["typical_cell", "typical_user", "constant"] | None = key(
        None,
        "thinning law c(u) of the Poisson field; default: typical_cell where one cell learns",
        eq="15",
    )
    interferer_power: Literal["fixed", "equal"] | None = key(
        None,
        "interferers at P_max, or at the UE's own power (default if formulas is paper)",
        eq="15",
    )
    success_model: Literal["ppp", "topology", "paper"] | None = key(
        None,
        "lambda that schemes plan with; default: ppp or paper for a Poisson field, topology "
        "for real sites",
        eq="15",
    )

    @model_validator(mode="before")
    @classmethod
    def _with_nr(cls, values: Any) -> Any:
        """The link layer's keys are there, if by default, where it is used."""
        if isinstance(values, dict) and values.get("rate_model") == "nr" and "nr" not in values:
            return {**values, "nr": {}}
        return values

    @model_validator(mode="after")
    def _consistent(self) -> Radio:
        if self.min_power_w > self.max_power_w:
            raise ValueError("radio.min_power_w must not exceed radio.max_power_w")
        if self.retransmissions and self.fading == "block":
            raise ValueError(
                "radio.retransmissions needs radio.fading = round: a bad block is repeated anyway"
            )
        if self.background_ues and self.interference == "field":
            raise ValueError("radio.background_ues needs radio.interference = network")
        in_field_blocks = self.fading == "block" and self.interference == "field"
        if self.block_correlation == "jakes" and not in_field_blocks:
            raise ValueError(
                "radio.block_correlation = jakes needs radio.fading = block and "
                "radio.interference = field"
            )
        if self.nr is not None and self.nr.errors == "sampled" and self.fading != "block":
            raise ValueError("radio.nr.errors = sampled needs radio.fading = block")
        if self.nr is not None and self.rate_model != "nr":
            raise ValueError("radio.nr needs radio.rate_model = nr")
        if self.interferers == "persistent" and self.interference == "network":
            raise ValueError(
                "radio.interferers = persistent needs radio.interference = field: in a network "
                "they are the actual UEs"
            )
        if self.interferer_power is not None and self.interference == "network":
            raise ValueError(
                "radio.interferer_power needs radio.interference = field: in a network powers are "
                "known"
            )
        return self


class RoundTiming(Section):
    """Timing of a round."""

    deadline_s: PositiveOrInf = key(4.0, "aggregation deadline, from the round's start", unit="s")
    alloc_start: Literal["barrier", "arrival"] = key(
        "barrier", "uploads start all together when the last has computed, or each on its own"
    )
    compute_limit_s: Positive | None = key(
        None, "barrier: uploads start at the latest then; who is not ready sits out", unit="s"
    )
    aggregation_s: NonNegative = key(0.01, "time the gNB takes to aggregate", unit="s")
    late_uploads: Literal["drop", "stale"] = key(
        "drop",
        "what is under way at the deadline: stopped, or goes on and is aggregated, damped, in a "
        "later round",
    )

    @model_validator(mode="after")
    def _limit_before_deadline(self) -> RoundTiming:
        if math.isnan(self.deadline_s):
            raise ValueError("deadline_s must be a number")
        if self.compute_limit_s is not None and self.compute_limit_s >= self.deadline_s:
            limit, deadline = self.compute_limit_s, self.deadline_s
            raise ValueError(
                f"compute_limit_s ({limit:g} s) must be below deadline_s ({deadline:g} s); "
                f"try --set round.compute_limit_s={deadline / 2:g}"
            )
        return self

"""What a scenario means in seconds, joules and bits: the tables of `netsim validate SCENARIO`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from polars import col

from netsim.assembly import Parts
from netsim.assembly.payloads import size_source
from netsim.cli.carrier import carrier_facts
from netsim.cli.console import print_table, quantity, seconds
from netsim.cli.uplink_facts import uplink_facts
from netsim.execution import Forecast
from netsim.mobility.replay import Recorded
from netsim.radio.fading import block_lengths_s
from netsim.theory.printed import DEVIATIONS, FAULTS
from netsim.units import to_db

PLACES = {
    "nearest": 0,
    "25%": 25,
    "median": 50,
    "75%": 75,
    "farthest": 100,
}
BUDGET_HEADERS = (
    "place",
    "UE",
    "distance m",
    "gain dB",
    "signal dBm",
    "noise dBm",
    "SINR dB",
    "rate",
    "on time",
)
DEVICE_HEADERS = (
    "class",
    "UEs",
    "clock GHz",
    "samples per round",
    "computing of a module",
    "its energy",
)
GNBS_NAMED = 8
DBM = 30  # dB from W to mW


def print_expectations(parts: Parts, trial: Forecast) -> None:
    """Link budget, network, payloads, devices, and what the trial's rounds were like."""
    _print_link_budget(parts, trial)
    farthest = int(_present_by_distance(parts)[-1])
    facts = carrier_facts(parts, farthest)
    if facts:
        print_table(("NR carrier", ""), facts)
    print_table(("", ""), _network_facts(parts))
    if parts.scenario.printed:
        _print_printed()
    _print_payloads(parts)
    _print_devices(parts)
    _print_forecast(trial)


# -- link budget ---------------------------------------------------------------------------------


def _print_link_budget(parts: Parts, trial: Forecast) -> None:
    power_w = parts.scenario.radio.max_power_w
    uplink = parts.radio.uplink
    nearest_first = _present_by_distance(parts)
    medians = _medians_per_ue(trial)
    rows = []
    for place, percent in PLACES.items():
        index = round((len(nearest_first) - 1) * percent / 100)
        ue = int(nearest_first[index])
        rows.append([place, *_link(parts, ue, power_w), *_trial_of(ue, medians, parts)])
    title = (
        f"Link budget at P_max = {quantity(power_w, 'W')}, "
        f"W = {quantity(uplink.bandwidth_hz, 'Hz')}, "
        f"{_threshold(uplink.model.threshold)}; "
        f"medians of {trial}"
    )
    print_table(
        BUDGET_HEADERS,
        rows,
        title=title,
        right=range(1, 9),
    )


def _threshold(threshold: float) -> str:
    return f"threshold {to_db(threshold):.3g} dB" if threshold > 0 else "uploads added on the air"


def _present_by_distance(parts: Parts) -> np.ndarray[Any, Any]:
    """UEs that are there at time 0 (all, if none is), the nearest to its gNB first."""
    here = _present(parts)
    return here[np.argsort(parts.links.distance_m[here])]


def _present(parts: Parts) -> np.ndarray[Any, Any]:
    everyone = np.arange(len(parts.links))
    if parts.links.present is None or not parts.links.present.any():
        return everyone
    return np.flatnonzero(parts.links.present)


def _medians_per_ue(trial: Forecast) -> pl.DataFrame:
    return trial.uploads.group_by("ue").agg(
        col("sinr_db", "rate_bps", "bandwidth_hz").median(),
        arrived=(col("outcome") == "on_time").mean(),
    )


def _link(
    parts: Parts,
    ue: int,
    power_w: float,
) -> list[str]:
    gain = float(parts.links.gain[ue])
    signal_dbm = to_db(power_w * gain) + DBM
    return [
        str(ue),
        f"{parts.links.distance_m[ue]:.0f}",
        f"{to_db(gain):.1f}",
        f"{signal_dbm:.1f}",
    ]


def _trial_of(
    ue: int,
    medians: pl.DataFrame,
    parts: Parts,
) -> list[str]:
    """What the trial saw of a UE."""
    found = medians.filter(col("ue") == ue)
    if not len(found):
        return ["", "", "", "never sent"]
    seen = found.row(0, named=True)
    noise_w = parts.radio.uplink.noise_psd_w_hz * seen["bandwidth_hz"]
    sinr_db = seen["sinr_db"]
    return [
        f"{to_db(noise_w) + DBM:.1f}",
        "" if sinr_db is None else f"{sinr_db:.1f}",
        quantity(seen["rate_bps"], "bit/s"),
        f"{100 * seen['arrived']:.0f}%",
    ]


# -- network -------------------------------------------------------------------------------------


def _network_facts(parts: Parts) -> list[tuple[str, str]]:
    links = parts.links
    density_per_km2 = parts.deployment.density_per_m2 * 1e6
    worst_downlink = links.downlink_efficiency[_present(parts)].min()
    facts = [
        ("sites", str(len(parts.deployment.positions_m))),
        ("gNB density", f"{density_per_km2:.3g} per km²"),
        ("gNBs that serve UEs", _count_and_numbers(links.gnbs.tolist())),
        ("UEs", str(len(links))),
        *_trace_facts(parts),
        ("worst downlink", f"{worst_downlink:.3g} bit/s/Hz"),
    ]
    if parts.scenario.federation == "network":
        facts.append(("core", f"site {parts.setting.core.core}"))
    facts += uplink_facts(parts.scenario, parts.links.gnb)
    coherence_s = parts.radio.uplink.coherence_s
    if coherence_s is not None and parts.scenario.radio.fading == "block":
        found = _Range.of(block_lengths_s(coherence_s, links.pace))
        several = found.low < found.high
        told = f"{seconds(found.low)} .. {seconds(found.high)}" if several else seconds(found.low)
        facts.append(("fading stays the same for", told))
    return facts


def _count_and_numbers(gnbs: list[int]) -> str:
    """How many, and which."""
    named = ", ".join(map(str, gnbs[:GNBS_NAMED]))
    more = ", ..." if len(gnbs) > GNBS_NAMED else ""
    return f"{len(gnbs)} (site {named}{more})"


def _trace_facts(parts: Parts) -> list[tuple[str, str]]:
    """When a replayed trace begins and ends, where it lies, and of which run it is a record."""
    motion = parts.motion
    links = parts.links
    if not isinstance(motion, Recorded):
        return []
    there = len(links) if links.present is None else int(links.present.sum())
    learning = int(links.available.sum())
    facts = [
        ("trace", str(parts.scenario.mobility.parameters["path"])),
        ("trace time at time 0", f"{motion.begin_s:g} s"),
        ("last sample at time", f"{motion.end_s:g} s"),
        ("UEs there at time 0", f"{there}, of them {learning} in cells that learn"),
    ]
    if motion.shift_m != (0.0, 0.0):
        x_m, y_m = motion.shift_m
        facts.append(("places moved by", f"{x_m:.0f} m, {y_m:.0f} m"))
    return facts


def _print_printed() -> None:
    """What printed formulas are wrong in, and where the run deviates from them."""
    print_table(("formula", "wrong as printed"), FAULTS, title="formulas = paper")
    print_table(("about", "deviates from print"), DEVIATIONS)


# -- payloads and devices ------------------------------------------------------------------------


def _print_payloads(parts: Parts) -> None:
    rows, payloads = [], parts.setting.payloads
    for index, spec in enumerate(parts.learning.modules):
        bits = quantity(float(payloads.bits[index]), "bit")
        source = size_source(parts.scenario, parts.learning, index)
        rows.append((str(index), str(spec.rank), bits, source))
    foundation = quantity(payloads.foundation_bits, "bit")
    title = f"Payloads; the foundation model is {foundation} on the air"
    print_table(("module", "rank", "upload", "set by"), rows, title=title, right=(1,))


def _print_devices(parts: Parts) -> None:
    rows = [_device_row(parts, name) for name in parts.learning.devices.class_names]
    print_table(
        DEVICE_HEADERS,
        rows,
        title="Devices",
        right=(1,),
    )


@dataclass(frozen=True)
class _Range:
    """Least and greatest of some values."""

    low: float
    high: float

    @classmethod
    def of(cls, values: np.ndarray[Any, Any]) -> _Range:
        return cls(float(values.min()), float(values.max()))


def _device_row(parts: Parts, device_class: str) -> tuple[str, ...]:
    mine = np.array(parts.setting.fleet.device_class) == device_class
    if not mine.any():
        return (device_class, "0", "", "", "", "")
    clock_hz = _Range.of(parts.learning.devices.cpu_hz[mine])
    samples = _Range.of(parts.learning.devices.samples[mine])
    time_s = _Range.of(parts.setting.fleet.compute_s[mine])
    energy_j = _Range.of(parts.setting.fleet.compute_energy_j[mine])
    return (
        device_class,
        str(int(mine.sum())),
        f"{clock_hz.low / 1e9:.2f}..{clock_hz.high / 1e9:.2f}",
        f"{samples.low:.0f}..{samples.high:.0f}",
        f"{seconds(time_s.low)} .. {seconds(time_s.high)}",
        f"{quantity(energy_j.low, 'J')} .. {quantity(energy_j.high, 'J')}",
    )


# -- forecast ------------------------------------------------------------------------------------


def _print_forecast(trial: Forecast) -> None:
    rounds = trial.per_round
    counts = col("subscribed", "on_time", "late", "outage", "not_ready").mean()
    mean = rounds.select(counts).row(0, named=True)
    length_s = (rounds["end_s"] - rounds["start_s"]).mean()
    assert isinstance(length_s, float)
    rows = [
        ("uploads per round", f"{mean['subscribed']:.1f}"),
        ("arriving on time", f"{mean['on_time']:.1f}"),
        ("late", f"{mean['late']:.1f}"),
        ("in outage", f"{mean['outage']:.1f}"),
        ("not ready", f"{mean['not_ready']:.1f}"),
        ("finish time of arrivals, 5/50/95%", _finish_quantiles(trial)),
        ("length of a round", seconds(length_s)),
    ]
    print_table(
        ("", ""),
        rows,
        title=f"To expect, from {trial}",
    )


def _finish_quantiles(trial: Forecast) -> str:
    arrived = trial.uploads.filter(col("outcome") == "on_time")
    parts = pl.sum_horizontal("download_s", "compute_s", "wait_s", "airtime_s")
    finish_s = arrived.select(parts).to_series()
    quantiles = [finish_s.quantile(level) for level in (0.05, 0.5, 0.95)]
    return " / ".join("none" if value is None else seconds(value) for value in quantiles)

"""Large runs without learning, for `bench_network.py --large`: how time and memory grow.

Each run has a process of its own, one after the other. Time is CPU time from the start of a run to
its end; the peak is that of its process. The exponent of a series of sizes is the slope of log time
over log UEs (least squares): 1 where time grows in proportion.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Overrides = dict[str, Any]
Ask = Callable[..., dict[str, Any]]
"""(task, arguments) -> the answer of a new process."""

PEAK_GIB = 4.0
SYNCHRONOUS_UES = (10_000, 100_000, 1_000_000)
NETWORK_UES = (5_000, 16_667, 50_000)
VEHICLES = 100_000

HZ_PER_UE = 8e5
UES_PER_GNB = 50


@dataclass(frozen=True)
class Series:
    """Runs of growing size."""

    name: str
    ues: tuple[int, ...]
    overrides: Callable[[int], Overrides]
    seconds: float = np.inf  # that the last may take
    last_over_before: float = np.inf  # times the run before it
    trace: bool = False  # its UEs are those of a made trace


def synchronous(ues: int) -> Overrides:
    """One cell, one fading draw an upload, three rounds."""
    return {
        "ues.count": ues,
        "rounds": 3,
        "radio.bandwidth_hz": HZ_PER_UE * ues,
        "downlink.bandwidth_hz": 1e9,
        "round.deadline_s": 6.0,
    }


def all_cells(ues: int) -> Overrides:
    """All cells simulated, fading in blocks, five rounds; a gNB in each square kilometre."""
    return {
        "ues.count": ues,
        "rounds": 5,
        "radio.interference": "network",
        "federation": "network",
        "radio.fading": "block",
        "radio.bandwidth_hz": 1e9,
        "downlink.bandwidth_hz": 1e9,
        "round.deadline_s": 2.0,
        "round.compute_limit_s": 1.0,
        "topology.window_km": float(np.sqrt(ues / UES_PER_GNB)),
        "topology.boundary": "torus",
        **{f"modules.{index}.payload_bits_override": 9.4e6 for index in range(4)},
    }


def replayed(vehicles: int) -> Overrides:
    """Vehicles of a trace among a hundred gNBs, five rounds."""
    return {
        "ues.count": None,
        "rounds": 5,
        "federation": "network",
        "topology.window_km": 10,
        "radio.bandwidth_hz": HZ_PER_UE * vehicles / 100,
        "downlink.bandwidth_hz": 1e9,
        "round.deadline_s": 6.0,
        "mobility.kind": "replay",
    }


SERIES = (
    Series("synchronous, 3 rounds", SYNCHRONOUS_UES, synchronous, last_over_before=12.0),
    Series("network mode, 5 rounds", NETWORK_UES, all_cells, seconds=300.0),
    Series("replay, 5 rounds", (VEHICLES,), replayed, trace=True),
)


def measured(series: Series, ask: Ask) -> tuple[list[str], list[str]]:
    """What a series took, in words, and the limits it misses."""
    runs = []
    for ues in series.ues:
        folder = Path(tempfile.mkdtemp(prefix="bench-large-"))
        overrides = series.overrides(ues)
        if series.trace:
            overrides["mobility.path"] = str(folder / "vehicles.parquet")
            ask("trace", path=overrides["mobility.path"], vehicles=ues)
        runs.append(ask("run", overrides=overrides))
        shutil.rmtree(folder)
    spent_s = [sum(run["parts_s"]) for run in runs]
    lines = [
        f"    {ues:9,d} UEs  {spent:8.2f} s, {run['uploads']} uploads, "
        f"{100 * run['arrived']:.0f}% on time, peak {run['peak_gib']:.2f} GiB"
        for ues, spent, run in zip(series.ues, spent_s, runs, strict=True)
    ]
    missed = []
    if len(runs) > 1:
        exponent = np.polyfit(np.log(series.ues), np.log(spent_s), 1)[0]
        times = spent_s[-1] / spent_s[-2]
        lines.append(f"    the last {times:.1f} times the one before; exponent {exponent:.2f}")
        if times > series.last_over_before:
            missed.append(f"more than {series.last_over_before:g} times the one before")
    if spent_s[-1] > series.seconds:
        missed.append(f"{spent_s[-1]:.0f} s is above {series.seconds:g} s")
    if runs[-1]["peak_gib"] > PEAK_GIB:
        missed.append(f"more than {PEAK_GIB:g} GiB")
    return [series.name, *lines], missed

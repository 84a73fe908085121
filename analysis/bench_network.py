"""How fast is the network side? Runs without learning beside a bare SimPy program with as many
events.

    python analysis/bench_network.py [--fast]

The bare program has the same processes and events (a round's opening, and per UE its download,
computing, grant and airtime) with no model behind them and no records. Ratios are of CPU seconds in
this process, from one run; where the time goes is from a profile of one more run, whose own
overhead is in its shares.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import simpy

from netsim import load_scenario, run

COMMON = {
    "network_only": True,
    "scheme.kind": "round_robin",
    "data.train_samples": 1000,
    "topology.window_km": 8,
    "learning.local_steps": 1,
}
FIELD = {"radio.bandwidth_hz": 8e7, "downlink.bandwidth_hz": 1e9, "round.deadline_s": 6.0}
MANY = {"ues.count": 100_000, "rounds": 5, **FIELD, "radio.bandwidth_hz": 8e10}
BLOCKS = {"radio.fading": "block"}
CASES: dict[str, tuple[dict[str, Any], float]] = {
    "100 UEs x 2000 rounds, one draw": ({"ues.count": 100, "rounds": 2000, **FIELD}, 6.0),
    "100 UEs x 2000 rounds, blocks": ({"ues.count": 100, "rounds": 2000, **FIELD, **BLOCKS}, 15.0),
    "100,000 UEs x 5 rounds, one draw": (MANY, 6.0),
    "100,000 UEs x 5 rounds, blocks": ({**MANY, **BLOCKS}, 15.0),
}
NETWORK = {
    "ues.count": 5000,
    "rounds": 10,
    "radio.interference": "network",
    "federation": "network",
    "radio.fading": "block",
    "radio.bandwidth_hz": 1e9,
    "round.deadline_s": 2.0,
    "round.compute_limit_s": 1.0,
    "topology.window_km": 10,
    "topology.boundary": "torus",
    "downlink.bandwidth_hz": 1e9,
}
STEPS = {
    "draws": ("standard_exponential", "poisson", "random", "spawn", "SeedSequence"),
    "interference": ("interference.py", "network.py", "band_plan.py", "bands.py"),
    "links": ("link.py", "field.py", "blocks.py", "advance.py", "segments.py"),
    "records": ("writer.py", "table_buffer.py", "tables/", "polars"),
    "events": ("simpy", "clock.py", "processes/"),
    "plan": ("schemes", "timetable.py", "opening.py", "state.py"),
}


def bare(ues: int, rounds: int) -> None:
    """The same events and nothing else."""
    environment = simpy.Environment()
    opened = [environment.event()]
    granted, done = [environment.event()], [environment.event()]
    left = [0]

    def ue() -> Any:
        while True:
            yield opened[0]
            yield environment.timeout(0.1)
            yield environment.timeout(0.1)
            left[0] -= 1
            if not left[0]:
                done[0].succeed()
            yield granted[0]
            yield environment.timeout(0.1)

    def gnb() -> Any:
        for _ in range(rounds):
            left[0] = ues
            done[0], granted[0] = environment.event(), environment.event()
            event, opened[0] = opened[0], environment.event()
            event.succeed()
            yield done[0]
            granted[0].succeed()
            yield environment.timeout(0.5)

    for _ in range(ues):
        environment.process(ue())
    environment.run(until=environment.process(gnb()))


def cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds of this process and its threads."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def simulate(overrides: dict[str, Any]) -> Path:
    """A run with its records, in a folder that the caller removes."""
    folder = Path(tempfile.mkdtemp(prefix="bench-network-"))
    run(load_scenario("quickstart", {**COMMON, **overrides}), out=folder / "run")
    return folder


def share_of_time(overrides: dict[str, Any]) -> str:
    """Where the time of a run goes, in per cent."""
    profile = cProfile.Profile()
    profile.enable()
    shutil.rmtree(simulate(overrides))
    profile.disable()
    seconds = dict.fromkeys([*STEPS, "rest"], 0.0)
    found = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    for (file, _, name), (_, _, own, _, _) in found.items():
        text = f"{file} {name}"
        step = next((s for s, words in STEPS.items() if any(w in text for w in words)), "rest")
        seconds[step] += own
    total = sum(seconds.values())
    return ", ".join(f"{step} {100 * s / total:.0f}%" for step, s in seconds.items())


def main() -> int:
    """Print the table; exit code 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--fast", action="store_true", help="a tenth of the rounds, of the small cases only"
    )
    fast = parser.parse_args().fast
    out, missed = sys.stdout.write, 0
    shutil.rmtree(simulate({"rounds": 2, "ues.count": 10}))  # imports
    for name, (overrides, limit) in CASES.items():
        if fast:
            if overrides["ues.count"] > 1000:
                continue
            overrides = {**overrides, "rounds": overrides["rounds"] // 10}
        # type: ignore[misc]
        reference = cpu_s(lambda o=overrides: bare(o["ues.count"], o["rounds"]))
        folders: list[Path] = []
        spent = cpu_s(lambda o=overrides, f=folders: f.append(simulate(o)))  # type: ignore[misc]
        uploads = blocks_of(folders[0], overrides)
        shutil.rmtree(folders[0])
        ratio = spent / reference
        missed += ratio > limit
        out(
            f"{name}: {spent:.2f} s, bare SimPy {reference:.2f} s: {ratio:.1f} times (limit {limit:g})"
            f"{uploads}\n"
        )
        out(f"    {share_of_time(overrides)}\n")
        peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        out(f"    peak memory so far {peak_gib:.2f} GiB (limit 2)\n")
        missed += peak_gib > 2
    overrides = {**NETWORK, "rounds": 1} if fast else NETWORK
    folders = []
    begin = time.perf_counter()
    spent = cpu_s(lambda: folders.append(simulate({**payloads(), **overrides})))
    wall_s = time.perf_counter() - begin
    out(
        f"network mode, 100 gNBs, 5,000 UEs, {overrides['rounds']} rounds: {wall_s:.1f} s, "
        f"CPU {spent:.1f} s (limit 60 for 10 rounds){blocks_of(folders[0], overrides)}\n"
    )
    shutil.rmtree(folders[0])
    out(f"    {share_of_time({**payloads(), **overrides})}\n")
    return 1 if missed or (spent > 60 and not fast) else 0


def payloads() -> dict[str, Any]:
    """9.4 Mbit for every module."""
    return {f"modules.{index}.payload_bits_override": 9.4e6 for index in range(4)}


def blocks_of(folder: Path, overrides: dict[str, Any]) -> str:
    """Median length of an upload in coherence blocks, and how many there were."""
    import polars as pl

    from netsim import open_run

    found = (
        open_run(folder / "run")
        .uploads.select(
            pl.len().alias("uploads"),
            pl.col("airtime_s").median(),
            (pl.col("outcome") == "on_time").mean().alias("arrived"),
        )
        .collect()
        .row(0, named=True)
    )
    text = f"; {found['uploads']} uploads, {100 * found['arrived']:.0f}% on time"
    if overrides.get("radio.fading") == "block":
        text += f", median {found['airtime_s'] / 0.0362:.0f} blocks"
    return text


if __name__ == "__main__":
    raise SystemExit(main())

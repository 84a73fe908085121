"""The process of one checkout in bench_network.py: it runs that checkout's netsim, or the bare
SimPy program, and answers with CPU seconds. Requests come as lines of JSON on the standard input.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

COMMON = {
    "network_only": True,
    "scheme.kind": "round_robin",
    "data.train_samples": 1000,
    "topology.window_km": 8,
    "learning.local_steps": 1,
}
STEPS = {  # the first that has a part of a function's file or name; numpy's draws count to who draws
    "draws": ("netsim/rng.py", "radio/interference", "radio/field_", "radio/fading"),
    "links": ("netsim/radio/", "simulation/air/", "simulation/uploads/"),
    "records": ("simulation/tables/", "netsim/results/", "polars", "fsync", "PyLazyFrame"),
    "events": ("simpy", "simulation/clock.py", "simulation/processes/"),
    "plan": ("netsim/schemes/", "simulation/opening.py", "netsim/device/"),
    "data": ("netsim/learning/",),
}


class Stopwatch:
    """CPU seconds of this process and its threads, round by round; listens to `netsim.run`."""

    def __init__(self) -> None:
        self._marks_s = [time.process_time()]

    def round_over(self) -> None:
        """A part ends."""
        self._marks_s.append(time.process_time())

    def parts_s(self) -> list[float]:
        """What it took to each mark, and from the last one to now."""
        marks_s = [*self._marks_s, time.process_time()]
        return [end - begin for begin, end in pairwise(marks_s)]

    def status(self, text: str) -> None:
        """As a listener: of no concern."""

    def warning(self, text: str) -> None:
        """As a listener: of no concern."""

    def round_closed(self, progress: Any) -> None:
        """As a listener: a round, or what comes before the first, is over."""
        self.round_over()


def bare(ues: int, rounds: int, watch: Stopwatch) -> None:
    """The same events and nothing else."""
    import simpy

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
            watch.round_over()

    for _ in range(ues):
        environment.process(ue())
    environment.run(until=environment.process(gnb()))


def timed_bare(ues: int, rounds: int) -> dict[str, Any]:
    """CPU seconds of the bare program."""
    watch = Stopwatch()
    bare(ues, rounds, watch)
    return {"parts_s": watch.parts_s()}


def simulate(overrides: dict[str, Any], watch: Stopwatch | None = None) -> Path:
    """A run with its records, in a folder that the caller removes."""
    from netsim import load_scenario, run

    folder = Path(tempfile.mkdtemp(prefix="bench-network-"))
    scenario = load_scenario("quickstart", {**COMMON, **overrides})
    run(scenario, out=folder / "run", listener=watch)
    return folder


def timed_run(overrides: dict[str, Any]) -> dict[str, Any]:
    """CPU seconds of a run, and what it did."""
    watch = Stopwatch()
    folder = simulate(overrides, watch)
    parts_s = watch.parts_s()
    facts = facts_of(folder)
    shutil.rmtree(folder)
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"parts_s": parts_s, "peak_gib": peak_gib, **facts}


def facts_of(folder: Path) -> dict[str, Any]:
    """How many uploads there were, how many arrived, and how long the median was on the air."""
    import polars as pl

    from netsim import open_run

    found = (
        open_run(folder / "run")
        .uploads.select(
            pl.len().alias("uploads"),
            (pl.col("outcome") == "on_time").mean().alias("arrived"),
            pl.col("airtime_s").median(),
        )
        .collect()
    )
    return found.row(0, named=True)


def profiled_run(overrides: dict[str, Any]) -> dict[str, Any]:
    """Where the time of a run goes, as parts of 1."""
    profile = cProfile.Profile()
    profile.enable()
    folder = simulate(overrides)
    profile.disable()
    shutil.rmtree(folder)
    seconds = dict.fromkeys([*STEPS, "rest"], 0.0)
    found = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    for (file, _, name), (_, _, own, _, _) in found.items():
        text = f"{file} {name}"
        step = next((s for s, words in STEPS.items() if any(w in text for w in words)), "rest")
        seconds[step] += own
    total = sum(seconds.values())
    return {step: spent / total for step, spent in seconds.items()}


def make_trace(path: str, vehicles: int) -> dict[str, Any]:
    """Places of vehicles second by second: each drives straight through the window for a minute,
    from some moment of the first one."""
    import numpy as np
    import polars as pl

    draws = np.random.default_rng(0)
    enters = draws.integers(0, 60, vehicles)
    place_m = draws.uniform(1000, 9000, (2, vehicles))
    way = draws.uniform(0, 2 * np.pi, vehicles)
    speed_m_s = draws.uniform(5, 15, vehicles)
    names = pl.Series([f"veh{number}" for number in range(vehicles)])
    steps = []
    for second in range(120):
        here = np.flatnonzero((enters <= second) & (second <= enters + 60))
        gone_m = speed_m_s[here] * (second - enters[here])
        columns = {
            "time_s": np.full(len(here), float(second)),
            "node": names.gather(here),
            "x_m": place_m[0, here] + gone_m * np.cos(way[here]),
            "y_m": place_m[1, here] + gone_m * np.sin(way[here]),
        }
        steps.append(pl.DataFrame(columns))
    pl.concat(steps).write_parquet(path)
    return {"rows": sum(map(len, steps))}


def work() -> None:
    """Answer requests, one JSON line each, until there are no more."""
    tasks: dict[str, Callable[..., dict[str, Any]]] = {
        "bare": timed_bare,
        "run": timed_run,
        "profile": profiled_run,
        "trace": make_trace,
    }
    for line in sys.stdin:
        task, arguments = json.loads(line)
        answer = tasks[task](**arguments)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    work()

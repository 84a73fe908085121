"""How fast is the network side? Runs without learning beside a bare SimPy program with the events
of such rounds, and beside another checkout of netsim. NR's link layer stands beside Shannon's rates.

    python analysis/bench_network.py [--beside CHECKOUT] [--repeats N] [--fast | --large]

The bare program has the processes and events of the same rounds (a round's opening, and per UE its
download, computing, grant and airtime) with no model behind them and no records. Each checkout has
a process of its own; what is compared takes turns, N times over. CPU time is taken round by round,
from the start of a run to its end; of each round the least of the N times counts, and their sum is
the figure: a busy machine is never quiet for a whole run, but for some of its rounds. Ratios are of
such figures from one call. Where the time goes is from a profile of one more run, whose own
overhead is in its shares. With --large the cases are those of bench_network_large.py instead, once
each: to a million UEs, a thousand gNBs and a replay of a hundred thousand vehicles.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench_network_large import SERIES, measured

HERE = Path(__file__).resolve().parents[1]
WORKER = Path(__file__).with_name("bench_network_worker.py")
NO_SLOWER = 1.05
"""At most so many times the time of the checkout beside it."""
PEAK_GIB = 2.0
COHERENCE_S = 0.0362

WARM = {"rounds": 2, "ues.count": 10}
FIELD = {"radio.bandwidth_hz": 8e7, "downlink.bandwidth_hz": 1e9, "round.deadline_s": 6.0}
FEW = {"ues.count": 100, "rounds": 2000, **FIELD}
MANY = {"ues.count": 100_000, "rounds": 5, **FIELD, "radio.bandwidth_hz": 8e10}
BLOCKS = {"radio.fading": "block"}
NR = {"radio.rate_model": "nr", "radio.nr.subcarrier_spacing_khz": 30}
NETWORK = {
    "ues.count": 5000,
    "rounds": 10,
    "radio.interference": "network",
    "federation": "network",
    **BLOCKS,
    "radio.bandwidth_hz": 1e9,
    "round.deadline_s": 2.0,
    "round.compute_limit_s": 1.0,
    "topology.window_km": 10,
    "topology.boundary": "torus",
    "downlink.bandwidth_hz": 1e9,
    **{f"modules.{index}.payload_bits_override": 9.4e6 for index in range(4)},
}


@dataclass(frozen=True)
class Case:
    """A scenario and what it may take."""

    name: str
    overrides: dict[str, Any]
    limit: float  # times the bare program, or the run in its place
    slow: bool = False  # left out of a fast check
    instead: dict[str, Any] | None = None  # a run that stands in place of the bare program

    @property
    def base(self) -> str:
        """What the limit is a multiple of, in words."""
        return "bare SimPy" if self.instead is None else "with Shannon's rates"


CASES = (
    Case("100 UEs x 2000 rounds, one draw", FEW, 3.0),
    Case("100 UEs x 2000 rounds, blocks", {**FEW, **BLOCKS}, 7.0),
    Case("100 UEs x 2000 rounds, NR", {**FEW, **BLOCKS, **NR}, 1.5, instead={**FEW, **BLOCKS}),
    Case("100,000 UEs x 5 rounds, one draw", MANY, 1.8, slow=True),
    Case("100,000 UEs x 5 rounds, blocks", {**MANY, **BLOCKS}, 3.0, slow=True),
    Case("100 gNBs, 5,000 UEs x 10 rounds, network mode", NETWORK, 60.0),
)


class Worker:
    """A process that runs the netsim of one checkout."""

    def __init__(self, checkout: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def ask(self, task: str, **arguments: Any) -> dict[str, Any]:
        """The answer to a request."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([task, arguments]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the process of a checkout ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Let it end."""
        self._process.communicate()


def least(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """What is common to some equal runs, with the sum of the least CPU times of their parts."""
    parts_s = zip(*(run["parts_s"] for run in runs), strict=True)
    return {**runs[-1], "cpu_s": sum(map(min, parts_s))}


def compare(case: Case, workers: dict[str, Worker], repeats: int) -> dict[str, dict[str, Any]]:
    """The figures of each checkout and of the bare program, all taking turns."""
    few = {"ues": case.overrides["ues.count"], "rounds": case.overrides["rounds"]}
    runs: dict[str, list[dict[str, Any]]] = {"bare": [], **{name: [] for name in workers}}
    for _ in range(repeats):
        if case.instead is None:
            runs["bare"].append(next(iter(workers.values())).ask("bare", **few))
        else:
            runs["bare"].append(workers["this"].ask("run", overrides=case.instead))
        for name, worker in workers.items():
            runs[name].append(worker.ask("run", overrides=case.overrides))
    return {name: least(found) for name, found in runs.items()}


def lines_of(case: Case, best: dict[str, dict[str, Any]]) -> list[str]:
    """What a case took, in words."""
    network = "radio.interference" in case.overrides
    bare_s = best["bare"]["cpu_s"]
    found = [case.name if network else f"{case.name}; {case.base} {bare_s:.3f} s"]
    for name, run in list(best.items())[1:]:
        spent_s = run["cpu_s"]
        ratio = "" if network else f", {spent_s / bare_s:.2f} times that"
        beside = (
            f", {spent_s / best['beside']['cpu_s']:.3f} times beside" if "beside" in best else ""
        )
        found.append(
            f"    {name:8s}{spent_s:.3f} s{ratio}{beside}; {run['uploads']} uploads, "
            f"{100 * run['arrived']:.0f}% on time, median {run['airtime_s'] / COHERENCE_S:.1f} blocks, "
            f"peak so far {run['peak_gib']:.2f} GiB"
        )
    return found


def misses(case: Case, best: dict[str, dict[str, Any]], *, fast: bool) -> list[str]:
    """Limits that the checkout of this file misses."""
    mine, found = best["this"], []
    if "radio.interference" in case.overrides:
        if mine["cpu_s"] > case.limit and not fast:
            found.append(f"{mine['cpu_s']:.1f} s is above {case.limit:g} s")
    elif mine["cpu_s"] > case.limit * best["bare"]["cpu_s"]:
        found.append(f"more than {case.limit:g} times {case.base}")
    if "beside" in best and mine["cpu_s"] > NO_SLOWER * best["beside"]["cpu_s"]:
        found.append(f"more than {NO_SLOWER:g} times beside")
    if mine["peak_gib"] > PEAK_GIB:
        found.append(f"more than {PEAK_GIB:g} GiB")
    return found


def shortened(case: Case) -> Case:
    """A tenth of the rounds."""
    rounds = max(case.overrides["rounds"] // 10, 1)
    instead = None if case.instead is None else {**case.instead, "rounds": rounds}
    return replace(case, overrides={**case.overrides, "rounds": rounds}, instead=instead)


def asked_apart(task: str, **arguments: Any) -> dict[str, Any]:
    """The answer of a process that ends with it, so that its peak is that of the task."""
    worker = Worker(HERE)
    worker.ask("run", overrides=WARM)  # imports
    answer = worker.ask(task, **arguments)
    worker.close()
    return answer


def large(chosen: str) -> int:
    """The large cases; exit code 1 if a limit is missed."""
    missed = 0
    for series in SERIES:
        if chosen in series.name:
            lines, failed = measured(series, asked_apart)
            sys.stdout.write(
                "\n".join([*lines, *(f"    MISSED: {text}" for text in failed)]) + "\n"
            )
            sys.stdout.flush()
            missed += len(failed)
    return 1 if missed else 0


def main() -> int:
    """Print the table; exit code 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--beside", type=Path, help="another checkout, to be run in turn with this")
    parser.add_argument("--repeats", type=int, default=5, help="of each run (default 5)")
    parser.add_argument("--case", default="", help="only cases with this in their names")
    parser.add_argument(
        "--fast", action="store_true", help="a tenth of the rounds, without the largest cases"
    )
    parser.add_argument("--large", action="store_true", help="the large cases instead, once each")
    given = parser.parse_args()
    if given.large:
        return large(given.case)
    checkouts = {"this": HERE} if given.beside is None else {"beside": given.beside, "this": HERE}
    workers = {name: Worker(path) for name, path in checkouts.items()}
    for worker in workers.values():
        worker.ask("run", overrides=WARM)  # imports
    out, missed = sys.stdout.write, 0
    for case in CASES:
        if given.case not in case.name or (given.fast and case.slow):
            continue
        case = shortened(case) if given.fast else case
        best = compare(case, workers, given.repeats)
        out("\n".join(lines_of(case, best)) + "\n")
        shares = workers["this"].ask("profile", overrides=case.overrides)
        out("    " + ", ".join(f"{s} {100 * part:.0f}%" for s, part in shares.items()) + "\n")
        failed = misses(case, best, fast=given.fast)
        out("".join(f"    MISSED: {text}\n" for text in failed))
        missed += len(failed)
    for worker in workers.values():
        worker.close()
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())

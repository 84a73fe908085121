"""Scenarios drawn over the schema: schemes, radio, mobility, federation, time, in any combination.

    python tests/fuzz/random_scenarios.py [--count 200] [--seed 0] [--folder DIR]

Each scenario that is accepted runs twice without learning, here and in one of two worker processes:
it must balance (`netsim validate`), and both must write the same bytes. One that is refused must say
which two keys disagree. The exit code is 1 if one does not.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import re
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import netsim
from netsim.errors import NetsimError, ScenarioError
from netsim.protocols import Silence
from netsim.results.checks import check_run
from netsim.scenario.schema import schema_rows
from netsim.schemes.base import scheme_names

Draw = np.random.Generator
Overrides = dict[str, Any]

CHOICES: dict[str, tuple[Any, ...]] = {
    "formulas": ("corrected", "corrected", "paper"),
    "federation": ("cell", "network"),
    "record": (False, False, False, True),
    "topology.kind": ("ppp", "ppp", "hex"),
    "topology.boundary": ("none", "none", "torus", "guard"),
    "topology.association": ("nearest", "nearest", "strongest"),
    "topology.backhaul.kind": ("star", "tree", "mesh"),
    "radio.interference": ("field", "field", "network"),
    "radio.fading": ("round", "block"),
    "radio.block_correlation": ("none", "none", "none", "jakes"),
    "radio.rate_model": ("shannon", "shannon", "threshold", "nr"),
    "radio.retransmissions": (0, 0, 2),
    "radio.reallocation": ("static", "events"),
    "radio.background_ues": (0, 0, 0, 2),
    "radio.interferer_law": (None, "typical_cell", "typical_user", "constant"),
    "radio.interferer_power": (None, None, "fixed", "equal"),
    "radio.pathloss.kind": ("power_law", "power_law", "uma", "umi", "rma", "okumura_hata", "cost231_hata"),
    "radio.carrier_hz": (9e8, 1.8e9, 3.5e9),
    "round.alloc_start": ("barrier", "arrival"),
    "round.late_uploads": ("drop", "drop", "stale"),
    "mobility.kind": ("static", "static", "random_waypoint", "gauss_markov"),
    "mobility.handover": ("abort", "abort", "resume", "finish_old"),
    "compute.model": ("sample_bits", "flops", "model_bits"),
    "data.partition.sizes": ("equal", "log_normal", "dirichlet"),
    "learning.train_head": (True, False),
    "upload.codec": ("none", "none", "bfloat16", "qsgd", "sign", "top_k", "random_k", "topk_qsgd"),
    "upload.error_feedback": (False, False, True),
    "downlink.codec": ("none", "none", "none", "qsgd", "top_k"),
    "privacy.kind": ("none", "none", "none", "central", "local"),
}  # fmt: skip
RANGES: dict[str, tuple[float, float]] = {
    "ues.count": (3, 40),
    "topology.density_per_km2": (0.2, 3.0),
    "topology.window_km": (2.0, 6.0),
    "radio.bandwidth_hz": (1e6, 2e7),
    "radio.sinr_threshold_db": (-10.0, 5.0),
    "radio.max_power_w": (0.05, 0.3),
    "radio.ue_speed_m_s": (0.5, 30.0),
    "round.deadline_s": (1.0, 10.0),
    "mobility.step_s": (0.2, 2.0),
    "mobility.hysteresis_db": (0.0, 6.0),
    "rounds": (1, 5),
    "seed": (0, 1000),
}
WHOLE = ("ues.count", "rounds", "seed")
SMALL: Overrides = {
    "network_only": True,
    "round.compute_limit_s": None,
    "data.train_samples": 400,
    "data.test_samples": 50,
    "data.samples_per_ue": 20,
}


def draw_scenario(draw: Draw) -> Overrides:
    """Overrides of the quickstart; they may disagree."""
    found = dict(SMALL)
    for key, options in CHOICES.items():
        if draw.random() < 0.6:
            found[key] = options[int(draw.integers(len(options)))]
    found["scheme.kind"] = str(draw.choice(scheme_names()))
    for key, (low, high) in RANGES.items():
        value = draw.uniform(low, high)
        found[key] = round(value) if key in WHOLE else float(f"{value:.3g}")
    if found.get("topology.boundary") == "guard":
        found["topology.guard_km"] = 0.4
    if "hata" in str(found.get("radio.pathloss.kind")):
        found["radio.pathloss.extrapolate"] = True
    if draw.random() < 0.2:
        found["radio.power_control.alpha"] = float(draw.choice([0.0, 0.8, 1.0]))
    if found.get("radio.rate_model") == "nr" and draw.random() < 0.5:
        found["radio.nr.errors"] = str(draw.choice(["expected", "sampled"]))
        found["radio.nr.harq"] = str(draw.choice(["incremental", "chase", "none"]))
    if found.get("radio.rate_model") == "nr" and draw.random() < 0.9:
        found["radio.bandwidth_hz"] = float(draw.choice([5e6, 1e7, 2e7]))  # channels that NR has
    if draw.random() < 0.3:
        found["modules"] = [
            {"rank": int(rank)} for rank in draw.integers(1, 33, int(draw.integers(1, 5)))
        ]
    return {
        key: value
        for key, value in found.items()
        if value is not None or key == "round.compute_limit_s"
    }


KEYS = {row["key"].replace("[]", "") for row in schema_rows()}
KEYS |= {"radio.nr", "scheme.kind"}
PLAIN_KEYS = ("federation", "formulas", "record", "channel", "network_only", "flower")


def names_two_keys(message: str) -> bool:
    """Whether a refusal names two keys in full."""
    words = set(re.findall(r"[a-z_]+(?:\.[a-z_0-9]+)*", message))
    return len({word for word in words & KEYS if "." in word or word in PLAIN_KEYS}) >= 2


def digests(run: Path) -> dict[str, str]:
    """SHA-256 of every file of a run folder but metadata.json."""
    files = [
        file for file in sorted(run.rglob("*")) if file.is_file() and file.name != "metadata.json"
    ]
    return {str(f.relative_to(run)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def simulate(overrides: Overrides, folder: str) -> dict[str, str]:
    """Run a scenario; the digests of what it wrote."""
    netsim.run("quickstart", overrides, out=folder, listener=Silence())
    return digests(Path(folder))


@dataclass(frozen=True)
class Outcome:
    """What came of one scenario."""

    overrides: Overrides
    fault: str = ""  # nothing: all is well
    refused: str = ""
    took_s: float = 0.0


def attempt(overrides: Overrides, folder: Path, workers: ProcessPoolExecutor) -> Outcome:
    """Run a scenario here and elsewhere, and compare."""
    begun = time.monotonic()
    try:
        scenario = netsim.load_scenario("quickstart", overrides)
        expected = simulate(overrides, str(folder / "here"))
    except ScenarioError as error:
        fault = "" if names_two_keys(str(error)) else f"names no two keys: {error}"
        return Outcome(overrides, fault, str(error))
    except NetsimError as error:
        return Outcome(overrides, f"{type(error).__name__}: {error}")
    except Exception as error:  # what a campaign looks for
        return Outcome(overrides, f"traceback: {type(error).__name__}: {error}")
    took_s = time.monotonic() - begun
    run = netsim.open_run(folder / "here")
    bandwidth_hz = scenario.radio.bandwidth_hz
    checks = check_run(run, bandwidth_hz=bandwidth_hz, constant_rate=scenario.constant_rate)
    failed = [check.name for check in checks if not check.passed]
    if failed:
        return Outcome(overrides, f"does not balance: {', '.join(failed)}", took_s=took_s)
    found = workers.submit(simulate, overrides, str(folder / "there")).result()
    odd = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    return Outcome(
        overrides, f"other bytes in a worker: {', '.join(odd)}" if odd else "", took_s=took_s
    )


def two_workers() -> ProcessPoolExecutor:
    """Two processes that inherit nothing."""
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--count", type=int, default=200, help="scenarios that run; refused ones come on top"
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw = np.random.default_rng(options.seed)
    tally: Counter[str] = Counter()
    slowest: list[Outcome] = []
    with two_workers() as workers:
        while tally["ran"] < options.count:
            overrides = draw_scenario(draw)
            with tempfile.TemporaryDirectory() as scratch:
                outcome = attempt(overrides, Path(scratch), workers)
            tally["refused" if outcome.refused else "ran"] += 1
            slowest = sorted([*slowest, outcome], key=lambda o: -o.took_s)[:3]
            if outcome.fault:
                tally["faults"] += 1
                sys.stdout.write(f"{outcome.fault}\n    {overrides}\n")
            if outcome.refused:
                tally[outcome.refused] += 1
            sys.stdout.flush()
    for text, count in sorted(tally.items()):
        sys.stdout.write(f"{count:6} {text}\n")
    for outcome in slowest:
        sys.stdout.write(f"slow: {outcome.took_s:.1f} s {outcome.overrides}\n")
    sys.exit(tally["faults"] > 0)


if __name__ == "__main__":
    main()

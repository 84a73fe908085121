"""SIGKILL at random moments of runs in every mode, and the same bytes after `resume`.

    python tests/fuzz/kills.py [--kills 200] [--seed 0]

Runs are children of this process, which has loaded all that they need, so that a kill costs little
(analysis/kill_test.py kills whole programs). Half of the kills come while something is being written.
Every third run is killed again while it is resumed. The exit code is 1 if one differs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from fault_layer import digests

import netsim
from netsim.protocols import Silence

SMALL: dict[str, Any] = {
    "network_only": True,
    "rounds": 40,
    "checkpoint_every": 1,
    "ues.count": 12,
    "topology.window_km": 4,
    "data.train_samples": 400,
    "data.test_samples": 50,
    "data.samples_per_ue": 20,
}
CELLS = {"federation": "network", "topology.window_km": 3, "ues.count": 20}
STALE = {
    "round.late_uploads": "stale",
    "round.alloc_start": "arrival",
    "round.deadline_s": 1.5,
    "radio.bandwidth_hz": 3e6,
}
STALE |= {"round.compute_limit_s": None}
MODES: dict[str, dict[str, Any]] = {
    "sync": {},
    "async": {**CELLS, "scheme.kind": "buffered_async"},
    "stale": STALE,
    "moving": {
        **CELLS,
        "mobility.kind": "random_waypoint",
        "mobility.max_speed_m_s": 30,
        "radio.reallocation": "events",
    },
    "recorded": {**CELLS, "mobility.kind": "gauss_markov", "record": True},
    "federation": {**CELLS, "radio.interference": "network", "radio.fading": "block", "rounds": 15},
    "learning": {
        "network_only": False,
        "rounds": 4,
        "ues.count": 3,
        "learning.workers": 1,
        "modules": [{"rank": 2}],
    },
    "encoded": {
        "network_only": False,
        "rounds": 4,
        "ues.count": 6,
        "learning.workers": 1,
        "modules": [{"rank": 2}],
        "upload.codec": "top_k",
        "upload.error_feedback": True,
        "downlink.codec": "qsgd",
        "privacy.kind": "local",
    },
    "remembering": {
        "network_only": False,
        "rounds": 4,
        "ues.count": 6,
        "learning.workers": 1,
        "scheme.kind": "fedadam",
        "scheme.rank": 2,
        "upload.codec": "top_k",
        "upload.error_feedback": True,
        "privacy.kind": "central",
        "device.battery_j": 500.0,
        "downlink.cache": True,
    },
    "adapting": {
        **CELLS,
        "radio.rate_model": "nr",
        "radio.fading": "block",
        "downlink.link": "faded",
        "device.power": "states",
        "rounds": 10,
    },
    "sweep": {"rounds": 6},
    "flower": {"network_only": False, "rounds": 3, "ues.count": 4},
}
POLL_S = 0.0003
APPS = Path(__file__).parents[1] / "flower" / "apps"


def work(mode: str, folder: Path) -> None:
    """Run, or go on with, a run or a sweep."""
    overrides = {**SMALL, **MODES[mode]}
    if mode == "flower":
        overrides |= {"flower.app": str(APPS / "numpy"), "flower.run_config": "num-server-rounds=3"}
    if mode == "sweep":
        netsim.sweep(
            "quickstart", {"ues.count": [4, 6]}, [1], overrides=overrides, out=folder, jobs=1
        )
    elif (folder / "scenario.toml").exists():
        netsim.resume(folder, listener=Silence())
    else:  # there is nothing to go on with
        netsim.run("quickstart", overrides, out=folder, listener=Silence())


def child(mode: str, folder: Path) -> int:
    """A process that works; its id."""
    number = os.fork()
    if number == 0:
        os.setpgid(0, 0)
        try:
            work(mode, folder)
        except BaseException as error:
            os.write(2, f"{mode}: {type(error).__name__}: {error}\n".encode())
            os._exit(1)
        os._exit(0)
    return number


def kill(number: int, moment_s: float, due: Callable[[], bool]) -> bool:
    """SIGKILL after a time, as soon as it is due; False if the process was done before."""
    until = time.monotonic() + moment_s
    while time.monotonic() < until or not due():
        if os.waitpid(number, os.WNOHANG)[0]:
            return False
        time.sleep(POLL_S)
    os.killpg(number, signal.SIGKILL)
    os.waitpid(number, 0)
    return True


def writes(folder: Path) -> bool:
    """Something below the folder has a temporary name."""
    for _, folders, files in os.walk(folder):
        if any(
            name.startswith((".new-", ".old-")) or name.endswith(".tmp")
            for name in (*folders, *files)
        ):
            return True
    return False


def always() -> bool:
    """A moment like any other."""
    return True


def modes() -> dict[str, dict[str, Any]]:
    """All of them, without Flower's where that is not installed."""
    if find_spec("flwr") is None:
        return {mode: changes for mode, changes in MODES.items() if mode != "flower"}
    return MODES


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name in (
        "netsim.execution",
        "netsim.sweeps.study",
        "netsim.learning.learner",
        "netsim.schemes.buffered_async",
        "netsim.schemes.fedadam",
    ):
        import_module(name)
    if "flower" in modes():
        import_module("netsim.flower.driver")
    draw = np.random.default_rng(options.seed)
    tally: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        expected, length_s = {}, {}
        for mode in modes():
            alone, begun = Path(scratch) / mode, time.monotonic()
            os.waitpid(child(mode, alone), 0)
            expected[mode], length_s[mode] = digests(alone), time.monotonic() - begun
        while tally["kills"] < options.kills:
            for mode in modes():
                folder = Path(scratch) / "killed"
                shutil.rmtree(folder, ignore_errors=True)
                for _ in range(1 + int(draw.random() < 1 / 3)):
                    only_writing = draw.random() < 0.5
                    due = partial(writes, folder) if only_writing else always
                    done = not kill(child(mode, folder), draw.uniform(0, 0.9 * length_s[mode]), due)
                    tally["kills"] += not done
                    tally["kills while writing"] += not done and only_writing
                status = os.waitpid(child(mode, folder), 0)[1]
                same = status == 0 and digests(folder) == expected[mode]
                tally[f"{mode}: same bytes" if same else f"{mode}: OTHER BYTES"] += 1
                if not same:
                    sys.stdout.write(f"{mode}: other bytes\n")
            sys.stdout.write(f"{tally['kills']} kills\n")
            sys.stdout.flush()
    for text, count in sorted(tally.items()):
        sys.stdout.write(f"{count:6} {text}\n")
    sys.exit(any("OTHER" in text for text in tally))


if __name__ == "__main__":
    main()

"""Worker processes: same bytes whatever their number, deaths and failures, the end with their
parent.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from forking import Forked, ForkServer

import netsim
from netsim.results.sweep import open_sweep
from netsim.sweeps.study import Study

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")

OVER = {"topology.density_per_km2": [0.5, 2.0], "scheme.kind": ["round_robin", "fedlora"]}


def test_same_bytes_with_one_worker_two_workers_and_none(
    make_study: Callable[..., Study],
    digests: Callable[[Path], dict[str, str]],
    heard: Any,
    tmp_path: Path,
) -> None:
    for out, count in (("one", 1), ("two", 2)):
        study = make_study(OVER, [1], out=out)
        study.run(heard, at_once=count)
        assert (len(study.outcomes), study.failed, study.todo) == (4, [], [])
    for job in study.jobs:
        netsim.run(job.scenario, out=tmp_path / "alone" / job.id)
    one = digests(tmp_path / "one" / "runs")
    assert len(one) >= 4 * 6
    assert one == digests(tmp_path / "two" / "runs") == digests(tmp_path / "alone")
    assert {outcome.id for outcome in heard.ended} == {job.id for job in study.jobs}


def test_failures_stop_nothing_and_are_tried_again(
    make_study: Callable[..., Study], heard: Any
) -> None:
    over = {"scheme.kind": ["round_robin", "hetlora"]}  # hetlora needs training
    study = make_study(over, [1, 2])
    study.run(heard, at_once=1)
    assert sorted(o.status for o in study.outcomes) == ["done", "done", "failed", "failed"]
    assert all("network_only" in outcome.error for outcome in study.failed)
    frame = open_sweep(study.folder.path).runs
    assert frame["status"].to_list() == ["failed", "failed", "done", "done"]
    assert all("network_only" in error for error in frame["error"].drop_nulls())
    again = make_study(over, [1, 2, 3])
    assert {job.seed for job in again.todo if job.overrides["scheme.kind"] == "round_robin"} == {3}
    assert len(again.todo) == 4


def test_a_dead_worker_costs_one_run(make_study: Callable[..., Study], heard: Any) -> None:
    study = make_study({"rounds": [2, 5000]}, [1, 2])
    killed: list[int] = []

    def kill(job: str) -> None:
        if not killed:
            killed.extend(_workers(os.getpid()))
            os.kill(killed[0], signal.SIGKILL)

    heard.on_move = kill
    study.todo.sort(key=lambda job: (job.seed, -job.scenario.rounds))
    study.todo[2:] = [job for job in study.todo[2:] if job.scenario.rounds == 2]
    study.run(heard, at_once=1)
    assert [(o.status, o.id.startswith("rounds-5000")) for o in study.outcomes] == [
        ("failed", True),
        ("done", False),
        ("done", False),
    ]
    assert "killed by signal 9" in study.failed[0].error
    assert study.folder.metadata(study.failed[0].id)["status"] == "failed"
    assert "killed by signal 9" in study.folder.metadata(study.failed[0].id)["error"]


SWEEP = (
    "sweep",
    "--network-only",
    "--set",
    "ues.count=6",
    "--set",
    "scheme.kind=round_robin",
    "--seeds",
    "0:2",
    "--jobs",
    "2",
    "--out",
    "s",
)


@pytest.fixture
def started(forks: ForkServer, tmp_path: Path) -> Iterator[Callable[..., Forked]]:
    """Start a sweep of two seeds in two workers; it does not outlive the test."""
    processes = []

    def start(*arguments: str) -> Forked:
        processes.append(forks.start(*SWEEP, *arguments, folder=tmp_path))
        return processes[-1]

    yield start
    for process in processes:
        process.close()


def test_interrupt_leaves_a_folder_to_go_on_with(
    started: Callable[..., Forked], tmp_path: Path
) -> None:
    process = started("--over", "rounds=1,100000")
    runs = tmp_path / "s" / "runs"
    assert _wait(lambda: sorted(_status(runs, "rounds-")) == ["done", "done", "running", "running"])
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: every process of the group
    out, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "runs are to do" in out
    assert "2 of 4" in out
    assert _status(runs, "rounds-100000") == ["interrupted"] * 2
    assert _status(runs, "rounds-1_") == ["done"] * 2


def test_workers_die_with_a_killed_parent(started: Callable[..., Forked], tmp_path: Path) -> None:
    process = started("--over", "rounds=100000")
    assert _wait(lambda: _status(tmp_path / "s" / "runs", "rounds-100000") == ["running"] * 2)
    workers = _workers(process.pid)
    assert len(workers) == 2
    process.kill()
    process.communicate()
    assert _wait(lambda: not any(_parent(pid) for pid in workers), 10)


def _status(runs: Path, prefix: str) -> list[str]:
    found = [path.parent for path in runs.glob(f"{prefix}*/metadata.json")]
    return [netsim.open_run(path).metadata["status"] for path in found]


def _parent(pid: int) -> int:
    """The parent of a living process, 0 of a dead one."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 0 if state == "Z" else int(parent)


def _workers(parent: int) -> list[int]:
    numbers = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    mine = [pid for pid in numbers if _parent(pid) == parent]
    return [
        pid for pid in mine if b"netsim.sweeps.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def _wait(condition: Callable[[], bool], seconds: float = 90) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False

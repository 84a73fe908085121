"""Worker processes: order, errors, and their end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from netsim.errors import InputError, RunError
from netsim.learning.engine.workers import Workers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")


def slow_first(context: int, job: int) -> tuple[int, int, int]:
    time.sleep(0.05 if job == 0 else 0.0)
    return context + job, os.getpid(), torch.get_num_threads()


def failing(context: str, job: int) -> int:
    if job == 3:
        match context:
            case "input":
                raise InputError("a rule")
            case "bug":
                raise ZeroDivisionError("a bug")
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
    return job


@pytest.mark.parametrize("count", [1, 2, 3])
def test_results_come_in_order(count: int) -> None:
    workers, threads = Workers(slow_first, count), torch.get_num_threads()
    for context in (0, 100):
        results = list(workers.map(context, range(20)))
        assert [value for value, _, _ in results] == [context + job for job in range(20)]
        assert {threads for _, _, threads in results} == {1}
        assert (os.getpid() in {pid for _, pid, _ in results}) == (count == 1)
    assert torch.get_num_threads() == threads
    workers.close()


def test_jobs_are_made_as_workers_become_free() -> None:
    made: list[int] = []

    def jobs() -> Iterator[int]:
        for job in range(60):
            made.append(job)
            yield job

    workers = Workers(slow_first, 2)
    results = workers.map(0, jobs())
    assert next(results)[0] == 0
    assert len(made) < 60
    assert [value for value, _, _ in results] == list(range(1, 60))
    assert list(workers.map(0, iter(()))) == []
    workers.close()


@pytest.mark.parametrize(
    ("context", "error", "match"),
    [
        ("input", InputError, "a rule"),
        ("bug", RunError, "ZeroDivisionError: a bug"),
        ("killed", RunError, "ended"),
    ],
)
def test_errors_reach_the_caller(context: str, error: type[Exception], match: str) -> None:
    workers = Workers(failing, 2)
    with pytest.raises(error, match=match):
        list(workers.map(context, range(8)))
    assert list(workers.map("none", range(8))) == list(range(8))  # fresh ones
    workers.close()


ORPHANS = """
import os, sys, time
from netsim.learning.engine.workers import Workers
def task(context, job):
    with open(sys.argv[1], "a") as file:
        file.write(f"{os.getpid()}\\n")
    time.sleep(60)
list(Workers(task, 2).map(None, range(4)))
"""


def test_workers_die_with_a_killed_parent(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    parent = subprocess.Popen([sys.executable, "-c", ORPHANS, str(pids)])
    started = wait_for(lambda: pids.exists() and len(pids.read_text().split()) == 2, 30)
    parent.kill()
    parent.wait()
    assert started
    workers = [int(pid) for pid in pids.read_text().split()]
    assert wait_for(lambda: not any(alive(pid) for pid in workers), 10)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_for(condition: object, seconds: float) -> bool:
    assert callable(condition)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False

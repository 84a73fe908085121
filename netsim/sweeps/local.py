"""Worker processes on this machine, one thread each.

They are started afresh, not forked (torch and polars do not survive a fork), and each keeps its
data and model from job to job. A worker that dies costs the run it was at; the others go on.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from netsim.child_processes import environment
from netsim.scenario.load import to_toml
from netsim.sweeps.grid import Job
from netsim.sweeps.job import JobOutcome, StudyListener

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
}
GRACE_S = 20.0  # from SIGTERM: time to close a round and write it


def cores() -> int:
    """Cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_local(
    folder: Path,
    jobs: Sequence[Job],
    at_once: int,
    listener: StudyListener,
) -> Generator[JobOutcome, None, None]:
    """Do `jobs` in the sweep folder `folder`, `at_once` of them at a time; outcomes as they come.

    Closing the iterator, or KeyboardInterrupt, interrupts the runs in progress and ends the
    workers.
    """
    todo = deque(jobs)
    events = queue.SimpleQueue[JobOutcome | tuple[str, float] | BaseException]()
    workers = [_Worker(folder) for _ in range(min(at_once, len(jobs)))]
    threads = [
        threading.Thread(
            target=w.serve,
            args=(todo, events),
            daemon=True,
        )
        for w in workers
    ]
    try:
        for thread in threads:
            thread.start()
        for _ in jobs:
            while not isinstance(event := events.get(), JobOutcome):
                if isinstance(event, BaseException):
                    raise event
                listener.run_moved(*event)
            yield event
    finally:
        todo.clear()
        for worker in workers:
            worker.interrupt()
        for worker in workers:
            worker.await_end()
        for thread in threads:
            thread.join()
        for worker in workers:
            worker.close()


@dataclass
class _Worker:
    """One process at a time, started when there is work and again if it dies."""

    folder: Path
    _process: subprocess.Popen[str] | None = field(default=None, init=False)
    _errors: IO[bytes] | None = field(default=None, init=False)
    _ended: bool = field(default=False, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def serve(self, todo: deque[Job], events: queue.SimpleQueue[Any]) -> None:
        """Take jobs until none is left; runs in a thread of its own."""
        try:
            while True:
                try:
                    job = todo.popleft()
                except IndexError:
                    break
                for event in self._do(job):
                    events.put(event)
        except BaseException as error:
            events.put(error)

    def interrupt(self) -> None:
        """Interrupt the run in progress, if there is one; no process is started any more."""
        with self._lock:
            self._ended = True
            if self._process is not None:
                self._process.terminate()

    def await_end(self) -> None:
        """Wait for the end of the process, for so long."""
        if self._process is not None:
            try:
                self._process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def close(self) -> None:
        """Close the pipes, which nobody reads any more."""
        if self._process is not None:
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout, self._errors):
                with contextlib.suppress(OSError):
                    if pipe is not None:
                        pipe.close()

    def _do(self, job: Job) -> Iterator[JobOutcome | tuple[str, float]]:
        process = self._running()
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):  # a worker that is gone shows below
            line = {
                "job": job.id,
                "rounds": job.scenario.rounds,
                "scenario": to_toml(job.scenario),
            }
            process.stdin.write(json.dumps(line) + "\n")
            process.stdin.flush()
        for answer in process.stdout:
            told = json.loads(answer)
            if "status" in told:
                yield JobOutcome(
                    told["job"],
                    told["status"],
                    told["error"],
                )
                return
            yield told["job"], told["moved"]
        if not self._ended:
            yield JobOutcome(
                job.id,
                "failed",
                self._death(process),
            )

    def _running(self) -> subprocess.Popen[str] | None:
        """The process; a new one if there is none that lives, None once `interrupt` was called."""
        with self._lock:
            if self._ended:
                return None
            if self._process is None or self._process.poll() is not None:
                self._errors = tempfile.TemporaryFile()  # noqa: SIM115
                self._process = _start(self.folder, self._errors)
            return self._process

    def _death(self, process: subprocess.Popen[str]) -> str:
        code = process.wait()
        assert self._errors is not None
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        guess = " (out of memory?)" if code == -signal.SIGKILL else ""
        message = f"its worker process {how}{guess}"
        return f"{message}: {said.splitlines()[-1]}" if said else message


def _start(folder: Path, errors: IO[bytes]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "netsim.sweeps.worker", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        encoding="utf-8",
        env=environment(**ONE_THREAD),
    )

"""A worker process: jobs come and progress and outcomes go as lines of JSON.

    python -P -m netsim.sweeps.worker SWEEP_FOLDER

It ends with its input, so also with a parent that was killed. SIGTERM interrupts the run in
progress, which stays resumable.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TextIO

from netsim.assembly.loaded import Loaded
from netsim.protocols import Progress
from netsim.sweeps.job import execute

SAY_EVERY_S = 0.2


@dataclass
class Teller:
    """A run's listener that passes on how much of its rounds is over."""

    job: str
    rounds: int
    answers: TextIO
    _said_s: float = field(default=0.0, init=False)

    def status(self, text: str) -> None:
        """Nothing to pass on."""

    def warning(self, text: str) -> None:
        """Nothing to pass on."""

    def round_closed(self, progress: Progress) -> None:
        """A round is over."""
        now = time.monotonic()
        if now - self._said_s >= SAY_EVERY_S:
            self._said_s = now
            say(
                self.answers,
                job=self.job,
                moved=progress.round / max(self.rounds, 1),
            )


def say(answers: TextIO, **message: Any) -> None:
    """One line of JSON to the parent."""
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def main() -> None:
    """Do the jobs that come."""
    folder = Path(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not mix with the answers
    # Ctrl-C reaches the whole group; the parent decides
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)
    jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(jobs,), daemon=True).start()
    loaded = Loaded()
    try:
        while True:
            job = jobs.get()
            teller = Teller(
                job["job"],
                job["rounds"],
                answers,
            )
            outcome = execute(
                folder,
                job["job"],
                job["scenario"],
                teller,
                loaded,
            )
            say(
                answers,
                job=outcome.id,
                status=outcome.status,
                error=outcome.error,
            )
    except KeyboardInterrupt:
        sys.exit(130)


def _read(jobs: queue.SimpleQueue[dict[str, Any]]) -> NoReturn:
    for line in sys.stdin:
        jobs.put(json.loads(line))
    os._exit(0)  # the parent is done, or dead


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()

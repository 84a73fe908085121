"""`netsim run --live`: the live page, served by a process beside the run's own.

    python -P -m netsim.reports.live_process RUN_DIR

A thread of the run's process would take turns with it. The server waits for the run's first
checkpoint, says its address on standard output, and ends with its input: so with a run that is
killed, too.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from netsim.child_processes import environment
from netsim.errors import NetsimError

LOOK_AGAIN_S = 0.1
LAST_LOOK_S = 2.0
"""Time for pages that are open, which ask once a second, to see how the run ended."""
LAST_ANSWER_S = 60.0
"""A page that takes longer to show how the run ended is given up: the command ends."""


@contextmanager
def served(run_dir: Path, *, wanted: bool) -> Iterator[None]:
    """While the block runs, and a moment longer, the page is served; its address goes to stderr."""
    if not wanted:
        yield
        return
    words = [sys.executable, "-P", "-m", "netsim.reports.live_process", str(run_dir)]
    process = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    threading.Thread(target=_tell, args=(process,), daemon=True).start()
    try:
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        _wait_for(process)


def _wait_for(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(LAST_ANSWER_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tell(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for address in process.stdout:
        sys.stderr.write(f"live: {address}")
        sys.stderr.flush()


def main() -> None:
    """Serve the run folder that is named, once it can be read, until standard input ends."""
    from netsim.reports.live import LiveServer  # a run does not load it

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the group: the run decides
    ended = threading.Event()
    threading.Thread(target=_wait, args=(ended,), daemon=True).start()
    server = None
    while server is None:
        if ended.wait(LOOK_AGAIN_S):
            return
        with suppress(NetsimError):  # no tables yet
            server = LiveServer(Path(sys.argv[1]))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.address}\n")
    sys.stdout.flush()
    ended.wait()
    if server.asked:
        time.sleep(LAST_LOOK_S)
        server.settle()


def _wait(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


if __name__ == "__main__":
    main()

"""netsim in processes of their own that need not load it: they are forked from one that has.

`python tests/forking.py FD` is that one. It imports, and computes nothing: neither polars nor torch
survive a fork once they have threads. It is asked through a socket, a line of JSON each time:

    {"words": [...], "folder": ..., "script": ...}   with two descriptors, for output and errors
    {"of": PROCESS}
    {"ended": PROCESS}
    {"load": MODULE}

The first is answered by the number of a process that carries out `netsim WORDS`, or the script with
these words as its arguments; the second by how that process has ended, once it has; the third at
once, by 1 if it has. What the fourth loads, all that are forked later have too.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

LINE = 1 << 16
MOST_S = 600.0  # that an answer may take
LOADED = (
    "netsim.cli.run",
    "netsim.cli.commands",
    "netsim.execution",
    "netsim.learning.composition",
)

PYTEST = """
import os, sys
os.environ |= {"PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
sys.path.insert(0, os.getcwd())
import pytest
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""
"""A script: `python -m pytest -q WORDS`, without this project's plug-ins."""


class ForkServer:
    """The process that has loaded netsim, as its parent sees it."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(MOST_S)
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno())], pass_fds=[theirs.fileno()]
        )
        theirs.close()

    def start(self, *words: str, folder: Path, script: str = "") -> Forked:
        """As `subprocess.Popen` with pipes, in a session of its own."""
        (output, to_output), (errors, to_errors) = os.pipe(), os.pipe()
        asked = {"words": words, "folder": str(folder), "script": script}
        pid = self.ask(asked, [to_output, to_errors])
        os.close(to_output)
        os.close(to_errors)
        return Forked(self, pid, os.fdopen(output, "r"), os.fdopen(errors, "r"))

    def ask(self, message: dict[str, Any], descriptors: list[int] | None = None) -> int:
        """The answer to a message."""
        socket.send_fds(self._socket, [json.dumps(message).encode()], descriptors or [])
        return int(self._socket.recv(LINE))

    def load(self, module: str) -> None:
        """Load a module, for all that are forked from now on."""
        self.ask({"load": module})

    def close(self) -> None:
        self._socket.close()
        self._process.wait()

    @property
    def pid(self) -> int:
        """Of the process that others are forked from."""
        return self._process.pid


@dataclass
class Forked:
    """A process that another one has forked."""

    server: ForkServer
    pid: int
    stdout: IO[str]
    stderr: IO[str]
    returncode: int | None = None

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self) -> int:
        """How it has ended: its exit code, or less than 0 for a signal."""
        if self.returncode is None:
            self.returncode = self.server.ask({"of": self.pid})
        return self.returncode

    def poll(self) -> int | None:
        """How it has ended, if it has."""
        if self.returncode is None and not self.server.ask({"ended": self.pid}):
            return None
        return self.wait()

    def communicate(self) -> tuple[str, str]:
        """Output and errors, which must be few enough for a pipe to hold, once it has ended."""
        self.wait()
        with self.stdout, self.stderr:
            return self.stdout.read(), self.stderr.read()

    def close(self) -> None:
        """It does not outlive this."""
        self.kill()
        self.wait()
        self.stdout.close()
        self.stderr.close()


def serve(asked: socket.socket) -> tuple[list[str], str] | None:
    """Fork whenever it is asked for; in the child, its words and script."""
    while True:
        line, descriptors, _, _ = socket.recv_fds(asked, LINE, 2)
        if not line:
            return None
        message = json.loads(line)
        if "of" in message:
            _, status = os.waitpid(message["of"], 0)
            asked.send(str(os.waitstatus_to_exitcode(status)).encode())
            continue
        if "ended" in message:
            how = os.WEXITED | os.WNOHANG | os.WNOWAIT  # it can be asked for again
            asked.send(b"0" if os.waitid(os.P_PID, message["ended"], how) is None else b"1")
            continue
        if "load" in message:
            __import__(message["load"])
            gc.freeze()
            asked.send(b"1")
            continue
        pid = os.fork()
        if not pid:
            asked.close()
            os.setsid()
            signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` ignores it
            os.chdir(message["folder"])
            for standard, descriptor in enumerate(descriptors, 1):
                os.dup2(descriptor, standard)
                os.close(descriptor)
            return message["words"], message["script"]
        for descriptor in descriptors:
            os.close(descriptor)
        asked.send(str(pid).encode())


def carry_out(words: list[str], script: str) -> int:
    """What the child is for; its exit code."""
    sys.argv = ["netsim", *words]
    try:
        if script:
            exec(script, {"__name__": "__main__"})
        else:
            main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else bool(ended.code)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])
    for module in LOADED:
        __import__(module)
    from netsim.cli.main import main

    gc.freeze()
    gc.disable()  # what is looked through is copied
    task = serve(socket.socket(fileno=int(sys.argv[1])))
    if task is not None:
        gc.enable()
        code = carry_out(*task)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # to free all that has been loaded takes as long as a short run

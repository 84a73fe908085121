"""Where the program starts: interruptions while libraries load, closed and full outputs, readers that leave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

NETSIM = [sys.executable, "-m", "netsim"]
FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_a_full_output_is_one_line() -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            [*NETSIM, "schemes"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "netsim: the output cannot be written: No space left on device\n"


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_a_closed_output_is_none() -> None:
    command = f'"{sys.executable}" -m netsim schemes >&-'
    done = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_a_reader_that_leaves_is_no_error() -> None:
    command = f'"{sys.executable}" -m netsim validate --schema | head -1'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


# Says "." once netsim looks for the first module that it needs: from then on it is loading.
STARTED = """
import sys
import netsim.cli.main as main

class Told:
    said = False

    def find_spec(self, *asked):
        if not self.said:
            Told.said = True
            sys.stdout.write(".")
            sys.stdout.flush()

sys.meta_path.insert(0, Told())
sys.argv = ["netsim", "validate"]
main.main()
"""


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("after_s", [0.0, 0.15])
def test_an_interruption_while_libraries_load(after_s: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STARTED], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.read(1)
    time.sleep(after_s)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, b"netsim: interrupted\n")


# Interrupted while text is run, as happens when a dataclass is being defined.
INTERRUPTED = """
import signal

import netsim.__main__
import netsim.cli.main as main
import netsim.errors

main._told_code = lambda: exec("raise KeyboardInterrupt")
netsim.__main__.main()
"""


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_the_exit_code_of_an_interruption_is_ours_also_in_a_module(tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text(INTERRUPTED)
    done = subprocess.run(
        [sys.executable, "-m", "interrupted"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, b"netsim: interrupted\n")


def test_what_cannot_be_a_path_is_one_line() -> None:
    done = subprocess.run(
        [*NETSIM, "report", "a" * 600], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.endswith("File name too long\n")
    assert len(done.stderr) < 300

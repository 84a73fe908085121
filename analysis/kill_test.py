"""Does a run survive kill -9? Runs killed at random moments, resumed, compared with one that was
left alone.

    python analysis/kill_test.py [--kills 50] [--seed 0] [--network-only] [--set a.b=value]...
    [--folder DIR]

Half of the runs are killed at a random moment after their folder appeared, half in the middle of
writing: from a random moment on, as soon as a file or folder with a temporary name is seen. Every
third one is killed again while it is resumed. Then it is resumed to its end, and all files but
metadata.json must have the same bytes as those of the run that was left alone. The exit code is 1
if one differs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

QUICKSTART_LIKE = {
    "rounds": 12,
    "ues.count": 12,
    "data.train_samples": 600,
    "data.test_samples": 80,
    "data.samples_per_ue": 40,
    "learning.local_steps": 2,
    "learning.workers": 2,
    "checkpoint_every": 1,
}
POLL_S = 0.0005
PATIENCE_S = 600.0
OVER = "was over"


def digests(run: Path) -> dict[str, str]:
    """SHA-256 of every file of a run folder but metadata.json."""
    files = [
        file for file in sorted(run.rglob("*")) if file.is_file() and file.name != "metadata.json"
    ]
    return {str(f.relative_to(run)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """`netsim` in a process of its own."""
    command = [sys.executable, "-m", "netsim.cli.main", *arguments, "--quiet"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> None:
    """Wait for its end, which must be a good one."""
    _, errors = process.communicate(timeout=PATIENCE_S)
    if process.returncode:
        raise SystemExit(f"exit code {process.returncode}: {errors.decode()}")


def writes(run: Path) -> bool:
    """Something in the folder has a temporary name."""
    return any(
        name.endswith(".tmp") or name.startswith((".new-", ".old-"))
        for folder in (run, *(Path(f.path) for f in _folders(run)))
        for name in _names(folder)
    )


def kill(process: subprocess.Popen[bytes], run: Path, after_s: float, *, writing: bool) -> str:
    """SIGKILL `after_s` from when the folder is there; with `writing` once something is being
    written.
    """
    begun = time.monotonic()
    while not run.is_dir() and process.poll() is None and time.monotonic() - begun < PATIENCE_S:
        time.sleep(POLL_S)
    until = time.monotonic() + after_s
    while process.poll() is None and (time.monotonic() < until or (writing and not writes(run))):
        time.sleep(POLL_S)
    caught = writes(run) if process.poll() is None else False
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    return OVER if process.returncode == 0 else "writing" if caught else "computing"


def stands_at(run: Path) -> str:
    """The newest checkpoint."""
    found = sorted(name for name in _names(run / "checkpoint") if name.isdecimal())
    return f"round {int(found[-1])}" if found else "no checkpoint"


def _folders(path: Path) -> list[os.DirEntry[str]]:
    try:
        return [entry for entry in os.scandir(path) if entry.is_dir(follow_symlinks=False)]
    except OSError:  # gone while we looked
        return []


def _names(path: Path) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def one_kill(
    number: int, run: Path, asked: Sequence[str], draw: np.random.Generator, length_s: float
) -> str:
    """Kill a run, once or twice, and resume it. Tells when it was killed."""
    writing, told = number % 2 == 1, OVER
    while told == OVER:
        shutil.rmtree(run, ignore_errors=True)
        told = kill(
            start("run", *asked, "--out", str(run)), run, draw.uniform(0, length_s), writing=writing
        )
    where = stands_at(run)
    if number % 3 == 0:
        again = kill(start("resume", str(run)), run, draw.uniform(0, length_s), writing=not writing)
        told, where = f"{told}, {again}", f"{where}, {stands_at(run)}"
    if (run / "scenario.toml").exists():
        finish(start("resume", str(run)))
    else:  # there was nothing to go on with
        finish(start("run", *asked, "--out", str(run)))
    return f"{told} ({where})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--network-only", action="store_true")
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="a.b=value")
    parser.add_argument("--folder", type=Path, help="keep the runs here")
    options = parser.parse_args()
    asked = [word for key, value in QUICKSTART_LIKE.items() for word in ("--set", f"{key}={value}")]
    asked += [word for override in options.overrides for word in ("--set", override)]
    asked += ["--network-only"] if options.network_only else []
    draw = np.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        alone = start("run", *asked, "--out", str(folder / "alone"))
        while not (folder / "alone").is_dir() and alone.poll() is None:
            time.sleep(POLL_S)
        begun = time.monotonic()
        finish(alone)
        length_s, expected = time.monotonic() - begun, digests(folder / "alone")
        sys.stdout.write(f"left alone: {length_s:.1f} s, {len(expected)} files\n")
        bad, moments = 0, Counter[str]()
        for number in range(options.kills):
            run = folder / f"killed-{number}"
            told = one_kill(number, run, asked, draw, length_s)
            found = digests(run)
            odd = sorted(n for n in expected.keys() | found if expected.get(n) != found.get(n))
            bad += bool(odd)
            moments.update(told.partition(" (")[0].split(", "))
            sys.stdout.write(
                f"{number}: {told}: {'same bytes' if not odd else f'DIFFERENT: {odd}'}\n"
            )
            sys.stdout.flush()
        sys.stdout.write(
            f"{options.kills - bad} of {options.kills} the same; killed while {dict(moments)}\n"
        )
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()

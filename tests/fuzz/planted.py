"""Faults put in on purpose, one kind each, to see that the campaign sees them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from netsim.errors import DataError

Draw = np.random.Generator


class _LongError(DataError):
    def __str__(self) -> str:
        return "a" * 1000


def raises(_home: Path, _draw: Draw) -> Callable[[], object]:
    return lambda: 1 / 0


def hangs(_home: Path, _draw: Draw) -> Callable[[], object]:
    return lambda: time.sleep(60)


def spins(_home: Path, _draw: Draw) -> Callable[[], object]:
    def use() -> None:
        while True:
            pass

    return use


def waits(_home: Path, _draw: Draw) -> Callable[[], object]:
    """For a process that never ends."""
    return lambda: subprocess.run([sys.executable, "-c", "while True: pass", "netsim"], check=True)


def takes(_home: Path, _draw: Draw) -> Callable[[], object]:
    def use() -> None:
        held = np.ones(2**25)  # 256 MiB
        time.sleep(1.0)
        del held

    return use


def writes(home: Path, _draw: Draw) -> Callable[[], object]:
    return lambda: (home.parent / "outside" / "new").write_text("x")


def copies(home: Path, _draw: Draw) -> Callable[[], object]:
    secret = home.parent / "outside" / "secret"
    return lambda: (home / "copy").write_text(secret.read_text())


def aborts(_home: Path, _draw: Draw) -> Callable[[], object]:
    return os.abort


def talks(_home: Path, _draw: Draw) -> Callable[[], object]:
    def use() -> None:
        raise _LongError("x")

    return use


PLANTED = {
    f"planted_{use.__name__}": use
    for use in (raises, hangs, spins, waits, takes, writes, copies, aborts, talks)
}

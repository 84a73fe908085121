"""A process that keeps its memory does not fetch the pages of an array from the system again."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

FETCHED = """
import resource
import numpy as np
from netsim.kept_memory import keep_memory

if {keeps}:
    keep_memory()
for _ in range(5):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(8_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _fetched_again(keeps: bool) -> int:
    """Page faults of an array of 61 MiB after several of its size."""
    code = FETCHED.format(keeps=keeps)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not glibc")
def test_pages_are_fetched_once() -> None:
    assert _fetched_again(keeps=False) > 20 * (_fetched_again(keeps=True) + 1)

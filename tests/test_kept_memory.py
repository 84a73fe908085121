"""A process that keeps its memory does not fetch the pages of an array from the system again."""

from __future__ import annotations

import ctypes
import os
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


@pytest.mark.parametrize(("given", "used"), [(None, "0"), ("1", "1")])
def test_numpy_asks_for_huge_pages_only_if_told_to(given: str | None, used: str) -> None:
    variables = {k: v for k, v in os.environ.items() if k != "NUMPY_MADVISE_HUGEPAGE"}
    if given is not None:
        variables["NUMPY_MADVISE_HUGEPAGE"] = given
    code = "import netsim, os; print(os.environ['NUMPY_MADVISE_HUGEPAGE'])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=variables)
    assert done.stdout.strip() == used

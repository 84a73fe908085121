"""Products with frozen weights: what oneDNN keeps for each number of rows."""

from __future__ import annotations

import subprocess
import sys

import pytest

from netsim.learning.engine.frozen_products import _onednn

COUNTS = 400  # of rows, more than are kept
MOST_MIB = 150  # 220 MiB are held where all are kept, 85 where KERNELS are
PRODUCTS = f"""
import torch
from netsim.learning.engine.frozen_products import FrozenLinear

def held_mib():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024

layer = FrozenLinear(torch.randn(128, 128), torch.zeros(128)).pack(back=False)
x = torch.randn(16 * {COUNTS}, 128)
layer(x)
begin = held_mib()
for count in range({COUNTS}, 0, -1):
    layer(x[: 16 * count])
print(held_mib() - begin)
"""


@pytest.mark.skipif(not _onednn(), reason="oneDNN's layout is not used on this machine")
def test_what_is_kept_for_numbers_of_rows_is_bounded() -> None:
    """A process of many runs meets ever other numbers, and would hold gigabytes."""
    found = subprocess.run(
        [sys.executable, "-c", PRODUCTS], capture_output=True, text=True, check=True
    )
    assert float(found.stdout) < MOST_MIB

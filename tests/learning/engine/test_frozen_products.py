"""Products with frozen weights: what oneDNN keeps for each number of rows."""

from __future__ import annotations

import subprocess
import sys

import pytest

from netsim.learning.engine import frozen_products
from netsim.learning.engine.frozen_products import bound_kernels, has_onednn

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


@pytest.mark.skipif(not has_onednn(), reason="oneDNN's layout is not used on this machine")
def test_what_is_kept_for_numbers_of_rows_is_bounded() -> None:
    """A process of many runs meets ever other numbers, and would hold gigabytes."""
    found = subprocess.run(
        [sys.executable, "-c", PRODUCTS], capture_output=True, text=True, check=True
    )
    assert float(found.stdout) < MOST_MIB


@pytest.mark.parametrize(("columns", "kept"), [(512, "128"), (1536, "42"), (3072, "24")])
def test_wider_models_keep_fewer(monkeypatch: pytest.MonkeyPatch, columns: int, kept: str) -> None:
    """A user's own limit stays, and so does the first model's."""
    own = {"LRU_CACHE_CAPACITY": "7"}
    monkeypatch.setattr(frozen_products.os, "environ", own)
    bound_kernels(columns)
    bound_kernels(1)
    assert own == {"LRU_CACHE_CAPACITY": "7", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": kept}

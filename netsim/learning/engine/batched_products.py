"""Batches of small matrices multiplied in float32 by oneDNN, where that is faster and as exact.

torch gives such batches to MKL, which on AMD's processors comes to less than half of what oneDNN
does there. To oneDNN it gives them only where matrices may be rounded to bfloat16. But oneDNN
rounds them only on processors that multiply bfloat16 in tiles (AMX), and computes in float32 on
others. So torch is told that they may be rounded, on processors where it was tried and none is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch

from netsim.learning.engine.frozen_products import has_onednn

LEAST = 5e6  # FLOP of a batch, at least: oneDNN's calls take longer
EXACT = 1e-5  # error of float32's products relative to their largest; bfloat16's is above 1e-3
TRIED = ((8, 32, 32, 32), (200, 16, 96, 16), (4, 64, 48, 40), (2, 128, 64, 128))
"""Batch, rows, inner and columns of the products that are tried."""


@contextmanager
def batches_by_onednn(flop: float) -> Iterator[None]:
    """Batches multiplied inside, of so many FLOP each, are oneDNN's where that pays.

    The setting holds for all products of the process: what gains nothing should stay outside.
    """
    if flop < LEAST or not _is_exact():
        yield
        return
    with _may_be_rounded():
        yield


@contextmanager
def _may_be_rounded() -> Iterator[None]:
    matmul = _setting()
    before = matmul.fp32_precision
    matmul.fp32_precision = "bf16"
    try:
        yield
    finally:
        matmul.fp32_precision = before


@cache
def _is_exact() -> bool:
    """Has torch this setting, and does oneDNN compute in float32 in spite of it?"""
    if _setting() is None or not has_onednn() or torch.cpu._is_amx_tile_supported():
        return False
    with _may_be_rounded():
        return all(_error(*shape) < EXACT for shape in TRIED)


def _setting() -> Any:
    """Where torch keeps what oneDNN's products may do; None where it does not, before torch 2.9."""
    backend: Any = torch.backends.mkldnn
    try:
        matmul = backend.matmul
        matmul.fp32_precision  # noqa: B018
    except AttributeError:
        return None
    return matmul


def _error(
    batch: int,
    rows: int,
    inner: int,
    columns: int,
) -> float:
    """Largest error of a product, relative to its largest number."""
    left = torch.arange(batch * rows * inner).view(batch, rows, inner).sin()
    right = torch.arange(batch * inner * columns).view(batch, inner, columns).cos()
    exact = torch.bmm(left.double(), right.double())
    error = (torch.bmm(left, right) - exact).abs().max()
    return float(error / exact.abs().max())

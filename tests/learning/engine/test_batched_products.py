"""Attention's products by oneDNN: as exact as MKL's, only where they pay, and with idle rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from netsim.learning.engine import batched_products, packing
from netsim.learning.engine.attention import attend, attend_back
from netsim.learning.engine.batched_products import LEAST, batches_by_onednn

LARGE = LEAST
usable = pytest.mark.skipif(not batched_products._is_exact(), reason="oneDNN would round here")


def _allowed() -> Any:
    setting = batched_products._setting()
    return None if setting is None else setting.fp32_precision


@usable
@pytest.mark.parametrize("shape", [(160, 32, 32, 32), (5, 128, 64, 128), (97, 16, 96, 16)])
def test_nothing_is_rounded(shape: tuple[int, int, int, int]) -> None:
    batch, rows, inner, columns = shape
    left = torch.randn(batch, rows, inner)
    right = torch.randn(batch, columns, inner).transpose(1, 2)
    with batches_by_onednn(LARGE):
        found = torch.bmm(left, right)
    exact = torch.bmm(left.double(), right.double())
    assert (found - exact).abs().max() < 1e-6 * exact.abs().max()


@usable
def test_the_setting_holds_inside_only_even_after_an_error() -> None:
    before = _allowed()
    inside = []

    def fail() -> None:
        with batches_by_onednn(LARGE):
            inside.append(_allowed())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert inside == ["bf16"]
    assert _allowed() == before != "bf16"
    with batches_by_onednn(LEAST / 2):
        assert _allowed() == before


@pytest.fixture
def rounding(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A processor on which oneDNN rounds."""
    batched_products._is_exact.cache_clear()
    monkeypatch.setattr(batched_products, "_error", lambda *shape: 2e-3)
    yield
    batched_products._is_exact.cache_clear()


@pytest.mark.usefixtures("rounding")
def test_not_where_it_rounds() -> None:
    before = _allowed()
    with batches_by_onednn(LARGE):
        assert _allowed() == before


def test_idle_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    heads, d = 2, 8
    length = np.array([14, 9, 16, 12, 15] * 10 + [30, 25, 28] * 9)
    samples = np.array([20, 57])
    cpu = torch.device("cpu")
    padded = packing.pack(length, samples, heads, cpu)
    monkeypatch.setattr(packing, "MANY_ROWS", 1000)
    plain = packing.pack(length, samples, heads, cpu)
    many = [rows for rows in padded.rows if rows.count >= 24]
    assert all(rows.count % packing.ROWS_MULTIPLE == 0 for rows in many)
    assert padded.slots > plain.slots

    tokens = int(length.sum())
    qkv = torch.randn(padded.tokens, 3 * heads * d)
    d_context = torch.randn(padded.tokens, heads * d)
    found = []
    for packed in (plain, padded):
        saved: list[Any] = []
        context = attend(qkv, packed, saved)
        d_qkv = attend_back(d_context, packed, saved, keys=True)
        found.append((context[:tokens], d_qkv[:tokens]))
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-6)

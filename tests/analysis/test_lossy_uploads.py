"""The study of lossy and private uploads in small, with five of its cases."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

SHOWN = ("float32", "sign, feedback", "top 5%", "QSGD, 4 bits, gNB's noise 0.5", "on the air")


def test_small(study: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    script = importlib.import_module("lossy_uploads")
    monkeypatch.setattr(script, "CASES", {name: script.CASES[name] for name in SHOWN})
    out = study("lossy_uploads")
    rows = pl.read_parquet(out / "results" / "lossy_uploads-small.parquet")
    assert rows["case"].to_list() == list(SHOWN)
    bits = dict(zip(rows["case"], rows["bits"], strict=True))
    numbers = bits["float32"] * 1000 / 32
    assert bits["sign, feedback"] * 1000 == numbers + 32 * -(-numbers // 512)
    assert bits["QSGD, 4 bits, gNB's noise 0.5"] * 1000 == 4 * numbers + 32 * -(-numbers // 512)
    assert rows["epsilon"].is_null().to_list() == [True, True, True, False, True]
    assert bits["on the air"] is None
    text = (out / "results" / "lossy_uploads-small.md").read_text()
    assert "Differences from float32, of pairs" in text
    assert (out / "figures" / "lossy_uploads-small.svg").stat().st_size > 10_000

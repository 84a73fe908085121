"""The comparison on real sentences: in small."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest


def test_small(study: Callable[..., Path]) -> None:
    out = study("claims_real")
    rows = pl.read_parquet(out / "results" / "claims_real-small.parquet")
    assert rows.select("scheme", "seed").rows() == [
        ("fedlora", 0),
        ("fedlora", 1),
        ("model_switching", 0),
        ("model_switching", 1),
    ]
    assert rows["task"].unique().to_list() == ["built-in"]
    text = (out / "results" / "claims_real-small.md").read_text(encoding="utf-8")
    assert text.startswith("# Claims 2 and 3 on real sentences")


def test_cpu_needs_folders(scripts: None, tmp_path: Path) -> None:
    script = importlib.import_module("claims_real")
    for words in (["--size", "cpu"], ["--model", str(tmp_path)]):
        with pytest.raises(SystemExit, match="given together"):
            script.main(words)
    tuning = importlib.import_module("tuning")
    with pytest.raises(SystemExit, match="needs --model and --data"):
        tuning.main(["--world", "sst2"])

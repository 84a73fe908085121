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


def test_tasks_are_told_apart_by_the_folder(scripts: None, tmp_path: Path) -> None:
    script = importlib.import_module("claims_real")
    assert script.task_of(None) == "built-in"
    assert [script.task_of(tmp_path / name) for name in ("SST-2", "qnli")] == ["sst2", "qnli"]
    with pytest.raises(SystemExit, match="named sst2 or qnli, not MRPC"):
        script.task_of(tmp_path / "MRPC")


def test_rates_of_qnli_are_those_of_sst2(scripts: None) -> None:
    worlds, settings = (importlib.import_module(name) for name in ("worlds", "settings"))
    grids = settings.grid_of(worlds.QNLI, ("fedlora", "hetlora"))
    tuned = settings.tuned()
    assert [grid[settings.RATE] for grid in grids] == [
        [tuned["sst2", "fedlora"]],
        [tuned["sst2", "hetlora"]],
    ]


def test_the_other_task_is_kept(scripts: None, tmp_path: Path) -> None:
    script, study = (importlib.import_module(name) for name in ("claims_real", "study"))
    asked = study.Options(study="claims_real", size="small", jobs=1, out=tmp_path)
    before = pl.DataFrame({"task": ["sst2", "qnli"], "seed": [0, 1]})
    (tmp_path / "results").mkdir()
    before.write_parquet(tmp_path / "results" / "claims_real-small.parquet")
    found = pl.DataFrame({"task": ["qnli"], "seed": [7]})
    assert script.merged(asked, found).rows() == [("sst2", 0), ("qnli", 7)]

"""The study of claims 8 and 9 in small."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from netsim import open_sweep


def test_small(study: Callable[..., Path]) -> None:
    out = study("claims_switching")
    rows = pl.read_parquet(out / "results" / "claims_switching-small.parquet")
    assert rows["scheme"].unique().sort().to_list() == sorted(
        ("switching_free", "greedy", "one_shot", "energy_constrained")
    )
    assert rows["seed"].to_list() == [0, 1] * 4
    own = rows.filter(scheme="switching_free")
    assert own["alike"].to_list() == [1.0, 1.0]
    assert rows.filter(scheme="one_shot")["switched"].to_list() == [0.0, 0.0]
    _moves_by_hand(out / "passages", rows)
    assert (out / "figures" / "claims_switching-small.svg").stat().st_size > 10_000


def _moves_by_hand(folder: Path, rows: pl.DataFrame) -> None:
    """Switched and alike of greedy with seed 1, UE by UE."""
    found = open_sweep(folder)
    had: dict[str, dict[tuple[int, int], int]] = {}
    for job, told in found.jobs.items():
        if told["seed"] == 1:
            table = found.run(job).subscriptions.filter("subscribed").collect()
            kind = told["overrides"]["scheme.kind"]
            had[kind] = {(r, u): m for r, u, m in table.select("round", "ue", "module").rows()}
    own, ours = had["greedy"], had["model_switching"]
    later = {key: module for key, module in own.items() if key[0] > 2}
    moved = [module != own[r - 1, u] for (r, u), module in later.items() if (r - 1, u) in own]
    alike = [module == ours[key] for key, module in later.items() if key in ours]
    mine = rows.filter(scheme="greedy", seed=1)
    assert mine["switched"].item() == pytest.approx(sum(moved) / len(moved))
    assert mine["alike"].item() == pytest.approx(sum(alike) / len(alike))


def test_full_needs_data(scripts: None) -> None:
    script = importlib.import_module("claims_switching")
    with pytest.raises(SystemExit, match="size full needs them"):
        script.main(["--size", "full"])

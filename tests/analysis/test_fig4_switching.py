"""Fig. 4 in small: the four schemes on pairs of sentences, differences of pairs of seeds."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest


def test_small(study: Callable[..., Path]) -> None:
    out = study("fig4_switching")
    rows = pl.read_parquet(out / "results" / "fig4_switching-small.parquet")
    runs = (
        rows.select("formulas", "scheme", "mu", "seed")
        .unique()
        .sort("formulas", "scheme", "seed")
        .rows()
    )
    assert runs == [
        (formulas, scheme, mu, seed)
        for formulas in ("corrected", "paper")
        for scheme, mu in (
            ("energy_constrained", 1e6),
            ("greedy", 0.0),
            ("model_switching", 0.0),
            ("one_shot", 0.0),
        )
        for seed in (0, 1)
    ]
    by_run = rows.group_by("formulas", "scheme", "seed", maintain_order=True)
    assert by_run.agg(pl.col("round").sort())["round"].to_list() == [[0, 1, 2]] * 16
    first = rows.filter(pl.col("round") == 0)  # nobody has learnt yet, and all start alike
    assert first.group_by("seed").agg(pl.col("accuracy").n_unique())["accuracy"].to_list() == [1, 1]
    last = rows.filter(pl.col("round") == 2).pivot(
        "formulas", index=["scheme", "seed"], values="energy_j"
    )
    assert (
        last["corrected"] != last["paper"]
    ).all()  # other formulas, other powers and subscriptions
    told = (out / "results" / "fig4_switching-small.md").read_text()
    moved = rows.filter(pl.col("round") == 2)
    assert moved["switched"].is_between(0, 1).all()
    assert (
        moved["switched"].sum() > 0
    )  # round 1 deals the modules out in turn, round 2 need not agree
    assert (
        rows.filter(pl.col("round") < 2)["switched"].null_count() == 32
    )  # nobody was anywhere before
    alike = rows.filter((pl.col("round") > 0) & (pl.col("scheme") == "model_switching"))["alike"]
    assert (alike == 1.0).all()  # as itself
    assert rows["alike"].drop_nulls().is_between(0, 1).all()
    assert rows["alike"].min() < 1.0
    assert "| corrected | one_shot |" in told
    assert "| as printed | one_shot |" in told
    assert (out / "figures" / "fig4_switching-small.svg").stat().st_size > 10_000


def test_differences_are_of_pairs(scripts: None) -> None:
    script = importlib.import_module("fig4_switching")
    accuracy = {
        "model_switching": (0.8, 0.9),
        "greedy": (0.7, 0.8),
        "one_shot": (0.7, 0.7),
        "energy_constrained": (0.9, 0.9),
    }
    table = pl.DataFrame(
        [
            {
                "formulas": formulas,
                "scheme": scheme,
                "seed": seed,
                "round": number,
                "switched": 0.25 * (number % 2),
                "alike": 1.0,
                "accuracy": (value if number else 0.0) * (formulas == "corrected"),
            }
            for formulas in script.FORMULAS
            for scheme, values in accuracy.items()
            for seed, value in enumerate(values)
            for number in range(script.LAST + 1)
        ]
    )
    rows = script.differences(table).rows(named=True)
    found = {row["scheme"]: row for row in rows if row["formulas"] == "corrected"}
    assert [row["final"] for row in rows if row["formulas"] == "paper"] == [
        0.0
    ] * 3  # pairs never mix
    assert found["greedy"]["final"] == pytest.approx(10)
    assert found["greedy"]["final_high"] == pytest.approx(10)  # the same at both seeds
    assert found["greedy"]["whole"] == pytest.approx(10 * script.LAST / (script.LAST + 1))
    assert found["one_shot"]["final"] == pytest.approx(15)
    assert found["one_shot"]["final_high"] > 50
    assert found["energy_constrained"]["final"] == pytest.approx(-5)
    assert [row["final_seeds"] for row in found.values()] == [2] * 3

"""Accuracy on each UE's own rows: weights, the worst tenth, the last evaluation."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import netsim

WORLD = {
    "rounds": 2,
    "ues.count": 12,
    "data.train_samples": 1500,
    "data.test_samples": 120,
    "data.samples_per_ue": 40,
    "data.partition.concept_share": 0.5,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> netsim.Run:
    folder = tmp_path_factory.mktemp("own") / "run"
    return netsim.run(netsim.load_scenario("quickstart", WORLD), out=folder)


@pytest.mark.parametrize("target", ["ensemble", "best", "averaged_logits", "0"])
def test_curve_by_hand(run: netsim.Run, target: str) -> None:
    rows = run.evaluations.filter(pl.col("ue").is_not_null(), pl.col("target") == target).collect()
    weight = dict(run.ues.select("ue", "samples").collect().iter_rows())
    curve = run.own_curve(target).collect()
    assert curve["round"].to_list() == [0, 1, 2]
    for number, mean, worst in curve.select("round", "accuracy", "worst_decile").iter_rows():
        of_round = rows.filter(pl.col("round") == number)
        found = dict(of_round.select("ue", "accuracy").iter_rows())
        assert len(found) == 12
        total = sum(weight.values())
        expected = sum(weight[ue] * found[ue] for ue in found) / total
        assert mean == pytest.approx(expected)
        lowest = sorted(found.values())
        assert worst == pytest.approx(sum(lowest[:2]) / 2)  # a tenth of 12, rounded up


def test_distribution_at_the_end(run: netsim.Run) -> None:
    table = run.own_distribution().collect()
    assert table["ue"].to_list() == list(range(12))
    assert table["rho"].sum() == pytest.approx(1)
    assert table["concept"].n_unique() == 2
    last = run.own_accuracy("best").filter(pl.col("round") == 2).collect()
    assert table["best"].to_list() == last["accuracy"].to_list()


def test_one_common_row_of_the_ensemble_as_ever(run: netsim.Run) -> None:
    common = run.evaluations.filter(pl.col("ue").is_null(), pl.col("target") == "ensemble")
    assert common.collect().height == 3


def test_nothing_where_ues_were_not_measured(tmp_path: Path) -> None:
    plain = {**WORLD, "rounds": 1, "data.partition.concept_share": 0}
    run = netsim.run(netsim.load_scenario("quickstart", plain), out=tmp_path / "run")
    assert run.own_curve().collect().is_empty()
    assert run.own_distribution().collect().is_empty()

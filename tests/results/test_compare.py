"""Paired differences: the sign, the pairs, and intervals that hold what they promise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from netsim.errors import DataError
from netsim.execution import run
from netsim.results.compare import ROUND_METRICS, paired_differences, per_round
from netsim.results.reader import Run
from netsim.scenario.model import Scenario


@pytest.fixture(scope="module")
def make(
    tmp_path_factory: pytest.TempPathFactory, make_network: Callable[..., Scenario]
) -> Callable[..., Run]:
    def made(**overrides: Any) -> Run:
        keys = {k.replace("__", "."): v for k, v in overrides.items()}
        return run(make_network({"rounds": 8, **keys}), out=tmp_path_factory.mktemp("run") / "run")

    return made


def test_a_run_does_not_differ_from_itself(make: Callable[..., Run]) -> None:
    one = make()
    rows = paired_differences(one, one)
    measured = rows.filter(pl.col("pairs") > 0)
    assert measured["metric"].to_list() == [
        m for m in ROUND_METRICS if m not in ("accuracy", "loss")
    ]
    assert (measured["difference"] == 0).all()
    assert (measured["low"] == 0).all()
    assert (measured["high"] == 0).all()


def test_less_time_means_fewer_arrivals(make: Callable[..., Run]) -> None:
    rows = paired_differences(
        make(), make(round__deadline_s=2.0, round__compute_limit_s=1.0)
    ).rows_by_key("metric", named=True, unique=True)
    assert rows["length_s"]["difference"] < 0
    assert rows["on_time"]["high"] < 0
    assert rows["on_time"]["pairs"] == 8
    assert rows["on_time"]["difference"] == pytest.approx(
        rows["on_time"]["right"] - rows["on_time"]["left"]
    )


def test_sets_of_runs_are_paired_by_seed(make: Callable[..., Run]) -> None:
    full = [make(seed=s) for s in (1, 2, 3)]
    half = [make(seed=s, radio__bandwidth_hz=2e6) for s in (4, 3, 2, 1)]
    rows = paired_differences(full, half).rows_by_key("metric", named=True, unique=True)
    by_hand = [
        per_round(h).select(pl.col("on_time").mean()).collect().item()
        - per_round(f).select(pl.col("on_time").mean()).collect().item()
        for f, h in zip(full, half[:0:-1], strict=True)
    ]
    assert rows["on_time"]["pairs"] == 3
    assert rows["on_time"]["difference"] == pytest.approx(np.mean(by_hand))
    with pytest.raises(DataError, match="no seed in common"):
        paired_differences(full[:1], half[:1])
    with pytest.raises(DataError, match="each seed once"):
        paired_differences([full[0], full[0]], half)


def test_gnbs_of_a_round_are_summed(make: Callable[..., Run], tmp_path: Path) -> None:
    cells = make(federation="network", radio__interference="network", ues__count=20)
    rounds = cells.rounds.collect()
    found = per_round(cells).collect()
    assert rounds["gnb"].n_unique() > 1
    assert len(found) == 8
    assert found["on_time"].sum() == rounds["on_time"].sum()
    with pytest.raises(DataError, match="no round in common"):
        paired_differences(cells, Run(tmp_path))

"""The ledger holds every joule, once, on the right side."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from netsim.execution import run
from netsim.results.energy import LEDGER
from netsim.results.reader import Run
from netsim.scenario.model import Scenario


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, make_network: Callable[..., Scenario]) -> Run:
    overrides = {"radio.retransmissions": 1, "ues.count": 20, "federation": "network"}
    return run(make_network(overrides), out=tmp_path_factory.mktemp("energy") / "run")


@pytest.mark.parametrize("by", ["ue", "round", "gnb", "module"])
def test_ledger_holds_all_energy(made: Run, by: str) -> None:
    found = made.energy(by).collect()
    spent = made.spans.select(pl.col("energy_j").sum()).collect().item()
    assert found["energy_j"].sum() == pytest.approx(spent, rel=1e-12)
    assert found.select(pl.sum_horizontal(LEDGER)).to_series().sum() == pytest.approx(
        spent, rel=1e-12
    )
    assert found[by].is_sorted()
    assert found[by].is_unique().all()


def test_wasted_energy_is_that_of_the_rounds(made: Run) -> None:
    per_round = (
        made.rounds.group_by("round").agg(pl.col("wasted_energy_j").sum()).sort("round").collect()
    )
    found = made.energy("round").collect()
    assert per_round["wasted_energy_j"].sum() > 0
    assert (found["compute_wasted_j"] + found["uplink_wasted_j"]).to_list() == pytest.approx(
        per_round["wasted_energy_j"].to_list(), rel=1e-9
    )


def test_useful_energy_belongs_to_arrivals(made: Run) -> None:
    arrived = made.uploads.filter(pl.col("outcome") == "on_time").collect()
    found = made.energy("ue").filter(pl.col("uplink_useful_j") > 0).collect()
    assert set(found["ue"]) == set(arrived["ue"])
    assert found["uplink_useful_j"].sum() == pytest.approx(arrived["energy_j"].sum())

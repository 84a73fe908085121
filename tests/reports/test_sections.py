"""What the sections show is what the tables hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from netsim.records import OUTCOMES
from netsim.reports import sections
from netsim.reports.columns import PageBudget
from netsim.results.energy import LEDGER
from netsim.results.reader import Run, open_run


def test_learning_is_the_common_test_split(learned: Path) -> None:
    run = open_run(learned)
    found = sections.learning(run)
    assert list(found) == ["0", "1", "2", "3", "ensemble"]
    for target, curve in found.items():
        assert curve["accuracy"] == pytest.approx(
            run.learning_curve(target).collect()["accuracy"].to_list(), rel=1e-4
        )


def test_rounds_add_up_also_when_they_are_binned(network_run: Callable[..., Run]) -> None:
    run = network_run(rounds=20)
    each, binned = sections.rounds(run, PageBudget()), sections.rounds(run, PageBudget(rounds=6))
    rounds = run.rounds.collect()
    assert each["round"] == list(range(1, 21))
    assert [each[o] for o in OUTCOMES] == [rounds.sort("round")[o].to_list() for o in OUTCOMES]
    assert binned["width"] == 4
    assert binned["note"] == "each point is the mean of 4 rounds"
    assert binned["round"] == [1, 5, 9, 13, 17]
    assert sum(binned["on_time"]) * 4 == pytest.approx(rounds["on_time"].sum(), rel=1e-3)
    spent = (rounds["compute_energy_j"] + rounds["uplink_energy_j"]).sum()
    for table, width in ((each, 1), (binned, 4)):
        assert sum(sum(table[part]) for part in LEDGER) * width == pytest.approx(spent, rel=1e-3)


def test_every_ue_is_listed_and_named(moving: Run, hostile: list[str]) -> None:
    found = sections.ues(moving, PageBudget())
    assert found["ue"] == list(range(20))
    assert found["name"][:6] == hostile
    assert sum(n or 0 for n in found["uploads"]) == len(moving.uploads.collect())
    few = sections.ues(moving, PageBudget(ues=5))
    assert few["ue"] == [0, 5, 10, 14, 19]
    assert few["note"] == "5 of 20 UEs, evenly spaced"


def test_who_held_up_counts_rounds(network_run: Callable[..., Run]) -> None:
    run = network_run(rounds=20)
    found = sections.who_held_up(run, most=12)
    assert sum(found["sending"]) == 20
    path = run.critical_path().filter(pl.col("computing_ue") != pl.col("sending_ue")).collect()
    assert sum(found["computing"]) == len(path) > 0


def test_heat_map_cells_are_the_plan_and_what_came_of_it(network_run: Callable[..., Run]) -> None:
    run = network_run(rounds=10, round__compute_limit_s=0.3)
    found = sections.subscriptions(run, PageBudget())
    plan = run.subscriptions.filter(pl.col("subscribed")).collect()
    pairs = plan.select("round", "ue").unique()
    filled = sum(len(row) - row.count(".") for row in found["outcome"])
    assert filled == len(pairs) > 0
    uploads = run.uploads.collect()
    for number, ue, outcome in uploads.select("round", "ue", "outcome").iter_rows():
        cell = found["outcome"][found["ues"].index(ue)][found["rounds"].index(number)]
        assert OUTCOMES[int(cell)] == outcome
    for number, ue, module in plan.select("round", "ue", "module").iter_rows():
        assert found["module"][ue][found["rounds"].index(number)] == str(module)
    assert sum(row.count("4") for row in found["outcome"]) == len(pairs) - len(uploads) > 0


def test_distance_bins_are_round(network_run: Callable[..., Run]) -> None:
    run = network_run()
    found = sections.distance(run, sections.farthest_upload_m(run))
    assert len(found["distance_m"]) <= sections.DISTANCE_BINS + 1
    assert sum(found["uploads"]) == len(network_run().uploads.collect())


def test_who_held_up_is_told_with_what_may_explain_it(network_run: Callable[..., Run]) -> None:
    run = network_run()
    found = sections.who_held_up(run)
    ues = {row["ue"]: row for row in run.ues.collect().iter_rows(named=True)}
    for ue, kind, clock_hz in zip(found["ue"], found["class"], found["cpu_hz"], strict=True):
        assert kind == ues[ue]["class"]
        assert clock_hz == pytest.approx(ues[ue]["cpu_hz"], rel=1e-2)
    senders = run.uploads.collect()["ue"].n_unique()
    assert found["never_chosen"] + found["never_ready"] == len(ues) - senders


def test_cells_are_those_of_the_uploads(network_run: Callable[..., Run]) -> None:
    run = network_run(federation="network", topology__window_km=3, topology__density_per_km2=2)
    found = sections.cells(run)
    uploads = run.uploads.collect()
    assert sum(found["uploads"]) == len(uploads)
    assert found["total"] == uploads["gnb"].n_unique() == len(found["gnb"])
    assert found["uploads"] == sorted(found["uploads"], reverse=True)
    first = uploads.filter(pl.col("gnb") == found["gnb"][0])
    share = float((first["outcome"] == "on_time").mean())
    assert found["on_time"][0] == pytest.approx(share, rel=1e-3)
    assert sum(found["energy_j"]) == pytest.approx(
        run.rounds.select(pl.col("compute_energy_j") + pl.col("uplink_energy_j"))
        .collect()
        .to_series()
        .sum(),
        rel=0.1,
    )

"""Costs of sustained targets, areas, and comparisons with censored runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from netsim.errors import InputError
from netsim.results.accuracy import learning_curve
from netsim.results.cost_contrast import compare_costs
from netsim.results.tables import RunTables
from netsim.results.targets import (
    Cost,
    mean_accuracy,
    sustained_cost,
    sustained_costs,
)

CURVE = [0.5, 0.82, 0.7, 0.85, 0.81, 0.9, 0.95]


def run(folder: Path, accuracy: list[float]) -> RunTables:
    """A folder with nothing but evaluations, at rounds 0, 1, ..., 2 s and 3 J apart."""
    place = folder / "evaluations"
    place.mkdir(parents=True)
    count = len(accuracy)
    pl.DataFrame(
        {
            "round": np.arange(count),
            "time_s": 2.0 * np.arange(count),
            "energy_j": 3.0 * np.arange(count),
            "target": ["ensemble"] * count,
            "ue": pl.Series([None] * count, dtype=pl.Int64),
            "split": ["test"] * count,
            "loss": [0.1] * count,
            "accuracy": accuracy,
            "samples": [100] * count,
        }
    ).write_parquet(place / "part-000000.parquet")
    return RunTables(folder)


@pytest.mark.parametrize(
    ("kept", "measure", "expected"),
    [
        (1, "round", Cost(1, True)),
        (2, "round", Cost(3, True)),
        (3, "time_s", Cost(6, True)),
        (4, "energy_j", Cost(9, True)),
        (5, "time_s", Cost(12, False)),
    ],
)
def test_a_target_must_be_kept(tmp_path: Path, kept: int, measure: str, expected: Cost) -> None:
    assert sustained_cost(run(tmp_path, CURVE), 0.8, measure, kept=kept) == expected


def test_runs_that_never_arrive_are_censored_at_what_they_spent(tmp_path: Path) -> None:
    runs = [run(tmp_path / "a", CURVE), run(tmp_path / "b", [0.5, 0.6])]
    costs = sustained_costs(runs, 0.9, "time_s", kept=2)
    assert costs == [Cost(10, True), Cost(2, False)]
    with pytest.raises(InputError, match="measure"):
        sustained_cost(runs[0], 0.9, "hours")  # type: ignore[arg-type]


def test_area_under_the_curve(tmp_path: Path) -> None:
    made = run(tmp_path, CURVE)
    assert mean_accuracy(made, 12.0) == pytest.approx(np.mean(CURVE[:6]))
    assert mean_accuracy(made, 3.0) == pytest.approx((2 * 0.5 + 0.82) / 3)
    assert mean_accuracy(made, 2, "round") == pytest.approx((0.5 + 0.82) / 2)
    assert mean_accuracy(made, 12.1) is None


def test_ratios_are_symmetric_and_censored_pairs_decide_where_they_can() -> None:
    first = [Cost(2, True), Cost(6, True), Cost(4, True), Cost(9, False), Cost(3, False)]
    second = [Cost(4, True), Cost(3, True), Cost(8, False), Cost(9, True), Cost(7, True)]
    found = compare_costs(first, second)
    assert found.ratio == pytest.approx(1)  # halves and doubles cancel
    assert found.both_arrived == 2
    assert (found.first_cheaper, found.second_cheaper, found.undecided) == (2, 2, 1)
    turned = compare_costs(second, first)
    assert turned.ratio == pytest.approx(1 / found.ratio)
    assert (turned.first_cheaper, turned.second_cheaper) == (2, 2)
    assert found.pairs == 5


def test_the_interval_covers_the_geometric_mean_ratio() -> None:
    drawn = np.random.default_rng(0)
    inside = 0
    for _ in range(60):
        base = drawn.lognormal(3, 0.5, 12)
        ratio = 0.7 * drawn.lognormal(0, 0.3, 12)
        first = [Cost(float(value), True) for value in base * ratio]
        second = [Cost(float(value), True) for value in base]
        found = compare_costs(first, second)
        inside += found.low <= 0.7 <= found.high
    assert inside >= 50


def test_pairs_must_fit() -> None:
    with pytest.raises(InputError, match="as many runs"):
        compare_costs([Cost(1, True)], [])
    with pytest.raises(InputError, match="above 0"):
        compare_costs([Cost(0, True)], [Cost(1, True)])


def test_a_module_that_was_not_measured_is_refused(tmp_path: Path) -> None:
    made = run(tmp_path, CURVE)
    assert learning_curve(made, "ensemble").collect().height == len(CURVE)
    with pytest.raises(InputError, match=r"target: must be one of .*found '9'"):
        learning_curve(made, 9)

"""Verdicts from cases of which the answer is known."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import pytest

from netsim.results.intervals import Interval


@pytest.fixture
def verdict(scripts: None) -> ModuleType:
    return importlib.import_module("verdict")


def cases(verdict: ModuleType, *stands: tuple[str, str, str]) -> list[Any]:
    """A case of each (band, target, stand)."""
    return [
        verdict.Case({"band": band, "target": target}, stand, "", 10)
        for band, target, stand in stands
    ]


@pytest.mark.parametrize(
    ("low", "high", "paper", "stand"),
    [
        (1, 3, 2, "for"),
        (1, 3, 5, "for"),
        (-1, 3, 2, "open"),
        (-1, 1, 2, "none"),
        (-1, 1, None, "open"),
        (-3, -1, 2, "reversed"),
        (float("nan"), float("nan"), 2, "open"),
    ],
)
def test_stand(
    verdict: ModuleType, low: float, high: float, paper: float | None, stand: str
) -> None:
    assert verdict.stand_of(Interval((low + high) / 2, low, high, 5), paper) == stand


@pytest.mark.parametrize(
    ("wins", "losses", "stand"),
    [
        (6, 0, "for"),
        (5, 0, "open"),
        (0, 6, "reversed"),
        (0, 0, "open"),
        (9, 1, "for"),
        (8, 2, "open"),
    ],
)
def test_sign_test(verdict: ModuleType, wins: int, losses: int, stand: str) -> None:
    """Two-sided at 5 %: 2 / 2^6 is significant, 2 / 2^5 is not; 22 / 2^10 is, 112 / 2^10 is not."""
    assert verdict.stand_of_wins(wins, losses) == stand


@pytest.mark.parametrize(
    ("stands", "expected"),
    [
        ([], "not run"),
        ([("a", "1", "for"), ("b", "1", "for")], "holds"),
        ([("a", "1", "for"), ("b", "1", "none")], "holds only under band = a"),
        ([("a", "1", "for"), ("a", "2", "open"), ("b", "1", "open")], "holds only under band = a, target = 1"),
        ([("a", "1", "for"), ("a", "2", "for"), ("b", "1", "none"), ("b", "2", "open")], "holds only under band = a"),
        ([("a", "1", "for"), ("b", "1", "reversed")], "undetermined: set by band"),
        ([("a", "1", "for"), ("a", "2", "reversed")], "undetermined: set by target"),
        ([("a", "1", "open"), ("b", "2", "open")], "undetermined: set by the seeds"),
        ([("a", "1", "open"), ("b", "1", "none")], "undetermined: set by band"),
        ([("a", "1", "none"), ("b", "1", "reversed")], "does not hold"),
        ([("a", "1", "open"), ("b", "1", "reversed")], "does not hold"),
    ],
)  # fmt: skip
def test_decide(verdict: ModuleType, stands: list[tuple[str, str, str]], expected: str) -> None:
    assert verdict.decide(cases(verdict, *stands)) == expected


def test_mixed_factors_are_all_named(verdict: ModuleType) -> None:
    """No single factor tells the cases for a claim from those against it."""
    stands = [("a", "1", "for"), ("b", "2", "for"), ("a", "2", "reversed"), ("b", "1", "reversed")]
    assert verdict.decide(cases(verdict, *stands)) == "undetermined: set by band and target"
    many = [("abcd"[i], str(j), "for" if i != j else "open") for i in range(3) for j in range(3)]
    judged = verdict.decide(cases(verdict, *many))
    assert judged == "holds only under 6 of 9 settings, by band and target"


def test_few_seeds_decide_nothing(verdict: ModuleType) -> None:
    few = verdict.case_of({"band": "a"}, Interval(2.0, 1.0, 3.0, 4), "%")
    enough = verdict.case_of({"band": "a"}, Interval(2.0, 1.0, 3.0, 5), "%")
    assert (few.stand, enough.stand) == ("open", "for")


def test_tally(verdict: ModuleType) -> None:
    found = Interval(2.0, 1.0, 3.0, 5)
    one = verdict.case_of({"band": "a"}, found, "%", 2.5)
    other = verdict.case_of({"band": "b"}, found, "%", 9.0)
    row = verdict.Row("2", "a claim", "2.5 %", [one, other])
    assert row.judged == "holds"
    assert row.tally == "2 for; the paper's number is inside 1 of 2"
    assert one.ours == "2 ± 1 %"

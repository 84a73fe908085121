"""Arguments of the questions that a run answers: checked, with the rule and what was found."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real

import polars as pl
from polars import col

from netsim.errors import InputError, did_you_mean
from netsim.results.tables import RunTables

GROUPS = ("ue", "round", "gnb", "module")
TARGETS = ("ensemble", "best", "averaged_logits")
"""What is measured besides the modules, which are called "0", "1", ..."""


def check_group(by: str, allowed: Iterable[str] = GROUPS) -> None:
    """Raises InputError unless rows can be grouped by `by`."""
    check_choice("by", by, allowed)


def check_choice(name: str, value: object, allowed: Iterable[str]) -> None:
    """Raises InputError unless `value` is one of the allowed words."""
    known = list(allowed)
    if value not in known:
        rule = f"must be one of {', '.join(known)}{did_you_mean(value, known)}"
        raise InputError(rule, where=name, value=value)


def check_accuracy(accuracy: float) -> None:
    """Raises InputError unless `accuracy` is a share of right answers."""
    if not _is_number(accuracy) or not 0 < accuracy <= 1:
        rule = "must be above 0 and at most 1: 0.8 is 80%"
        raise InputError(rule, where="accuracy", value=accuracy)


def check_positive(name: str, value: float) -> None:
    """Raises InputError unless `value` is a number above 0."""
    if not _is_number(value) or not value > 0:
        raise InputError("must be a number above 0", where=name, value=value)


def check_not_negative(name: str, value: float) -> None:
    """Raises InputError unless `value` is a number, 0 or more."""
    if not _is_number(value) or not value >= 0:
        raise InputError("must be a number, 0 or more", where=name, value=value)


def check_round(value: int, last: int) -> None:
    """Raises InputError unless the run has had a round of this number; 0 is before training."""
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or not 0 <= value <= last:
        rule = f"must be a whole number from 0 to {last}"
        raise InputError(rule, where="round", value=value)


def checked_target(run: RunTables, target: str | int) -> str:
    """The target as the evaluations name it: module 3 is "3". Raises InputError for an unknown one.

    A run without evaluations does not tell how many modules there were.
    """
    name = str(target)
    if name in TARGETS:
        return name
    found = run.evaluations.select(col("target").unique()).collect().to_series()
    measured = found.cast(pl.String).to_list()
    modules = sorted((word for word in measured if word.isdecimal()), key=int)
    if measured or not name.isdecimal():
        check_choice("target", name, [*TARGETS, *modules])
    return name


def _is_number(value: object) -> bool:
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    return not math.isnan(value)

"""Arguments of the questions that a run answers: checked, with the rule and what was found."""

from __future__ import annotations

from collections.abc import Iterable

from netsim.errors import InputError, did_you_mean

GROUPS = ("ue", "round", "gnb", "module")


def check_group(by: str, allowed: Iterable[str] = GROUPS) -> None:
    """Raises InputError unless rows can be grouped by `by`."""
    known = list(allowed)
    if by not in known:
        rule = f"must be one of {', '.join(known)}{did_you_mean(by, known)}"
        raise InputError(rule, where="by", value=by)


def check_accuracy(accuracy: float) -> None:
    """Raises InputError unless `accuracy` is a share of right answers."""
    if not 0 < accuracy <= 1:
        rule = "must be above 0 and at most 1: 0.8 is 80%"
        raise InputError(rule, where="accuracy", value=accuracy)


def check_positive(name: str, value: float) -> None:
    """Raises InputError unless `value` is above 0."""
    if not value > 0:
        raise InputError("must be above 0", where=name, value=value)

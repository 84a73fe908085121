"""What a step of a sweep did to a metric, as a sentence that claims no more than its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl
from polars import col

from netsim.results.intervals import plus_minus
from netsim.results.metrics import TARGET_ACCURACY, label, unit
from netsim.results.sweep import Sweep

MINUS = "\N{MINUS SIGN}"
PLURAL = ("handovers", "uploads", "rounds_closed", "rounds_to_accuracy")


@dataclass(frozen=True)
class Conclusion:
    """One step of one key, other keys being the same."""

    metric: str
    setting: dict[str, Any]  # of the other keys
    before: Any
    after: Any
    sure: bool  # the interval leaves out zero
    sentence: str


def conclusions(
    sweep: Sweep,
    key: str,
    metric: str,
    accuracy: float = TARGET_ACCURACY,
) -> list[Conclusion]:
    """A sentence for every step of `key`; none for steps that no pair of runs has taken.

    `accuracy` is the one that time, energy and rounds to accuracy are measured to.
    """
    response = sweep.response(metric, accuracy=accuracy)
    steps = sweep.differences(metric, key, accuracy=accuracy)
    others = [other for other in sweep.keys if other != key]
    found = []
    for step in steps.iter_rows(named=True):
        setting = {other: step[other] for other in others}
        mean_before = _mean(response, {**setting, key: step["from"]})
        sure = step["low"] is not None and (step["low"] > 0 or step["high"] < 0)
        found.append(
            Conclusion(
                metric,
                setting=setting,
                before=step["from"],
                after=step["to"],
                sure=sure,
                sentence=_sentence(
                    label(metric, accuracy),
                    metric,
                    step,
                    mean_before,
                    sure=sure,
                ),
            )
        )
    return found


def _mean(response: pl.DataFrame, setting: dict[str, Any]) -> float | None:
    rows = response
    for key, value in setting.items():
        rows = rows.filter(col(key) == value)
    return rows["mean"][0] if len(rows) else None


def _sentence(
    name: str,
    metric: str,
    step: dict[str, Any],
    mean_before: float | None,
    *,
    sure: bool,
) -> str:
    pairs = step["pairs"]
    seeds = "1 seed" if pairs == 1 else f"{pairs} seeds"
    left_out = f"; {step['missing']} pairs have no value" if step["missing"] else ""
    if pairs == 0:
        return f"{name}: no pair of runs has a value"
    change = _change(metric, step, mean_before)
    if step["low"] is None:
        return f"{name}: {change} at {seeds}, without an interval{left_out}"
    if not sure and step["mean"] == 0 and step["low"] == step["high"]:
        return f"{name}: no change in any of {seeds}{left_out}"
    if not sure:
        return f"{name}: inconclusive at {seeds} ({change}){left_out}"
    verb = "rise" if step["mean"] > 0 else "fall"
    if metric not in PLURAL:
        verb = f"{verb}s"
    size = change.lstrip(f"+{MINUS}")
    return f"{name} {verb} by {size} ({seeds}{left_out})"


def _change(
    metric: str,
    step: dict[str, Any],
    mean_before: float | None,
) -> str:
    """Mean difference and half of its interval: in points of shares, else in percent."""
    kind = unit(metric)
    if kind == "share":
        return _with_half_width(
            step,
            factor=100.0,
            ending=" points",
        )
    if mean_before:
        return _with_half_width(
            step,
            factor=100.0 / abs(mean_before),
            ending="%",
        )
    return _with_half_width(
        step,
        factor=1.0,
        ending=f" {kind}" if kind else "",
    )


def _with_half_width(
    step: dict[str, Any],
    *,
    factor: float,
    ending: str,
) -> str:
    mean = factor * step["mean"]
    if step["low"] is None:
        return f"{mean:+.3g}{ending}".replace("-", MINUS)
    half_width = factor * (step["high"] - step["low"]) / 2
    return f"{plus_minus(mean, half_width, sign='+')}{ending}".replace("-", MINUS)

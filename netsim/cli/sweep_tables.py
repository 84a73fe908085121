"""What a sweep says: response to what was varied, and paired differences."""

from __future__ import annotations

from typing import Any

import polars as pl
from rich.console import Console

from netsim.cli.console import print_table
from netsim.results.intervals import plus_minus
from netsim.results.metrics import value_text
from netsim.results.sweep import Sweep

SHOWN = {  # metric: header
    "accuracy": "accuracy",
    "time_to_accuracy_s": "to 0.8, s",
    "energy_to_accuracy_j": "to 0.8, J",
    "rounds_to_accuracy": "to 0.8, rounds",
    "upload_p50_s": "upload p50, s",
    "upload_p95_s": "upload p95, s",
    "on_time_share": "on time",
    "outage_share": "outage",
    "energy_j": "energy, J",
    "handovers": "handovers",
}


def print_response(found: Sweep, out: Console) -> None:
    """Mean and half of the 95% interval of each headline metric, for every combination."""
    metrics = _known(found)
    if not metrics:
        return
    frames = [found.response(metric) for metric in metrics]
    rows = []
    for index, setting in enumerate(frames[0].select(found.keys).iter_rows()):
        cells = [frame.row(index, named=True) for frame in frames]
        runs = max(cell["seeds"] for cell in cells)
        estimates = [_estimate(cell, count="seeds") for cell in cells]
        rows.append([*map(value_text, setting), str(runs), *estimates])
    headers = [*found.keys, "runs", *[SHOWN[metric] for metric in metrics]]
    print_table(
        headers,
        rows,
        title="Means over seeds ± half of the 95% t-interval",
        out=out,
        right=range(len(found.keys), len(headers)),
    )


def print_differences(found: Sweep, out: Console) -> None:
    """What each step of each key does, from pairs of the same seed."""
    if found.runs["seed"].n_unique() < 2:
        return
    for key in found.keys:
        _print_steps(found, key, out)


def _print_steps(
    found: Sweep,
    key: str,
    out: Console,
) -> None:
    columns: dict[str, pl.DataFrame] = {}
    for metric in _known(found):
        steps = found.differences(metric, key)
        if len(steps):
            columns[metric] = steps
    if not columns:
        return
    others = [other for other in found.keys if other != key]
    first = next(iter(columns.values()))
    rows = []
    for index, step in enumerate(first.iter_rows(named=True)):
        cells = [frame.row(index, named=True) for frame in columns.values()]
        setting = [value_text(step[other]) for other in others]
        change = f"{value_text(step['from'])} -> {value_text(step['to'])}"
        pairs = max(cell["pairs"] for cell in cells)
        estimates = [
            _estimate(
                cell,
                count="pairs",
                sign="+",
            )
            for cell in cells
        ]
        rows.append([*setting, change, str(pairs), *estimates])
    headers = [*others, key, "pairs", *[SHOWN[metric] for metric in columns]]
    print_table(
        headers,
        rows,
        title=f"Steps of {key}: paired differences ± half of the 95% t-interval",
        out=out,
        right=range(len(others) + 1, len(headers)),
    )


def _known(found: Sweep) -> list[str]:
    """Metrics that at least one run has; handovers only if there were any."""
    known = []
    for metric in SHOWN:
        values = found.runs[metric]
        never_any = metric == "handovers" and not values.sum()
        if values.null_count() < len(values) and not never_any:
            known.append(metric)
    return known


def _estimate(
    cell: dict[str, Any],
    *,
    count: str,
    sign: str = "",
) -> str:
    """Mean, half of the interval, and how many runs or pairs had no value."""
    mean = cell["mean"]
    if mean is None:
        return ""
    text = f"{mean:{sign}.4g}"
    if cell["low"] is not None and cell["high"] is not None:
        half_width = (cell["high"] - cell["low"]) / 2
        text = plus_minus(
            mean,
            half_width,
            sign=sign,
        )
    if cell["missing"] and cell[count]:
        text = f"{text} ({cell['missing']} without)"
    return text

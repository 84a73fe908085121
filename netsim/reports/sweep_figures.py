"""Figures of a sweep, one function each."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
from matplotlib.axes import Axes

from netsim.errors import DataError
from netsim.reports.plot_style import PlotOptions
from netsim.results.metrics import LABELS, unit
from netsim.results.sweep import Sweep


def response(
    axes: Axes,
    sweep: Sweep,
    options: PlotOptions,
) -> None:
    """Mean of a metric over seeds against the key with most values, a line per other setting."""
    metric = options.metric
    rows = sweep.response(metric).drop_nulls("mean")
    if not len(rows):
        raise DataError(f"no run has a value of {metric}", where=sweep.path)
    across = max(
        sweep.keys,
        key=lambda key: _count_of_numbers(rows, key),
        default=None,
    )
    others = [key for key in sweep.keys if key != across]
    groups = rows.partition_by(others, as_dict=True) if others else {(): rows}
    factor = 100.0 if unit(metric) == "share" else 1.0
    for setting, group in groups.items():
        label = ", ".join(
            f"{key.rpartition('.')[2]} {value}" for key, value in _pairs(others, setting)
        )
        _line_with_band(axes, group, across, factor, label)
    axes.set(xlabel=across or "", ylabel=_axis_title(metric))
    axes.set_ylim(0, None)
    if others:
        axes.legend()


def _pairs(keys: list[str], values: tuple[object, ...]) -> list[tuple[str, object]]:
    return list(
        zip(
            keys,
            values,
            strict=True,
        )
    )


def _count_of_numbers(rows: pl.DataFrame, key: str) -> int:
    """Values of a key; words count less than any number."""
    count = rows[key].n_unique()
    return count if rows[key].dtype.is_numeric() else -1


def _line_with_band(
    axes: Axes,
    rows: pl.DataFrame,
    across: str | None,
    factor: float,
    label: str,
) -> None:
    x = rows[across] if across is not None else pl.Series(["all runs"])
    (line,) = axes.plot(
        x,
        factor * rows["mean"],
        marker="o",
        markersize=3,
        label=label,
    )
    low = factor * rows["low"]
    high = factor * rows["high"]
    colour = line.get_color()
    if x.dtype.is_numeric():
        axes.fill_between(
            x,
            low,
            high,
            alpha=0.2,
            linewidth=0,
            color=colour,
        )
    else:
        axes.vlines(
            x,
            low,
            high,
            color=colour,
        )


def _axis_title(metric: str) -> str:
    shown = "%" if unit(metric) == "share" else unit(metric)
    return f"{LABELS[metric]} ({shown})" if shown else LABELS[metric]


SWEEP_FIGURES: dict[str, Callable[[Axes, Sweep, PlotOptions], None]] = {"response": response}

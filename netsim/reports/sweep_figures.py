"""Figures of a sweep, one function each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from polars import col

from netsim.errors import DataError
from netsim.reports.plot_style import PlotOptions
from netsim.results.metrics import label, unit, value_text, within_range
from netsim.results.sweep import Sweep

MOST_PANELS = 6
PANEL_COLUMNS = 3


def response(
    axes: Axes,
    sweep: Sweep,
    options: PlotOptions,
) -> None:
    """Mean of a metric over seeds with its 95% band, a panel for each value of a second key."""
    metric = options.metric
    found = sweep.response(metric, accuracy=options.accuracy)
    rows = within_range(metric, found).drop_nulls("mean")
    if not len(rows):
        raise DataError(f"no run has a value of {metric}", where=sweep.path)
    across = _across(sweep, rows)
    others = [key for key in sweep.keys if key != across]
    beside = others[0] if others else None
    panels = [(None, rows)] if beside is None else _by_value(rows, beside)
    if len(panels) > MOST_PANELS:
        beside, panels = None, [(None, rows)]
    lines = [key for key in others if key != beside]
    for place, (value, group) in zip(_places(axes, len(panels)), panels, strict=True):
        _draw_lines(place, group, across, lines, options)
        if value is not None and beside is not None:
            place.set_title(f"{_short(beside)} {value_text(value)}")


def differences(
    axes: Axes,
    sweep: Sweep,
    options: PlotOptions,
) -> None:
    """What each step of a key did to a metric: paired differences with 95% intervals."""
    metric = options.metric
    steps = list(_steps(sweep, options))
    if not steps:
        rule = f"no step has an interval of {metric}: it takes two seeds or more"
        raise DataError(rule, where=sweep.path)
    factor = _factor(metric)
    rows = list(range(len(steps)))
    means = [factor * step["mean"] for _, step in steps]
    below = [factor * (step["mean"] - step["low"]) for _, step in steps]
    above = [factor * (step["high"] - step["mean"]) for _, step in steps]
    axes.errorbar(means, rows, xerr=[below, above], fmt="o", markersize=4, capsize=2.5)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(rows, [name for name, _ in steps])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set(xlabel=f"change of {_axis_title(options)}")
    _figure(axes).set_figheight(1.0 + 0.45 * len(rows))


def _steps(sweep: Sweep, options: PlotOptions) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every step that has an interval, with what to call it."""
    for key in sweep.keys:
        others = [other for other in sweep.keys if other != key]
        found = sweep.differences(options.metric, key, accuracy=options.accuracy)
        for step in found.drop_nulls("low").iter_rows(named=True):
            at = ", ".join(f"{_short(other)} {value_text(step[other])}" for other in others)
            change = f"{_short(key)} {value_text(step['from'])} → {value_text(step['to'])}"
            yield f"{change}\n{at}" if at else change, step


def _across(sweep: Sweep, rows: pl.DataFrame) -> str | None:
    """The numeric key with most values."""
    return max(
        sweep.keys,
        key=lambda key: _count_of_numbers(rows, key),
        default=None,
    )


def _count_of_numbers(rows: pl.DataFrame, key: str) -> int:
    """Values of a key; words count less than any number."""
    count = rows[key].n_unique()
    return count if rows[key].dtype.is_numeric() else -1


def _by_value(rows: pl.DataFrame, key: str) -> list[tuple[Any, pl.DataFrame]]:
    values = rows[key].unique(maintain_order=True)
    return [(value, rows.filter(col(key) == value)) for value in values]


def _places(axes: Axes, count: int) -> list[Axes]:
    """Panels of equal axes side by side, in place of `axes` where there are several."""
    if count == 1:
        return [axes]
    figure = _figure(axes)
    axes.remove()
    columns = min(count, PANEL_COLUMNS)
    lines = -(-count // columns)
    figure.set_size_inches(1.2 + 2.1 * columns, 0.4 + 2.1 * lines)
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    places = list(grid.flat)
    for left_over in places[count:]:
        left_over.set_visible(False)
    for number, place in enumerate(places):
        place.label_outer()
        if number % columns:
            place.set_ylabel("")
    return places[:count]


def _figure(axes: Axes) -> Figure:
    figure = axes.figure
    while isinstance(figure, SubFigure):
        figure = figure.figure
    return figure


def _draw_lines(
    axes: Axes,
    rows: pl.DataFrame,
    across: str | None,
    lines: list[str],
    options: PlotOptions,
) -> None:
    """A line with its band for each setting of the keys `lines`."""
    groups = rows.partition_by(lines, as_dict=True) if lines else {(): rows}
    for setting, group in groups.items():
        pairs = zip(lines, setting, strict=True)
        name = ", ".join(f"{_short(key)} {value_text(value)}" for key, value in pairs)
        _line_with_band(axes, group, across, _factor(options.metric), name)
    specification = axes.get_subplotspec()
    first = specification is None or specification.is_first_col()
    axes.set(xlabel=across or "", ylabel=_axis_title(options) if first else "")
    if options.metric != "accuracy":  # accuracies lie near one another, far from 0
        axes.set_ylim(0, None)
    if lines:
        axes.legend()


def _line_with_band(
    axes: Axes,
    rows: pl.DataFrame,
    across: str | None,
    factor: float,
    name: str,
) -> None:
    x = rows[across] if across is not None else pl.Series(["all runs"])
    (line,) = axes.plot(
        x,
        factor * rows["mean"],
        marker="o",
        markersize=3,
        label=name,
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


def _short(key: str) -> str:
    """A key as a reader would call it: scheme.kind is the scheme."""
    section, _, last = key.rpartition(".")
    return section.rpartition(".")[2] if last in ("kind", "model") and section else last


def _factor(metric: str) -> float:
    """Shares are drawn in percent."""
    return 100.0 if unit(metric) == "share" else 1.0


def _axis_title(options: PlotOptions) -> str:
    kind = unit(options.metric)
    shown = "%" if kind == "share" else kind
    name = label(options.metric, options.accuracy)
    return f"{name} ({shown})" if shown else name


SWEEP_FIGURES: dict[str, Callable[[Axes, Sweep, PlotOptions], None]] = {
    "response": response,
    "differences": differences,
}

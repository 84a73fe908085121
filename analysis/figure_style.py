"""The look that all figures of analysis/ share: call `use()`, draw, `save()`."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.figure import Figure

# Okabe and Ito's palette, as in the report and in netsim.mplstyle
OUTCOME = {"on_time": "#009e73", "late": "#e69f00", "outage": "#d55e00", "aborted": "#cc79a7"}
ACTIVITY = {"broadcast": "#8a97a5", "compute": "#56b4e9", "wait": "#e3e7ec"}
COLUMN_IN, PAGE_IN = 3.5, 7.2  # widths of a figure in a two-column paper


def use() -> None:
    """Make the style the default."""
    plt.style.use(Path(__file__).with_name("netsim.mplstyle"))


def save(figure: Figure, path: Path) -> None:
    """Write a figure by its suffix; the same figure gives the same bytes."""
    undated: dict[str, dict[str, None]] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    figure.savefig(path, metadata=undated.get(path.suffix))


def band(
    panel: plt.Axes, rows: pl.DataFrame, x: str, y: str, label: str = "", *, factor: float = 1.0
) -> None:
    """Mean `y` against `x` in its interval `y_low` to `y_high`, as `findings.means` gives them."""
    rows = rows.sort(x)
    (line,) = panel.plot(rows[x], factor * rows[y], marker="o", markersize=2.5, label=label)
    known = rows.drop_nulls(f"{y}_low")
    low, high = factor * known[f"{y}_low"], factor * known[f"{y}_high"]
    panel.fill_between(known[x], low, high, alpha=0.2, linewidth=0, color=line.get_color())

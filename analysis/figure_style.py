"""The look that all figures of analysis/ share: call `use()`, draw, `save()`."""

from __future__ import annotations

import matplotlib.pyplot as plt
import polars as pl

from netsim.reports.plot_style import (
    ACTIVITY_COLOURS,
    COLUMN_IN,
    OUTCOME_COLOURS,
    PAGE_IN,
    save,
    use,
)

__all__ = ["ACTIVITY", "COLUMN_IN", "OUTCOME", "PAGE_IN", "band", "save", "use"]

OUTCOME = OUTCOME_COLOURS
ACTIVITY = ACTIVITY_COLOURS


def band(
    panel: plt.Axes, rows: pl.DataFrame, x: str, y: str, label: str = "", *, factor: float = 1.0
) -> None:
    """Mean `y` against `x` in its interval `y_low` to `y_high`, as `findings.means` gives them."""
    rows = rows.sort(x)
    (line,) = panel.plot(rows[x], factor * rows[y], marker="o", markersize=2.5, label=label)
    known = rows.drop_nulls(f"{y}_low")
    low, high = factor * known[f"{y}_low"], factor * known[f"{y}_high"]
    panel.fill_between(known[x], low, high, alpha=0.2, linewidth=0, color=line.get_color())

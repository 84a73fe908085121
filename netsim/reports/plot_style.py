"""The look that figures of `netsim plot` and of analysis/ share: call `use()`, draw, `save()`.

Needs the extra `figures` (matplotlib).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from netsim.results.metrics import TARGET_ACCURACY

# Okabe and Ito's palette, as in the report and in netsim.mplstyle
OUTCOME_COLOURS = {
    "on_time": "#009e73",
    "late": "#e69f00",
    "outage": "#d55e00",
    "aborted": "#cc79a7",
}
ACTIVITY_COLOURS = {
    "broadcast": "#8a97a5",
    "compute": "#56b4e9",
    "wait": "#e3e7ec",
}
COLUMN_IN, PAGE_IN = 3.5, 7.2  # widths of a figure in a two-column paper
UNDATED: dict[str, dict[str, None]] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


@dataclass(frozen=True)
class PlotOptions:
    """What may be asked of a figure."""

    round: int = 1  # of the timeline
    metric: str = "upload_p50_s"  # of a sweep
    accuracy: float = TARGET_ACCURACY  # that a sweep's runs are timed to


def use() -> None:
    """Make the style the default."""
    plt.style.use(Path(__file__).with_name("netsim.mplstyle"))


def save(figure: Figure, path: Path) -> None:
    """Write a figure by its suffix; the same figure gives the same bytes."""
    figure.savefig(path, metadata=UNDATED.get(path.suffix))

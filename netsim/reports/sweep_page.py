"""`netsim report SWEEP`: response curves with bands over seeds, and what each step did in words."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl

from netsim.errors import DataError
from netsim.reports.columns import as_lists
from netsim.reports.folders import export_file
from netsim.reports.html import page
from netsim.results.conclusions import Conclusion, conclusions
from netsim.results.metrics import TARGET_ACCURACY, label, unit, within_range
from netsim.results.sweep import Sweep

SCRIPTS = ("core", "sweep")
FIRST = (  # metrics in the order in which a reader asks for them
    "accuracy",
    "time_to_accuracy_s",
    "energy_to_accuracy_j",
    "rounds_to_accuracy",
    "upload_p50_s",
    "upload_p95_s",
    "on_time_share",
    "outage_share",
    "late_share",
    "energy_j",
    "wasted_share",
    "handovers",
    "simulated_s",
)


def write_sweep_report(
    sweep: Sweep,
    out: str | Path,
    accuracy: float = TARGET_ACCURACY,
) -> Path:
    """Write the page of a sweep, with what it took to reach `accuracy`.

    Raises DataError if none of its runs is finished, OutputError if `out` cannot be written.
    """
    path = Path(out)
    text = page(
        f"sweep {sweep.path.name}",
        sweep_data(sweep, path, accuracy),
        SCRIPTS,
    )
    with export_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def sweep_data(
    sweep: Sweep,
    out: Path,
    accuracy: float = TARGET_ACCURACY,
) -> dict[str, Any]:
    """Everything the page knows of a sweep. Links are relative to the page `out`."""
    runs = sweep.runs_to(accuracy)
    if not (sweep.runs["status"] == "done").any():
        raise DataError("no run of this sweep is finished", where=sweep.path)
    return {
        "folder": sweep.path.name,
        "keys": sweep.keys,
        "metrics": [_metric(sweep, name, accuracy) for name in FIRST if _is_known(runs, name)],
        "runs": _runs(sweep, out),
    }


def _is_known(runs: pl.DataFrame, metric: str) -> bool:
    """A run has a value of it that is not nothing throughout."""
    values = runs[metric].drop_nulls()
    never_any = metric in ("handovers", "late_share") and not values.sum()
    return len(values) > 0 and not never_any


def _metric(
    sweep: Sweep,
    metric: str,
    accuracy: float,
) -> dict[str, Any]:
    response = sweep.response(metric, accuracy=accuracy)
    return {
        "name": metric,
        "label": label(metric, accuracy),
        "unit": unit(metric),
        "response": as_lists(within_range(metric, response)),
        "steps": {key: _steps(sweep, key, metric, accuracy) for key in sweep.keys},
    }


def _steps(
    sweep: Sweep,
    key: str,
    metric: str,
    accuracy: float,
) -> list[dict[str, Any]]:
    if sweep.runs["seed"].n_unique() < 2:
        return []
    return [_step(found) for found in conclusions(sweep, key, metric, accuracy)]


def _step(found: Conclusion) -> dict[str, Any]:
    return {
        "setting": found.setting,
        "from": found.before,
        "to": found.after,
        "sure": found.sure,
        "sentence": found.sentence,
    }


def _runs(sweep: Sweep, out: Path) -> dict[str, Any]:
    """One entry per run, with the way from the page to its folder."""
    table = sweep.runs.select(
        "id",
        *sweep.keys,
        "seed",
        "status",
        "error",
    )
    folder = os.path.relpath(sweep.path / "runs", out.parent)
    links = [quote(f"{Path(folder).as_posix()}/{job}/") for job in table["id"]]
    return {**table.to_dict(as_series=False), "link": links}

"""`netsim report SWEEP`: response curves with bands over seeds, and what each step did in words."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from netsim.errors import DataError
from netsim.reports.columns import as_lists
from netsim.reports.folders import export_file
from netsim.reports.html import page
from netsim.results.conclusions import Conclusion, conclusions
from netsim.results.metrics import METRICS, TARGET_ACCURACY, label, unit
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


def write_sweep_report(sweep: Sweep, out: str | Path) -> Path:
    """Write the page of a sweep.

    Raises DataError if none of its runs is finished, OutputError if `out` cannot be written.
    """
    path = Path(out)
    text = page(
        f"sweep {sweep.path.name}",
        sweep_data(sweep, path),
        SCRIPTS,
    )
    with export_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def sweep_data(sweep: Sweep, out: Path) -> dict[str, Any]:
    """Everything the page knows of a sweep. Links are relative to the page `out`."""
    if not (sweep.runs["status"] == "done").any():
        raise DataError("no run of this sweep is finished", where=sweep.path)
    return {
        "folder": sweep.path.name,
        "keys": sweep.keys,
        "target": TARGET_ACCURACY,
        "metrics": [_metric(sweep, metric) for metric in FIRST if _is_known(sweep, metric)],
        "runs": _runs(sweep, out),
    }


def _is_known(sweep: Sweep, metric: str) -> bool:
    """A run has a value of it that is not nothing throughout."""
    values = sweep.runs[metric].drop_nulls()
    never_any = metric == "handovers" and not values.sum()
    return len(values) > 0 and not never_any


def _metric(sweep: Sweep, metric: str) -> dict[str, Any]:
    return {
        "name": metric,
        "label": label(metric),
        "meaning": METRICS[metric],
        "unit": unit(metric),
        "response": as_lists(sweep.response(metric)),
        "steps": {key: _steps(sweep, key, metric) for key in sweep.keys},
    }


def _steps(
    sweep: Sweep,
    key: str,
    metric: str,
) -> list[dict[str, Any]]:
    if sweep.runs["seed"].n_unique() < 2:
        return []
    return [_step(found) for found in conclusions(sweep, key, metric)]


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

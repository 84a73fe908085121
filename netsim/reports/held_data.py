"""What the UEs hold, and what the modules are worth to each of them, as the page shows it."""

from __future__ import annotations

from typing import Any

import polars as pl
from polars import col

from netsim.reports.columns import PageBudget, as_lists, collect, evenly
from netsim.results.arguments import TARGETS
from netsim.results.own_rows import own_curve, own_distribution
from netsim.results.reader import Run

COLUMNS = (
    "label_histogram",
    "domain_histogram",
    "data_group",
    "concept",
    "local_samples",
    "distinct_samples",
    "shared_samples",
)


def held_data(run: Run, budget: PageBudget) -> dict[str, Any]:
    """Rows that each UE holds: by class, by domain, and how many others hold too.

    Of many UEs as many as the page carries, evenly spaced.
    """
    known = run.ues.collect_schema().names()
    wanted = [name for name in COLUMNS if name in known]
    table = collect(run.ues.select("ue", *wanted).sort("ue"))
    total = len(table)
    shown = table[evenly(range(total), budget.ues)]
    note = f"{len(shown)} of {total} UEs, evenly spaced" if len(shown) < total else ""
    return {
        "note": note,
        "reuse": _reuse(table),
        **as_lists(shown),
    }


def _reuse(ues: pl.DataFrame) -> str:
    """A sentence about rows that are held more than once."""
    if "shared_samples" not in ues.columns or ues["shared_samples"].null_count():
        return ""
    sharing = ues.filter(col("shared_samples") > 0).height
    repeating = ues.filter(col("distinct_samples") < col("local_samples")).height
    if not sharing and not repeating:
        return "No row is held twice."
    told = f"{sharing} of {ues.height} UEs hold rows that others hold too"
    if repeating:
        told += f", {repeating} hold a row more than once"
    return f"{told}."


def own_rows(run: Run, budget: PageBudget) -> dict[str, Any]:
    """Accuracy on each UE's own rows: curves of the means, and every UE at the end."""
    curves = {}
    for target in TARGETS:
        curve = collect(own_curve(run, target))
        if curve.height:
            points = evenly(range(curve.height), budget.rounds)
            curves[target] = as_lists(curve[points])
    if not curves:
        return {}
    return {"curves": curves, "last": as_lists(collect(own_distribution(run)))}

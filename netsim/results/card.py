"""A run or a sweep as a card for notebooks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import polars as pl
from polars import col

from netsim.cards import card
from netsim.results.digest import Digest, digest
from netsim.results.metrics import LABELS, unit
from netsim.results.tables import RunTables

SHOWN = ("accuracy", "upload_p50_s", "on_time_share", "energy_j")


def run_card(run: RunTables) -> str:
    """What a run is, how far it came, and its accuracy drawn over the evaluations. HTML."""
    metadata = run.metadata
    title = f"{metadata.get('name', run.path.name)}, {metadata.get('scheme', '')}"
    facts = [
        ("status", str(metadata["status"])),
        ("seed", str(metadata.get("seed", ""))),
    ]
    curve: list[float] = []
    if run.part_files("rounds"):
        found = digest(run)
        facts += _facts(found)
        curve = found["accuracy"]
    return card(title, facts, curve, note=str(run.path))


def _quantity(value: float, unit_: str) -> str:
    return f"{100 * value:.1f}%" if unit_ == "share" else f"{value:.4g} {unit_}".strip()


def _facts(found: Digest) -> Iterator[tuple[str, str]]:
    counts = [f"{n} {kind.replace('_', ' ')}" for kind, n in found["outcomes"].items() if n]
    yield "rounds", str(found["rounds"])
    yield "simulated time", f"{found['simulated_s']:.4g} s"
    yield "uploads", f"{found['uploads']}: {', '.join(counts)}"
    yield "energy", f"{found['spent_j']:.4g} J"
    if found["accuracy"]:
        yield "accuracy", f"{found['accuracy'][0]:.3f} to {found['accuracy'][-1]:.3f}"


def sweep_card(name: str, keys: list[str], runs: pl.DataFrame, note: str) -> str:
    """What a sweep varies, how many of its runs are done, and means over those. HTML."""
    counts = Counter(runs["status"].to_list())
    facts = [("varies", ", ".join([*keys, "seed"]))]
    for key in keys:
        values = runs[key].unique(maintain_order=True).to_list()
        facts.append((key, ", ".join(map(str, values))))
    facts.append(("runs", ", ".join(f"{n} {status}" for status, n in counts.items())))
    done = runs.filter(col("status") == "done")
    for metric in SHOWN:
        value = done[metric].drop_nulls().mean() if metric in done.columns else None
        if isinstance(value, float):
            facts.append((f"{LABELS[metric]}, mean", _quantity(value, unit(metric))))
    return card(name, facts, note=note)

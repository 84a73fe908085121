"""What studies found: means with 95% intervals, Markdown tables, and files that say what made them.

Results of `cpu` and `full` are part of the repository: analysis/results/STUDY-SIZE.parquet and .md,
and analysis/figures/STUDY-SIZE.svg. Those of `small` lie in the same folders below its --out.
"""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from study import HERE, Options

import netsim
from netsim.results.intervals import mean_interval
from netsim.results.run_folder import package_versions

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def means(frame: pl.DataFrame, by: Sequence[str], values: Sequence[str]) -> pl.DataFrame:
    """Per group of `by`, of each value V: V, V_low, V_high (95% t-interval), V_seeds, V_missing."""
    rows = []
    for key, group in frame.group_by(by, maintain_order=True):
        row: dict[str, Any] = dict(zip(by, key, strict=True))
        for name in values:
            known = group[name].cast(pl.Float64).drop_nulls().drop_nans().to_numpy()
            row |= {f"{name}_seeds": len(known), f"{name}_missing": len(group) - len(known)}
            row |= dict.fromkeys((name, f"{name}_low", f"{name}_high"))
            if len(known):
                row[name] = float(known.mean())
            if len(known) > 1:
                found = mean_interval(known)
                row |= {f"{name}_low": found.low, f"{name}_high": found.high}
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


def shown(mean: float | None, low: float | None = None, high: float | None = None) -> str:
    """`1.23 ± 0.04`: a mean and half of its interval; `-` if there is none."""
    if mean is None:
        return "-"
    if low is None or high is None or math.isnan(low + high):
        return f"{mean:.3g}"
    return f"{mean:.3g} ± {(high - low) / 2:.2g}"


def markdown(frame: pl.DataFrame, names: Mapping[str, str] | None = None) -> str:
    """A Markdown table of the columns `names`, renamed; means with their intervals as `means` gives
    them.
    """
    names = names or {
        c: c for c in frame.columns if not c.endswith(("_low", "_high", "_seeds", "_missing"))
    }
    lines = [f"| {' | '.join(names.values())} |", f"|{'---|' * len(names)}"]
    for row in frame.iter_rows(named=True):
        cells = []
        for name in names:
            cell = row[name]
            if cell is None or isinstance(cell, float):
                cell = shown(cell, row.get(f"{name}_low"), row.get(f"{name}_high"))
            missing = row.get(f"{name}_missing")
            cells.append(f"{cell} ({missing} without)" if missing else str(cell))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def opening(doc: str) -> str:
    """A script's docstring as the head of its report: the question as title, without the
    command.
    """
    title, *rest = doc.strip().split("\n\n")
    return "\n\n".join([f"# {title}", *(part for part in rest if not part.startswith("    "))])


def write(
    asked: Options,
    table: pl.DataFrame,
    text: str,
    figure: Figure | None = None,
    *,
    seeds: Iterable[int],
    sweeps: Iterable[netsim.Sweep] = (),
) -> Path:
    """Write table, Markdown text and figure, with what made them. Returns the Markdown file."""
    made = provenance(asked, seeds, sweeps)
    results, figures = asked.results / "results", asked.results / "figures"
    name = f"{asked.study}-{asked.size}"
    results.mkdir(parents=True, exist_ok=True)
    table.write_parquet(results / f"{name}.parquet", metadata={"made": json.dumps(made)})
    lines = [f"* {key.replace('_', ' ')}: {value}" for key, value in made.items()]
    if figure is not None:
        import figure_style

        figures.mkdir(parents=True, exist_ok=True)
        figure_style.save(figure, figures / f"{name}.svg")
        text += f"\n\n![{asked.study}](../figures/{name}.svg)"
    path = results / f"{name}.md"
    path.write_text(f"{text.strip()}\n\n## Made by\n\n" + "\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(f"{text.strip()}\n\n{path}\n")
    return path


def provenance(
    asked: Options, seeds: Iterable[int], sweeps: Iterable[netsim.Sweep] = ()
) -> dict[str, str | float | int]:
    """Command, commit, versions, seeds, machine and time; the time of runs counts all sessions."""
    told: dict[str, str | float | int] = {"command": asked.command, "commit": _commit()}
    told["versions"] = ", ".join(
        f"{name} {version}" for name, version in package_versions().items()
    )
    told["seeds"] = ", ".join(map(str, seeds))
    told["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
    told["session_s"] = round(time.monotonic() - asked.began, 1)
    runs = [found.runs["wall_time_s"] for found in sweeps]
    if runs:
        told |= {
            "runs": sum(map(len, runs)),
            "time_of_runs_s": round(float(sum(r.sum() for r in runs)), 1),
        }
    return told


def _commit() -> str:
    """The commit of the working tree, marked where netsim/ or analysis/*.py differ from it."""
    head = _git("rev-parse", "--short", "HEAD")
    changed = _git("status", "--porcelain", "--", "netsim", "analysis/*.py", "topologies", "traces")
    return "unknown" if not head else head + (" with changes" if changed else "")


def _git(*words: str) -> str:
    try:
        done = subprocess.run(
            ["git", *words], cwd=HERE.parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()

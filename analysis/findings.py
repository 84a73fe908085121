"""What studies found: means with 95% intervals, Markdown tables, and files that say what made them.

Results of `cpu` and `full` are part of the repository: analysis/results/STUDY-SIZE.parquet and .md, and
analysis/figures/STUDY-SIZE.svg. Those of `small` lie in the same folders below its --out.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from study import HERE, Options

import netsim
from netsim.results.intervals import mean_interval
from netsim.results.run_folder import package_versions

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def means(frame: pl.DataFrame, by: Sequence[str], values: Sequence[str]) -> pl.DataFrame:
    """Per group of `by`: VALUE, VALUE_low, VALUE_high (95% t-interval, null below two), VALUE_seeds."""
    rows = []
    for key, group in frame.group_by(by, maintain_order=True):
        row = dict(zip(by, key, strict=True))
        for name in values:
            known = group[name].cast(pl.Float64).drop_nulls().drop_nans().to_numpy()
            found = mean_interval(known)
            bounds = (None, None) if np.isnan(found.low) else (found.low, found.high)
            row |= {name: found.mean if len(known) else None, f"{name}_seeds": len(known)}
            row |= {f"{name}_low": bounds[0], f"{name}_high": bounds[1]}
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


def shown(mean: float | None, low: float | None, high: float | None, digits: int = 3) -> str:
    """`1.23 ± 0.04`: a mean and half of its interval; `-` if there is none."""
    if mean is None:
        return "-"
    half = "" if low is None or high is None else f" ± {(high - low) / 2:.2g}"
    return f"{mean:.{digits}g}{half}"


def markdown(frame: pl.DataFrame, names: Mapping[str, str] | None = None) -> str:
    """A Markdown table. Columns with _low and _high become `mean ± half`; `names` chooses and renames."""
    names = names or {c: c for c in frame.columns if not c.endswith(("_low", "_high", "_seeds"))}
    lines = [f"| {' | '.join(names.values())} |", f"|{'---|' * len(names)}"]
    for row in frame.iter_rows(named=True):
        cells = []
        for name in names:
            cell = row[name]
            if isinstance(cell, float) or (cell is None and f"{name}_low" in row):
                cell = shown(cell, row.get(f"{name}_low"), row.get(f"{name}_high"))
            cells.append("-" if cell is None else str(cell))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


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
        for suffix in (".svg", ".png"):
            figure_style.save(figure, figures / f"{name}{suffix}")
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
    told["versions"] = ", ".join(f"{name} {version}" for name, version in package_versions().items())
    told["seeds"] = ", ".join(map(str, seeds))
    told["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
    told["session_s"] = round(time.monotonic() - asked.began, 1)
    runs = [found.runs["wall_time_s"] for found in sweeps]
    if runs:
        told |= {"runs": sum(map(len, runs)), "time_of_runs_s": round(float(sum(r.sum() for r in runs)), 1)}
    return told


def _commit() -> str:
    """The commit of the working tree, marked where netsim/ or analysis/*.py differ from it."""
    head = _git("rev-parse", "--short", "HEAD")
    changed = _git("status", "--porcelain", "--", "netsim", "analysis/*.py", "topologies", "traces")
    return "unknown" if not head else head + (" with changes" if changed else "")


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=HERE.parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()

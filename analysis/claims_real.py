"""Claims 2 and 3 on real sentences with a real model: SST-2, QNLI and all-MiniLM-L6-v2.

    python analysis/claims_real.py --model DIR --data DIR [--size small|cpu] [--minutes M] [--out D]

The main comparison of claims_convergence.py again, at one K: Algorithm 2, the benchmarks, and the
same modules subscribed to at random, over an easy radio, so that learning decides. Each scheme
trains at the rate that `tuning.py --world sst2` found for it, on QNLI, too. --model is the folder of
a model as on the Hugging Face hub, --data that of GLUE's SST-2 or QNLI, named so; a call runs one of
them, and keeps the other's rows of the table. `small` does without them, on the built-in task. The
verdicts take these runs as further cases.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import claims_convergence
import findings
import polars as pl
import study
from settings import grid_of
from worlds import CELL, QNLI, SST2, World

import netsim

SCHEMES = ("model_switching", "fedlora", "random", "flexlora", "hetlora")
SIZES: dict[str, tuple[int, dict[str, Any]]] = {
    "cpu": (5, {}),
    "small": (2, claims_convergence.SIZES["small"][2] | {"ues.count": 4}),
}
SMALL_SCHEMES = ("model_switching", "fedlora")


TASKS = {SST2.name: SST2, QNLI.name: QNLI}  # by the name of the data's folder
BUILT_IN = "built-in"


def task_of(data: Path | None) -> str:
    """`sst2` of a folder SST-2; the built-in task without one."""
    if data is None:
        return BUILT_IN
    name = data.name.lower().replace("-", "")
    if name not in TASKS:
        sys.exit(f"--data is a folder named {' or '.join(TASKS)}, not {data.name}")
    return name


def world_of(asked: study.Options) -> World:
    """The real world, or in small the built-in one."""
    real = TASKS.get(task_of(asked.data), CELL)
    return replace(real, fixed={**real.fixed, **SIZES[asked.size][1], **asked.learned})


def merged(asked: study.Options, found: pl.DataFrame) -> pl.DataFrame:
    """The rows found, with those of other tasks that the table has already."""
    path = asked.results / "results" / f"{asked.study}-{asked.size}.parquet"
    if not path.is_file():
        return found
    known = pl.read_parquet(path)
    others = known.filter(~pl.col("task").is_in(found["task"].unique().implode()))
    return pl.concat([others, found], how="diagonal_relaxed")


def report(table: pl.DataFrame) -> str:
    """Markdown: what each scheme needs, a table per task."""
    parts = [findings.opening(__doc__ or "")]
    for (task,), own in table.group_by("task", maintain_order=True):
        world = TASKS.get(str(task), CELL)
        parts.append(f"## {task}\n\n{claims_convergence.needs(own, world)}")
    return "\n\n".join(parts)


def main(argv: Sequence[str] | None = None) -> None:
    """Run, tabulate."""
    asked = study.options(argv, __file__, __doc__, SIZES, learns=True)
    if bool(asked.model) != bool(asked.data) or (asked.size == "cpu" and not asked.model):
        sys.exit("--model and --data are given together, and size cpu needs them")
    world = world_of(asked)
    count = {"ues.count": [world.fixed["ues.count"]]}
    kinds = SMALL_SCHEMES if asked.size == "small" else SCHEMES
    over = [grid | count for grid in grid_of(world, kinds)]
    seeds = study.within_time(
        asked, world.source, over, range(SIZES[asked.size][0]), world.fixed, part=world.name
    )
    found = netsim.open_sweep(asked.out / world.name)
    if not len(found.runs.filter(status="done")):
        sys.exit(f"{asked.study}: no run is complete; the same command goes on")
    table = claims_convergence.table_of(found, world).with_columns(
        task=pl.lit(task_of(asked.data)),
        model=pl.lit(asked.model.name if asked.model else BUILT_IN),
    )
    table = merged(asked, table)
    findings.write(asked, table, report(table), seeds=seeds, sweeps=[found])


if __name__ == "__main__":
    main()

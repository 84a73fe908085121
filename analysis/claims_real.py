"""Claims 2 and 3 on real sentences with a real model: SST-2 and all-MiniLM-L6-v2.

    python analysis/claims_real.py --model DIR --data DIR [--size small|cpu] [--minutes M] [--out D]

The main comparison of claims_convergence.py again, at one K: Algorithm 2, the benchmarks, and the
same modules subscribed to at random, over an easy radio, so that learning decides. Each scheme
trains at the rate that `tuning.py --world sst2` found for it. --model is the folder of a model as
on the Hugging Face hub, --data that of GLUE's SST-2; `small` does without them, on the built-in
task. The verdicts take these runs as further cases.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import claims_convergence
import findings
import polars as pl
import study
from settings import grid_of
from worlds import CELL, SST2, World

import netsim

SCHEMES = ("model_switching", "fedlora", "random", "flexlora", "hetlora")
SIZES: dict[str, tuple[int, dict[str, Any]]] = {
    "cpu": (5, {}),
    "small": (2, claims_convergence.SIZES["small"][2] | {"ues.count": 4}),
}
SMALL_SCHEMES = ("model_switching", "fedlora")


def world_of(asked: study.Options) -> World:
    """The real world, or in small the built-in one."""
    real = SST2 if asked.learned else CELL
    return replace(real, fixed={**real.fixed, **SIZES[asked.size][1], **asked.learned})


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
        task=pl.lit(asked.data.name if asked.data else "built-in"),
        model=pl.lit(asked.model.name if asked.model else "built-in"),
    )
    text = claims_convergence.report(table, world, __doc__ or "")
    findings.write(asked, table, text, seeds=seeds, sweeps=[found])


if __name__ == "__main__":
    main()

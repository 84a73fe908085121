"""Claims 8 and 9: does switching in every round beat greedy, one-shot and energy-constrained?

    python analysis/claims_switching.py [--size small|cpu|full] [--minutes M] [--jobs N] [--out D]
    [--model D --data D]

The paper's Section V (topologies/paper.toml) on sentence pairs: the built-in passages stand for
QNLI, which asks the same question (does this sentence answer it?). The harder built-in task, six
uneven grades, comes second. --model and --data add real QNLI, at the rates of the passages; `full`
is on it alone and wants a GPU. Algorithm 2,
greedy and one-shot have mu = 0, as the energy-constrained scheme is the one with a price. Each
trains at the rate that tuning.py found for it; seeds are common to all, so that differences are of
pairs. How many UEs switch, and how many have Algorithm 2's module, says how different the schemes
are.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import findings
import polars as pl
import settings
import study
from settings import RATE, SCHEMES, SWITCHING, grid_of
from worlds import GRADES, PASSAGES, World, outcome

import netsim
from netsim.results.targets import curve_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OURS = "switching_free"
SETTLED = 2  # rounds after which moves are counted: round 1 deals the modules out in turn
KEYS = ("world", "scheme", "seed")
SIZES: dict[str, tuple[tuple[World, ...], int, dict[str, Any]]] = {
    "cpu": ((PASSAGES, GRADES), 10, {}),
    "full": (
        (),
        20,
        {
            "ues.count": 100,
            "rounds": 200,
            "data.train_samples": 100_000,
            "data.test_samples": 6000,
        },
    ),
    "small": (
        (PASSAGES,),
        2,
        {
            "rounds": 4,
            "ues.count": 8,
            "data.train_samples": 400,
            "data.test_samples": 60,
            "data.samples_per_ue": 20,
            "learning.local_steps": 1,
        },
    ),
}


def table_of(found: netsim.Sweep, world: World) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A row per run (KEYS, rate, its `outcome`, `moves`), and its learning curve."""
    rows, curves = [], []
    runs = {}
    for job in found.runs.filter(status="done")["id"]:
        told = found.jobs[job]
        scheme = settings.scheme_of(told["overrides"])
        if not settings.is_current(world, told["overrides"], scheme):
            continue
        keys: dict[str, Any] = {"world": world.name, "scheme": scheme}
        runs[keys["scheme"], told["seed"]] = found.run(job)
        keys |= {"seed": told["seed"]}
        rows.append(keys | {"rate": told["overrides"][RATE]} | outcome(found.run(job), world))
        curve = curve_of(found.run(job)).select("round", "accuracy")
        curves.append(curve.with_columns(**{name: pl.lit(value) for name, value in keys.items()}))
    table = pl.DataFrame(rows, infer_schema_length=None)
    moved = moves(runs)
    joined = table.join(moved, on=["scheme", "seed"], how="left").sort(KEYS)
    return joined, pl.concat(curves).sort(*KEYS, "round")


def moves(runs: dict[tuple[str, int], netsim.Run]) -> pl.DataFrame:
    """Per run, shares of UEs (one module each) in the rounds after the first two.

    `switched`: who left the module of the round before; `alike`: who has the module that Algorithm
    2 gives them with the same seed.
    """
    had = pl.concat(
        [
            run.subscriptions.filter("subscribed")
            .select("round", "ue", "module")
            .collect()
            .with_columns(scheme=pl.lit(scheme), seed=pl.lit(seed, dtype=pl.Int64))
            for (scheme, seed), run in runs.items()
        ]
    )
    later = had.filter(pl.col("round") > SETTLED)

    def same(other: pl.DataFrame, on: list[str], name: str) -> pl.DataFrame:
        pairs = later.join(other, on=on, suffix="_other")
        equal = (pl.col("module") == pl.col("module_other")).mean()
        return pairs.group_by("scheme", "seed").agg(equal.alias(name))

    before = had.with_columns(pl.col("round") + 1)
    stayed = same(before, ["scheme", "seed", "round", "ue"], "stayed")
    alike = same(had.filter(scheme=OURS).drop("scheme"), ["seed", "round", "ue"], "alike")
    switched = stayed.select("scheme", "seed", switched=1 - pl.col("stayed"))
    return switched.join(alike, on=["scheme", "seed"], how="full", coalesce=True)


def report(table: pl.DataFrame, worlds: Sequence[World]) -> str:
    """Markdown: accuracies and rounds per scheme, and how differently they subscribe."""
    parts = [findings.opening(__doc__ or "")]
    for world in worlds:
        own = table.filter(world=world.name)
        if not len(own):
            parts.append(f"World {world.name}: not run.")
            continue
        level = f"{world.target:g}"
        told = own.with_columns(
            pl.col("switched", "alike", "last", "area") * 100,
            needed=pl.when(f"arrived_{level}")
            .then(f"cost_{level}")
            .otherwise(world.rounds)
            .cast(pl.Float64),
        )
        means = findings.means(told, ["scheme"], ["last", "area", "needed", "switched", "alike"])
        counts = told.group_by("scheme").agg(
            pl.format("{} of {}", pl.col(f"arrived_{level}").sum(), pl.len()).alias("arrived")
        )
        names = {"scheme": "scheme", "last": "last three, %", "area": "mean over rounds, %"}
        names |= {"needed": f"rounds to {level}", "arrived": "arrived"}
        names |= {"switched": "UEs that switch, %", "alike": "UEs alike, %"}
        shown = means.join(counts, on="scheme", maintain_order="left").with_columns(
            pl.col("scheme").replace_strict({name: one.title for name, one in SCHEMES.items()})
        )
        parts.append(
            f"World {world.name}, {world.rounds} rounds:\n\n" + findings.markdown(shown, names)
        )
    parts.append(
        "± is half of the 95% interval over seeds; a run that has not arrived counts as the horizon here, and "
        "as censored in the verdicts. UEs that switch were with another module in the round before; UEs alike "
        "have the module that Algorithm 2 gives them with the same seed."
    )
    return "\n\n".join(parts)


def draw(curves: pl.DataFrame, worlds: Sequence[World]) -> Figure:
    """Mean accuracy against rounds with its interval, a panel per world."""
    import figure_style
    import matplotlib.pyplot as plt

    figure_style.use()
    shown = [world for world in worlds if world.name in set(curves["world"])]
    figure, axes = plt.subplots(
        1,
        len(shown),
        figsize=(figure_style.PAGE_IN, 2.6),
        squeeze=False,
        layout="constrained",
    )
    for panel, world in zip(axes[0], shown, strict=True):
        own = curves.filter(world=world.name)
        for scheme in SWITCHING:
            mine = findings.means(own.filter(scheme=scheme), ["round"], ["accuracy"])
            if len(mine):
                figure_style.band(panel, mine, "round", "accuracy", SCHEMES[scheme].title)
        panel.axhline(world.target, color="0.6", linewidth=0.8)
        panel.set(xlabel="round", ylabel="test accuracy", title=world.name)
    axes[0, 0].legend(loc="lower right")
    return figure


def real(asked: study.Options, more: dict[str, Any]) -> dict[str, Any]:
    """Overrides of the world of real sentences, which has the rates of the passages."""
    own = {key: value for key, value in PASSAGES.fixed.items() if key != "data.task"}
    return {**own, **more, **asked.learned}


def main(argv: Sequence[str] | None = None) -> None:
    """Run, tabulate, draw."""
    asked = study.options(argv, __file__, __doc__, SIZES, learns=True)
    if bool(asked.model) != bool(asked.data) or (asked.size == "full" and not asked.model):
        sys.exit("--model and --data are given together, and size full needs them")
    planned, count, more = SIZES[asked.size]
    worlds = [replace(one, fixed={**one.fixed, **more}) for one in planned]
    if asked.data is not None:
        fixed = real(asked, more)
        worlds.append(
            replace(PASSAGES, name=asked.data.name, fixed=fixed, rates=PASSAGES.name),
        )
    seeds: set[int] = set()
    tables, curves, sweeps = [], [], []
    for world in worlds:
        over = grid_of(world, SWITCHING)
        done = study.within_time(
            asked, world.source, over, range(count), world.fixed, part=world.name
        )
        if not done:
            continue
        seeds.update(done)
        sweeps.append(netsim.open_sweep(asked.out / world.name))
        table, curve = table_of(sweeps[-1], world)
        tables.append(table)
        curves.append(curve)
    if not tables:
        sys.exit(f"{asked.study}: no seed is complete; the same command goes on")
    table = pl.concat(tables, how="diagonal")
    findings.write(
        asked,
        table,
        report(table, worlds),
        draw(pl.concat(curves), worlds),
        seeds=sorted(seeds),
        sweeps=sweeps,
    )


if __name__ == "__main__":
    main()

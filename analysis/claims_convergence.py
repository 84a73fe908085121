"""Claims 1 to 4: rounds, simulated seconds and joules to an accuracy that is kept, against K.

    python analysis/claims_convergence.py [--size small|cpu|full] [--minutes M] [--jobs N] [--out D]

Section V's cell under a round deadline, without which more UEs can only help
(`netsim/docs/claims.md`). The payload is the tensors' own bits on a band narrowed in the same ratio, so that an upload of lower
rank is as much smaller as it really is. Beside the paper's schemes are those that isolate one
mechanism each: the same four modules subscribed to at random, four of rank 8, one adapter of rank
32, Algorithm 2 at full power, and Algorithm 2 that knows losses. Every scheme trains at the rate
that tuning.py found for it at K = 60. Runs are followed to the horizon; those that have not arrived
are censored.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import findings
import numpy as np
import polars as pl
import settings
import study
from settings import PRINTED, RATE, SCHEMES, grid_of
from worlds import CELL, World, outcome

import netsim
from netsim.results.intervals import mean_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPERS = ("model_switching", "fedlora", "hetlora", "flexlora")
ISOLATING = ("random", "random_equal", "fedlora_32", "max_power", "affinity")
EQUAL = {"scheme.bandwidth": ["equal"]}
UES = "ues.count"


@dataclass(frozen=True)
class Phase:
    """Runs that are made seed by seed before those of the next phase."""

    schemes: tuple[str, ...]
    ue_counts: tuple[int, ...]
    equal_shares: bool = False  # of the band, in place of Algorithm 1

    def over(self) -> dict[str, Sequence[Any]]:
        """What is varied beside the schemes."""
        counts: dict[str, Sequence[Any]] = {UES: list(self.ue_counts)}
        return counts | (EQUAL if self.equal_shares else {})


LARGE = {"data.train_samples": [9000], "data.samples_per_ue": [20]}  # of K = 400: rows for all
PHASES = (
    Phase((*PAPERS, "full_parameter"), (60,)),
    Phase(("random", "fedlora_32"), (60,)),
    Phase(("model_switching",), (20, 150)),
    Phase(PAPERS, (20, 150)),
    Phase(("fedlora", "hetlora", "flexlora", "full_parameter"), (60,), equal_shares=True),
    Phase((PRINTED,), (20, 60, 150)),
    Phase(("max_power", "affinity", "random_equal"), (60,)),
    Phase(PAPERS, (400,)),
    Phase((PRINTED,), (400,)),
)
SIZES: dict[str, tuple[tuple[Phase, ...], int, dict[str, Any]]] = {
    "cpu": (PHASES, 10, {}),
    "full": (
        (
            Phase((*PAPERS, "full_parameter", *ISOLATING, PRINTED), (20, 50, 100, 200, 400)),
            Phase((*PAPERS[1:], "full_parameter"), (20, 50, 100, 200, 400), equal_shares=True),
        ),
        20,
        {"rounds": 200, "data.train_samples": 70_000, "data.test_samples": 900},
    ),
    "small": (
        (Phase(("model_switching", "fedlora"), (4, 8)),),
        2,
        {
            "rounds": 2,
            "data.train_samples": 400,
            "data.test_samples": 60,
            "data.samples_per_ue": 20,
            "learning.local_steps": 1,
        },
    ),
}


def grids(world: World, phase: Phase) -> list[dict[str, Sequence[Any]]]:
    """One grid per scheme of the phase."""
    found = []
    for grid in grid_of(world, phase.schemes):
        merged = grid | phase.over()
        found.append(merged | LARGE if phase.ue_counts == (400,) else merged)
    return found


def table_of(found: netsim.Sweep, world: World) -> pl.DataFrame:
    """One row per run that is over: scheme, band, ue_count, seed, rate, and its `outcome`."""
    rows = []
    done = set(found.runs.filter(status="done")["id"])
    for job, told in found.jobs.items():
        if job not in done:
            continue
        over = told["overrides"]
        equal = over.get("scheme.bandwidth") == "equal"
        scheme = settings.scheme_of(over | ({"scheme.bandwidth": "algorithm1"} if equal else {}))
        if not settings.is_current(world, over, scheme):
            continue
        run = found.run(job)
        keys = {
            "scheme": scheme,
            "band": "equal" if equal else "algorithm1",
            "ue_count": over[UES],
            "seed": told["seed"],
            "rate": over[RATE],
        }
        arrivals = run.rounds.select(pl.col("on_time").mean()).collect().item()
        rows.append(keys | outcome(run, world) | {"arrivals_per_round": arrivals})
    ordered = pl.DataFrame(rows, infer_schema_length=None)
    return ordered.sort("scheme", "band", "ue_count", "seed")


def restricted(world: World, level: float) -> pl.Expr:
    """Rounds to a level, the horizon where a run had not arrived."""
    spent = pl.when(f"arrived_{level:g}").then(f"cost_{level:g}").otherwise(world.rounds)
    return spent.cast(pl.Float64)


def needs(table: pl.DataFrame, world: World) -> str:
    """Markdown: what each scheme needs for each K."""
    level = f"{world.target:g}"
    told = table.with_columns(
        needed=restricted(world, world.target), arrived=pl.col(f"arrived_{level}")
    )
    by = ["scheme", "band", "ue_count"]
    means = findings.means(told, by, ["needed", "area", "last", "arrivals_per_round"])
    counts = told.group_by(by).agg(
        pl.format("{} of {}", pl.col("arrived").sum(), pl.len()).alias("arrived"),
        pl.col("rate").first().map_elements(lambda rate: f"{rate:g}", pl.String),
    )
    names = {"scheme": "scheme", "band": "band of baselines", "ue_count": "K", "rate": "rate"}
    names |= {"arrived": "arrived", "needed": "rounds", "area": "mean accuracy", "last": "last"}
    names |= {"arrivals_per_round": "uploads that count, per round"}
    shown = means.join(counts, on=by, maintain_order="left").with_columns(
        pl.col("scheme").replace_strict({name: one.title for name, one in SCHEMES.items()})
    )
    return f"""\
Rounds until {level} was kept for {world.kept} evaluations (restricted mean: a run that has not arrived
counts as the horizon, {world.rounds} rounds, here and in the figure; the verdicts take it as censored), mean
accuracy over the rounds, and that of the last three evaluations; ± is half of the 95% interval over seeds.

{findings.markdown(shown, names)}"""


def draw(table: pl.DataFrame, world: World) -> Figure:
    """Rounds to the target and mean accuracy against K; and at K = 60 each isolated mechanism."""
    import figure_style
    import matplotlib.pyplot as plt

    figure_style.use()
    figure, axes = plt.subplots(
        1, 3, figsize=(figure_style.PAGE_IN, 3.0), layout="constrained", width_ratios=(1, 1, 1.2)
    )
    told = table.with_columns(needed=restricted(world, world.target))
    shared = told.filter(band="algorithm1")
    for panel, value, label in (
        (axes[0], "needed", f"rounds to {world.target:g}, kept"),
        (axes[1], "area", "mean accuracy"),
    ):
        _against_count(panel, shared, value)
        panel.set(xscale="log", xlabel="UEs, K", ylabel=label)
        counts = shared["ue_count"].unique().sort().to_list()
        panel.set_xticks(counts, [str(count) for count in counts])
        panel.minorticks_off()
    _at_one_count(axes[2], told, world)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure


def _against_count(panel: Axes, table: pl.DataFrame, value: str) -> None:
    for number, scheme in enumerate((*PAPERS, PRINTED)):
        mine = findings.means(table.filter(scheme=scheme).sort("ue_count"), ["ue_count"], [value])
        if not len(mine):
            continue
        low, high = (mine[f"{value}_{end}"].fill_null(mine[value]) for end in ("low", "high"))
        panel.errorbar(
            mine["ue_count"] * (1 + 0.03 * (number - 2)),
            mine[value],
            [mine[value] - low, high - mine[value]],
            marker="o",
            markersize=3,
            capsize=2,
            color=f"C{number}",
            label=SCHEMES[scheme].title,
        )


def _at_one_count(panel: Axes, table: pl.DataFrame, world: World) -> None:
    """Every scheme at one K, most rounds at the top."""
    count = world.fixed[UES] if (table["ue_count"] == world.fixed[UES]).any() else 4
    rows = []
    for (scheme, band), own in table.filter(ue_count=count).group_by("scheme", "band"):
        known = mean_interval(own["needed"].to_numpy())
        title = SCHEMES[str(scheme)].title + (", equal shares" if band == "equal" else "")
        rows.append((known.mean, known.low, known.high, title))
    rows.sort(reverse=True)
    mean, low, high = (np.array([row[i] for row in rows]) for i in range(3))
    error = np.nan_to_num(np.array([mean - low, high - mean]))
    at = np.arange(len(rows))[::-1]
    panel.errorbar(mean, at, xerr=error, fmt="o", markersize=3, capsize=2, color="C0")
    panel.set_yticks(at, [row[3] for row in rows], fontsize=6)
    panel.set(xlabel=f"rounds to {world.target:g}, kept; K = {count}")


def main(argv: Sequence[str] | None = None) -> None:
    """Run, tabulate, draw."""
    asked = study.options(argv, __file__, __doc__, SIZES)
    phases, count, more = SIZES[asked.size]
    world = replace(CELL, fixed={**CELL.fixed, **more})
    seeds: set[int] = set()
    for phase in phases:
        one = grids(world, phase)
        seeds.update(
            study.within_time(asked, world.source, one, range(count), world.fixed, part="cell")
        )
    if not seeds:
        sys.exit(f"{asked.study}: no seed is complete; the same command goes on")
    found = netsim.open_sweep(asked.out / "cell")
    table = table_of(found, world)
    text = f"{findings.opening(__doc__ or '')}\n\n{needs(table, world)}"
    findings.write(asked, table, text, draw(table, world), seeds=sorted(seeds), sweeps=[found])


if __name__ == "__main__":
    main()

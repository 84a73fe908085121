"""All schemes beside each other on the built-in task: rounds, seconds and joules to an accuracy of 0.8.

    python analysis/compare_schemes.py [--size small|cpu] [--jobs N] [--out DIR]

The quickstart with K = 50 UEs and N = 4 modules, three seeds, every scheme that is registered. The paper does
not say how its baselines divide the band: each runs with equal shares and with Algorithm 1, at P_max. Every
scheme has the learning rate of its own search (learning_rate.py). `small` shows in seconds that it works.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import curves
import findings
import numpy as np
import polars as pl
import study
from learning_rate import policies, rate_of, with_policy

import netsim
from netsim.schemes.base import scheme_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TARGET = 0.8
SWITCHING = ("model_switching", "greedy", "one_shot", "energy_constrained", "max_power")
BENCHMARKS = {  # what the paper says of Algorithm 2 against them
    "fedlora": "42.7 % saved",
    "full_parameter": "worst in latency",
    "hetlora": "34.1 % saved",
    "flexlora": "5.0 % saved",
}
PAPER = (*SWITCHING, *BENCHMARKS)
COMMON: dict[str, Any] = {"ues.count": 50, "rounds": 20, "data.test_samples": 400}
SIZES: dict[str, tuple[int, dict[str, Any]]] = {
    "cpu": (3, {}),
    "small": (
        2,
        {"rounds": 2, "ues.count": 8, "data.train_samples": 400, "data.test_samples": 60,
         "data.samples_per_ue": 20, "learning.local_steps": 1},
    ),
}  # fmt: skip
SMALL_SCHEMES = ("model_switching", "fedlora", "random")
SHARES = ("outage_share", "late_share", "on_time_share", "energy_j", "uploads")


def others() -> tuple[str, ...]:
    """Schemes beyond the paper's own comparison."""
    return tuple(kind for kind in scheme_names() if kind not in PAPER)


def table(found: netsim.Sweep, grids: Sequence[dict[str, Sequence[Any]]]) -> pl.DataFrame:
    """One row per run of the grids: scheme, bandwidth, learning_rate, seed, what it cost and came to."""
    runs = found.runs.rename(
        {"id": "run", "scheme.kind": "scheme", "learning.learning_rate": "learning_rate"}
    )
    runs = runs.with_columns(pl.col("scheme.bandwidth").fill_null("own").alias("bandwidth"))
    asked = pl.DataFrame(
        [
            {"scheme": over["scheme.kind"][0], "bandwidth": over.get("scheme.bandwidth", ["own"])[0],
             "learning_rate": rate}
            for over in grids
            for rate in over["learning.learning_rate"]
        ]
    )  # fmt: skip
    cost = curves.to_target(curves.accuracy(found), TARGET)
    return (
        asked.join(runs, on=asked.columns, how="left", maintain_order="left_right")
        .join(cost, on="run", how="left")
        .select("run", *asked.columns, "seed", *cost.columns[1:], *SHARES, "rounds_closed", "wall_time_s")
    )


def rows_of(table: pl.DataFrame) -> pl.DataFrame:
    """Means over seeds as text, one row per scheme and policy."""
    rows = []
    for (kind, policy), group in table.group_by("scheme", "bandwidth", maintain_order=True):
        row = {"scheme": kind, "band": policy, "rate": f"{group['learning_rate'][0]:g}"}
        row |= {name: curves.reach(group[name]) for name in curves.COSTS}
        row |= {name: curves.reach(group[name]) for name in ("final_accuracy", "outage_share", "late_share")}
        rows.append(row)
    return pl.DataFrame(rows)


def against_benchmarks(table: pl.DataFrame) -> pl.DataFrame:
    """Rounds that the paper's benchmarks need beyond those of model switching, from pairs of seeds."""
    ours = table.filter(pl.col("scheme") == "model_switching").select("seed", ours="rounds_to_target")
    rows = []
    for kind, claim in BENCHMARKS.items():
        for policy in policies(kind):
            theirs = table.filter((pl.col("scheme") == kind) & (pl.col("bandwidth") == policy))
            pairs = theirs.join(ours, on="seed", maintain_order="left")
            more = curves.reach(pairs["rounds_to_target"] - pairs["ours"])
            rows.append({"benchmark": kind, "band": policy, "more rounds": more, "in the paper": claim})
    return pl.DataFrame(rows)


def report(table: pl.DataFrame, rounds: int, seeds: int) -> str:
    """The Markdown table, and how long the runs took."""
    names = {
        "scheme": "scheme", "band": "band", "rate": "learning rate",
        "rounds_to_target": f"rounds to {TARGET}", "seconds_to_target": "simulated s",
        "joules_to_target": "J", "final_accuracy": "final accuracy", "outage_share": "outage",
        "late_share": "late",
    }  # fmt: skip
    paper = pl.col("scheme").is_in(PAPER)
    spent = [float(table.filter(mine)["wall_time_s"].sum()) / 60 for mine in (paper, ~paper)]
    return f"""# All schemes on the built-in task

K = {COMMON["ues.count"]}, N = 4, {rounds} rounds, {seeds} seeds: mean ± half of the 95% t-interval.
`(2 of 3)`: so many runs reached {TARGET}, and the mean is theirs; `never`: none did. Band: `own` is the
scheme's own allocation, `equal` and `algorithm1` are the two policies of baselines, at P_max. Outage and
late are shares of the uploads begun. The runs of the paper's nine schemes took {spent[0]:.1f} minutes of
one core, the others {spent[1]:.1f}.

{findings.markdown(rows_of(table), names)}

## The paper's order

Rounds to {TARGET} that a benchmark needs beyond model switching, from pairs of runs with the same seed. The
paper's numbers are of SST-2 with RoBERTa, and means over K.

{findings.markdown(against_benchmarks(table))}"""


def draw(found: netsim.Sweep, table: pl.DataFrame) -> Figure:
    """Accuracy against rounds and simulated time, for the paper's system, its benchmarks, and the others."""
    import figure_style
    import matplotlib.pyplot as plt

    figure_style.use()
    curve = curves.accuracy(found)
    figure, axes = plt.subplots(2, 3, figsize=(figure_style.PAGE_IN, 5.6), sharey=True, layout="constrained")
    titles = ("Switching and its variants", "Benchmarks of the paper", "Other schedulers")
    for column, (title, kinds) in enumerate(
        zip(titles, (SWITCHING, tuple(BENCHMARKS), others()), strict=True)
    ):
        for row, against in enumerate(("round", "time_s")):
            _panel(axes[row, column], curve, table, kinds, against)
        axes[0, column].set(title=title, xlabel="round")
        axes[1, column].set(xlabel="simulated time (s)")
        axes[1, column].legend(loc="upper center", bbox_to_anchor=(0.5, -0.28), ncols=2, fontsize=7)
    for row in axes:
        row[0].set_ylabel("test accuracy")
    return figure


def _panel(axes: Axes, curve: pl.DataFrame, table: pl.DataFrame, kinds: Sequence[str], against: str) -> None:
    end = curve[against].max()
    grid = np.arange(end + 1) if against == "round" else np.linspace(0, end, 200)
    for number, kind in enumerate(kinds):
        for policy in policies(kind):
            chosen = table.filter((pl.col("scheme") == kind) & (pl.col("bandwidth") == policy))
            mine = curve.filter(pl.col("run").is_in(chosen["run"].to_list()))
            if not len(mine):  # in small
                continue
            mean, low, high = curves.band(mine, against, grid)
            style = "--" if policy == "algorithm1" else "-"
            label = kind if policy != "algorithm1" else None
            axes.plot(grid, mean, style, color=f"C{number}", label=label)
            axes.fill_between(grid, low, high, color=f"C{number}", alpha=0.12, linewidth=0)
    axes.axhline(TARGET, color="0.6", linewidth=0.8)
    axes.set(ylim=(0.45, 1.0))


def main(argv: Sequence[str] | None = None) -> None:
    asked = study.options(argv, __file__, __doc__, SIZES)
    seeds, more = SIZES[asked.size]
    fixed = {**COMMON, **more}
    grids = [
        with_policy(kind, policy, learning__learning_rate=[rate_of(kind)])
        for kind in (SMALL_SCHEMES if asked.size == "small" else PAPER + others())
        for policy in policies(kind)
    ]
    found = study.sweep(asked, "quickstart", grids, range(seeds), fixed)
    rows = table(found, grids)
    text = report(rows, fixed["rounds"], seeds)
    findings.write(asked, rows.drop("run"), text, draw(found, rows), seeds=range(seeds), sweeps=[found])


if __name__ == "__main__":
    main()

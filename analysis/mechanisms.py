"""What does model switching owe to its ensemble, its ranks, its choice of modules, and losses?

    python analysis/mechanisms.py [--size small|cpu] [--jobs N] [--out DIR]

The quickstart's cell with equal rules for all, in two worlds: labels mean the same to everybody, or
the opposite to half of the UEs (concept shift). Beside each other, each adding one mechanism: one
adapter (of rank 8, of rank 32); four adapters of rank 8 drawn at random for each UE and round; four
of mixed ranks; four that every UE trains; switching that knows no losses, a bound on them, or the
losses themselves (`switch_gap`). Accuracy is that on each UE's own test rows, weighted by samples:
of the ensemble (eq. 3), and of the module that each UE has chosen on its validation rows. The ratio
is that of the rounds to 0.75, kept for three evaluations, to those of one adapter of rank 8, from
pairs of runs with the same seed; runs that do not arrive are not counted as their last round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import figure_style
import findings
import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import study
from matplotlib.figure import Figure

import netsim
from netsim.results.cost_contrast import compare_costs
from netsim.results.intervals import mean_interval
from netsim.results.targets import sustained_costs

SHARE = "data.partition.concept_share"
TARGET = 0.75
EVERYBODY = 1_000_000  # UEs per round
LAST = 3  # evaluations that the accuracy at the end is the mean of
RULES: dict[str, Any] = {
    "learning.evaluate_in_full": True,
    "round.compute_limit_s": 30.0,
    "round.deadline_s": 60.0,
    "data.train_samples": 6000,
}
TINY = {"rounds": 1, "ues.count": 6, "data.train_samples": 500, "data.test_samples": 40}
SIZES: dict[str, tuple[tuple[float, ...], int, dict[str, Any]]] = {
    "small": ((0.5,), 2, TINY),
    "cpu": ((0.0, 0.5), 6, {"rounds": 25, "ues.count": 20}),
}  # shares of UEs with turned labels, seeds, overrides


@dataclass(frozen=True)
class Mechanism:
    """A scheme with parameters, and what it has that the one before has not."""

    name: str
    overrides: dict[str, Any]


def _drawn(modules: int, **more: Any) -> dict[str, Any]:
    return {
        "scheme.kind": "random",
        "scheme.ues_per_round": EVERYBODY,
        "scheme.modules_per_ue": modules,
        **more,
    }


def _switching(gap: str) -> dict[str, Any]:
    return {"scheme.kind": "model_switching", "scheme.switch_gap": gap}


MECHANISMS = (
    Mechanism("one adapter, rank 8", {"scheme.kind": "fedlora", "scheme.rank": 8}),
    Mechanism("one adapter, rank 32", {"scheme.kind": "fedlora", "scheme.rank": 32}),
    Mechanism("four at random, rank 8", _drawn(1, **{"scheme.equal_rank": 8})),
    Mechanism("four at random, ranks 4 to 32", _drawn(1)),
    Mechanism("four trained by everybody", _drawn(4)),
    Mechanism("switching without losses", _switching("none")),
    Mechanism("switching by a bound", _switching("bound")),
    Mechanism("switching by losses", _switching("affinity")),
)


def runs_of(
    asked: study.Options,
    number: int,
    shares: Sequence[float],
) -> tuple[netsim.Sweep, dict[float, list[netsim.Run]]]:
    """The runs of a mechanism in each world, in the order of their seeds."""
    _, seeds, more = SIZES[asked.size]
    mechanism = MECHANISMS[number]
    fixed = {**RULES, **more, **mechanism.overrides}
    found = study.sweep(
        asked, "quickstart", {SHARE: list(shares)}, range(seeds), fixed, part=f"mechanism-{number}"
    )
    by_world = {}
    for share in shares:
        rows = found.runs.filter(pl.col(SHARE) == share).sort("seed")
        by_world[share] = [found.run(job) for job in rows["id"]]
    return found, by_world


def at_the_end(run: netsim.Run, target: str, column: str) -> float:
    """Mean of the last evaluations on the UEs' own rows."""
    curve = run.own_curve(target).collect()
    return float(curve[column].tail(LAST).mean())  # type: ignore[arg-type]


def row(
    name: str, share: float, runs: Sequence[netsim.Run], first: Sequence[netsim.Run]
) -> dict[str, Any]:
    """One line of the table."""
    line: dict[str, Any] = {"mechanism": name, "concept_share": share, "seeds": len(runs)}
    for target in ("ensemble", "best"):
        for column in ("accuracy", "worst_decile"):
            values = np.array([at_the_end(run, target, column) for run in runs])
            found = mean_interval(values)
            line[f"{target}_{column}"] = found.mean
            line[f"{target}_{column}_low"] = found.low
            line[f"{target}_{column}_high"] = found.high
    costs = [
        sustained_costs(each, TARGET, "round", target="best", own=True) for each in (runs, first)
    ]
    contrast = compare_costs(*costs)
    line["arrived"] = sum(cost.arrived for cost in costs[0])
    line["ratio"] = contrast.ratio
    line["ratio_low"] = contrast.low
    line["ratio_high"] = contrast.high
    line["cheaper"] = contrast.first_cheaper
    line["dearer"] = contrast.second_cheaper
    return line


def draw(last: pl.DataFrame) -> Figure:
    """Distribution over UEs of the accuracy at the end, a panel per world."""
    figure_style.use()
    worlds = last["concept_share"].unique().sort().to_list()
    figure, axes = plt.subplots(
        1,
        len(worlds),
        figsize=(figure_style.PAGE_IN, 2.8),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for panel, share in zip(axes[0], worlds, strict=True):
        for mechanism in MECHANISMS:
            mine = last.filter(concept_share=share, mechanism=mechanism.name)["best"].sort()
            panel.step(mine, np.arange(1, len(mine) + 1) / len(mine), label=mechanism.name)
        panel.set(
            xlabel="accuracy on a UE's own rows, its best module",
            title=f"labels turned for {share:.0%} of the UEs",
        )
    axes[0][0].set_ylabel("share of the UEs")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def main(argv: Sequence[str] | None = None) -> None:
    """Run, compare, tabulate, draw."""
    asked = study.options(argv, __file__, __doc__, SIZES)
    shares, count, _ = SIZES[asked.size]
    rows, last, sweeps = [], [], []
    first: dict[float, list[netsim.Run]] = {}
    for number, mechanism in enumerate(MECHANISMS):
        found, by_world = runs_of(asked, number, shares)
        first = first or by_world
        sweeps.append(found)
        for share, runs in by_world.items():
            rows.append(row(mechanism.name, share, runs, first[share]))
            for run in runs:
                ues = run.own_distribution().select("best").collect()
                last.append(
                    ues.with_columns(mechanism=pl.lit(mechanism.name), concept_share=pl.lit(share))
                )
    frame = pl.DataFrame(rows, infer_schema_length=None)
    text = f"{findings.opening(__doc__)}\n\n{findings.markdown(frame)}"
    figure = draw(pl.concat(last))
    findings.write(asked, frame, text, figure, seeds=range(count), sweeps=sweeps)


if __name__ == "__main__":
    main()

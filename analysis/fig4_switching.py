"""Fig. 4: accuracy against rounds of Algorithm 2, greedy, one-shot and energy-constrained
switching.

    python analysis/fig4_switching.py [--size small|cpu|full] [--jobs N] [--out DIR] [--model D
    --data D]

The paper's Section V (topologies/paper.toml) on sentence pairs: the built-in passages stand for
QNLI, which asks the same question (does this sentence answer it?); `full` needs --model and --data
with QNLI and a GPU. Algorithm 2, greedy and one-shot have mu = 0, as the energy-constrained curve
is the one with a price. All four run with the corrected formulas and with every formula as printed,
at the learning rates found with the corrected ones. Seeds are common to all, so that differences of
accuracy are of pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import curves
import findings
import numpy as np
import polars as pl
import study
from learning_rate import SWITCHING, rate_of

import netsim

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MU = {"model_switching": 0.0, "greedy": 0.0, "one_shot": 0.0, "energy_constrained": 1e6}
PAPER = {"greedy": "+1.3", "one_shot": "+1.9", "energy_constrained": "+0.9"}  # of claims 8 and 9
FORMULAS = {"corrected": "corrected", "paper": "as printed"}
LAST = 5  # rounds whose mean is the final accuracy
COMMON: dict[str, Any] = {
    "data.task": "passages",
    "scheme": {},  # parameters that not every scheme has; they are the defaults
}
SIZES: dict[str, tuple[int, dict[str, Any]]] = {
    "cpu": (
        5,
        {
            "rounds": 16,
            "devices.0.samples_min": 4,
            "devices.0.samples_max": 4,
            "data.test_samples": 400,
        },
    ),
    "full": (10, {"rounds": 200, "data.train_samples": 100_000, "data.test_samples": 6000}),
    "small": (
        2,
        {
            "rounds": 2,
            "ues.count": 8,
            "data.train_samples": 400,
            "data.test_samples": 60,
            "data.samples_per_ue": 20,
            "learning.local_steps": 1,
        },
    ),
}


READING = """

Corrected: at the end all four are equally good within their intervals. The passages are learnt to 0.95, their
ceiling, whichever way UEs switch, since any module that enough UEs work on learns the task. Before that the
constrained scheme is behind in every seed (all rounds), and greedy is ahead in the mean; its searched rate is
0.01, that of the others 0.003, and the search (one seed) hardly tells the two apart.

As printed there is hardly anything to compare: the rule sends UEs where their uplink is least likely to
arrive, and with mu = 0 nobody switches after round 2. Greedy and one-shot then have the modules of
Algorithm 2, and the difference from greedy is that of the learning rates. Only a price of energy keeps UEs
switching.
"""


def moves(found: netsim.Sweep) -> pl.DataFrame:
    """Per run and round, shares of UEs (one module each).

    `switched`: who left the module of the round before; `alike`: who has the module that Algorithm
    2 gives them with the same formulas and seed.
    """
    keys = ["run", "formulas", "scheme.kind", "seed", "round", "ue", "module"]
    had = found.table("subscriptions").filter("subscribed").select(keys).collect()

    def same(other: pl.DataFrame, on: list[str]) -> pl.DataFrame:
        pairs = had.join(other, on=on, suffix="_other")
        equal = (pl.col("module") == pl.col("module_other")).mean()
        return pairs.group_by("run", "round").agg(alike=equal, switched=1 - equal)

    stayed = same(had.with_columns(pl.col("round") + 1), ["run", "round", "ue"])
    alike = same(
        had.filter(pl.col("scheme.kind") == SWITCHING[0]), ["formulas", "seed", "round", "ue"]
    )
    return alike.drop("switched").join(stayed.drop("alike"), on=["run", "round"], how="left")


def scores(table: pl.DataFrame) -> pl.DataFrame:
    """Per run: mean accuracy `final` of the last rounds and `whole` of all; `moves` from round 3
    on.
    """
    return (
        table.sort("formulas", "scheme", "seed", "round")
        .group_by("formulas", "scheme", "seed", maintain_order=True)
        .agg(
            final=pl.col("accuracy").tail(LAST).mean(),
            whole=pl.col("accuracy").mean(),
            switched=pl.col("switched").filter(pl.col("round") > 2).mean(),
            alike=pl.col("alike").filter(pl.col("round") > 2).mean(),
        )
    )


def differences(table: pl.DataFrame) -> pl.DataFrame:
    """Algorithm 2 minus each variant in points (0.01 of accuracy), from pairs of seeds."""
    score = scores(table)
    ours = score.filter(pl.col("scheme") == "model_switching")
    pairs = score.join(ours, on=["formulas", "seed"], suffix="_ours", maintain_order="left").filter(
        pl.col("scheme") != "model_switching"
    )
    apart = pairs.with_columns(
        (100 * (pl.col(f"{name}_ours") - pl.col(name))).alias(name) for name in ("final", "whole")
    )
    found = findings.means(apart, ["formulas", "scheme"], ["final", "whole"])
    return found.with_columns(pl.col("scheme").replace_strict(PAPER).alias("paper"))


def report(table: pl.DataFrame, ues: int, reading: str = "") -> str:
    """Accuracies and paired differences."""
    score = scores(table).with_columns(pl.col("switched", "alike") * 100)
    means = findings.means(score, ["formulas", "scheme"], ["final", "whole", "switched", "alike"])
    told = pl.col("formulas").replace_strict(FORMULAS)
    means, apart = (found.with_columns(told) for found in (means, differences(table)))
    keys = {"formulas": "formulas", "scheme": "scheme"}
    names = keys | {"final": f"last {LAST} rounds", "whole": "all rounds"}
    return f"""# Fig. 4: switching schemes

Section V's system, {ues} UEs, {table["round"].max()} rounds, built-in passages (or the data named below) for
QNLI. Test accuracy of the ensemble, mean over {table["seed"].n_unique()} seeds ± half of the 95% t-interval:
of the last {LAST} rounds, and of all rounds, where faster learning shows. UEs that switch were with another
module in the round before, UEs alike have the module that Algorithm 2 gives them with the same seed; both are
counted from round 3 on, as round 1 deals the modules out in turn.

{findings.markdown(means, names | {"switched": "UEs that switch, %", "alike": "UEs alike, %"})}

Algorithm 2 (mu = 0) minus the scheme, in points of accuracy (0.01), from pairs of runs with the same seed.

{findings.markdown(apart, names | {"final_seeds": "pairs", "paper": "the paper's final"})}{reading}"""


def draw(table: pl.DataFrame) -> Figure:
    """Accuracy against rounds with bands; below, paired differences from Algorithm 2; formulas in
    columns.
    """
    import figure_style
    import matplotlib.pyplot as plt

    figure_style.use()
    figure, axes = plt.subplots(
        2,
        len(FORMULAS),
        figsize=(figure_style.PAGE_IN, 4.4),
        height_ratios=(2, 1),
        layout="constrained",
        sharex=True,
        sharey="row",
    )
    rounds = np.arange(table["round"].max() + 1)

    def plot(panel: Axes, curve: pl.DataFrame, number: int, label: str = "") -> None:
        mean, low, high = curves.band(curve.rename({"seed": "run"}), "round", rounds)
        panel.plot(rounds, mean, color=f"C{number}", label=label)
        panel.fill_between(rounds, low, high, color=f"C{number}", alpha=0.15, linewidth=0)

    for (formulas, title), (upper, lower) in zip(FORMULAS.items(), axes.T, strict=True):
        mine = table.filter(pl.col("formulas") == formulas)
        wide = mine.pivot("scheme", index=["seed", "round"], values="accuracy").sort(
            "seed", "round"
        )
        for number, kind in enumerate(SWITCHING):
            plot(upper, mine.filter(pl.col("scheme") == kind), number, kind.replace("_", " "))
            if kind != SWITCHING[0]:
                plot(lower, wide.with_columns(accuracy=pl.col(SWITCHING[0]) - pl.col(kind)), number)
        upper.set(title=f"formulas {title}", ylim=(0.4, 1.0))
        lower.axhline(0, color="0.4", linewidth=0.8)
        lower.xaxis.get_major_locator().set_params(integer=True)
        lower.set(xlabel="round")
    axes[0, 0].set(ylabel="test accuracy")
    axes[0, 0].legend(loc="lower right")
    axes[1, 0].set(ylabel="model switching\nminus variant")
    return figure


def main(argv: Sequence[str] | None = None) -> None:
    asked = study.options(argv, __file__, __doc__, SIZES, learns=True)
    seeds, more = SIZES[asked.size]
    fixed = {**COMMON, **more, **asked.learned}
    grids = [
        {
            "formulas": list(FORMULAS),
            "scheme.kind": [kind],
            "scheme.mu": [MU[kind]],
            "learning.learning_rate": [rate_of(kind, "passages")],
        }
        for kind in SWITCHING
    ]
    found = study.sweep(
        asked, study.HERE.parent / "topologies" / "paper.toml", grids, range(seeds), fixed
    )
    moved = moves(found)
    curve = curves.accuracy(found).join(
        moved, on=["run", "round"], how="left", maintain_order="left"
    )
    table = curve.select(
        "formulas",
        pl.col("scheme.kind").alias("scheme"),
        pl.col("scheme.mu").alias("mu"),
        "seed",
        "round",
        "time_s",
        "energy_j",
        "accuracy",
        "switched",
        "alike",
        pl.col("learning.learning_rate").alias("learning_rate"),
        pl.lit(asked.model.name if asked.model else "built-in").alias("model"),
        pl.lit(asked.data.name if asked.data else "built-in").alias("data"),
    )
    text = report(table, fixed.get("ues.count", 100), READING if asked.size == "cpu" else "")
    findings.write(asked, table, text, draw(table), seeds=range(seeds), sweeps=[found])


if __name__ == "__main__":
    main()

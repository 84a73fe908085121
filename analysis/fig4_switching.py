"""Fig. 4: accuracy against rounds of Algorithm 2, greedy, one-shot and energy-constrained switching.

    python analysis/fig4_switching.py [--size small|cpu|full] [--jobs N] [--out DIR] [--model D --data D]

The paper's Section V (topologies/paper.toml) on sentence pairs: the built-in passages stand for QNLI, which
asks the same question (does this sentence answer it?); `full` needs --model and --data with QNLI and a GPU.
Algorithm 2, greedy and one-shot have mu = 0, as the energy-constrained curve is the one with a price. Seeds
are common to all four, so that differences of accuracy are of pairs.
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

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MU = {"model_switching": 0.0, "greedy": 0.0, "one_shot": 0.0, "energy_constrained": 1e6}
PAPER = {"greedy": "+1.3", "one_shot": "+1.9", "energy_constrained": "+0.9"}  # of claims 8 and 9
LAST = 5  # rounds whose mean is the final accuracy
COMMON: dict[str, Any] = {
    "data.task": "passages",
    "scheme": {},  # parameters that not every scheme has; they are the defaults
}
SIZES: dict[str, tuple[int, dict[str, Any]]] = {
    "cpu": (
        5,
        {"rounds": 16, "devices.0.samples_min": 4, "devices.0.samples_max": 4, "data.test_samples": 400},
    ),
    "full": (10, {"rounds": 200, "data.train_samples": 100_000, "data.test_samples": 6000}),
    "small": (
        2,
        {"rounds": 2, "ues.count": 8, "data.train_samples": 400, "data.test_samples": 60,
         "data.samples_per_ue": 20, "learning.local_steps": 1},
    ),
}  # fmt: skip


READING = """

At the end all four are equally good within their intervals: the lead over one-shot and over the constrained
scheme has the paper's sign and is smaller, and there is none over greedy. The passages are learnt to 0.95,
their ceiling, whichever way UEs switch, since any module that enough UEs work on learns it. Before that
the constrained scheme is behind in every seed (all rounds), and greedy is ahead in the mean; its searched
rate is 0.01, that of the others 0.003, and the search (one seed) hardly tells the two apart.
"""


def scores(table: pl.DataFrame) -> pl.DataFrame:
    """Per run: `final`, the mean accuracy of the last rounds, and `whole`, of all: how fast it came."""
    return (
        table.sort("scheme", "seed", "round")
        .group_by("scheme", "seed", maintain_order=True)
        .agg(final=pl.col("accuracy").tail(LAST).mean(), whole=pl.col("accuracy").mean())
    )


def differences(table: pl.DataFrame) -> pl.DataFrame:
    """Algorithm 2 minus each variant in points (0.01 of accuracy), from pairs of seeds."""
    score = scores(table)
    ours = score.filter(pl.col("scheme") == "model_switching")
    pairs = score.join(ours, on="seed", suffix="_ours", maintain_order="left").filter(
        pl.col("scheme") != "model_switching"
    )
    apart = pairs.with_columns(
        (100 * (pl.col(f"{name}_ours") - pl.col(name))).alias(name) for name in ("final", "whole")
    )
    found = findings.means(apart, ["scheme"], ["final", "whole"])
    return found.with_columns(pl.col("scheme").replace_strict(PAPER).alias("paper"))


def report(table: pl.DataFrame, ues: int, reading: str = "") -> str:
    """Accuracies and paired differences."""
    means = findings.means(scores(table), ["scheme"], ["final", "whole"])
    apart = differences(table)
    names = {"scheme": "scheme", "final": f"last {LAST} rounds", "whole": "all rounds"}
    return f"""# Fig. 4: switching schemes

Section V's system, {ues} UEs, {table["round"].max()} rounds, built-in passages (or the data named below) for
QNLI. Test accuracy of the ensemble, mean over {table["seed"].n_unique()} seeds ± half of the 95% t-interval:
of the last {LAST} rounds, and of all rounds, where faster learning shows.

{findings.markdown(means, names)}

Algorithm 2 (mu = 0) minus the scheme, in points of accuracy (0.01), from pairs of runs with the same seed.

{findings.markdown(apart, names | {"final_seeds": "pairs", "paper": "the paper's final"})}{reading}"""


def draw(table: pl.DataFrame) -> Figure:
    """Accuracy against rounds with bands; below, paired differences from Algorithm 2."""
    import figure_style
    import matplotlib.pyplot as plt

    figure_style.use()
    figure, axes = plt.subplots(
        2, 1, figsize=(figure_style.COLUMN_IN, 4.6), height_ratios=(2, 1), sharex=True, layout="constrained"
    )
    rounds = np.arange(table["round"].max() + 1)
    wide = table.pivot("scheme", index=["seed", "round"], values="accuracy").sort("seed", "round")
    for number, kind in enumerate(SWITCHING):
        mine = table.filter(pl.col("scheme") == kind).rename({"seed": "run"})
        mean, low, high = curves.band(mine, "round", rounds)
        axes[0].plot(rounds, mean, color=f"C{number}", label=kind.replace("_", " "))
        axes[0].fill_between(rounds, low, high, color=f"C{number}", alpha=0.15, linewidth=0)
        if kind != SWITCHING[0]:
            apart = wide.select(
                pl.col("seed").alias("run"), "round", accuracy=pl.col(SWITCHING[0]) - pl.col(kind)
            )
            mean, low, high = curves.band(apart, "round", rounds)
            axes[1].plot(rounds, mean, color=f"C{number}")
            axes[1].fill_between(rounds, low, high, color=f"C{number}", alpha=0.15, linewidth=0)
    axes[0].set(ylabel="test accuracy", ylim=(0.4, 1.0))
    axes[0].legend(loc="lower right")
    axes[1].axhline(0, color="0.4", linewidth=0.8)
    axes[1].xaxis.get_major_locator().set_params(integer=True)
    axes[1].set(xlabel="round", ylabel="model switching\nminus variant")
    return figure


def main(argv: Sequence[str] | None = None) -> None:
    asked = study.options(argv, __file__, __doc__, SIZES, learns=True)
    seeds, more = SIZES[asked.size]
    fixed = {**COMMON, **more, **asked.learned}
    grids = [
        {
            "scheme.kind": [kind],
            "scheme.mu": [MU[kind]],
            "learning.learning_rate": [rate_of(kind, "passages")],
        }
        for kind in SWITCHING
    ]
    found = study.sweep(asked, study.HERE.parent / "topologies" / "paper.toml", grids, range(seeds), fixed)
    table = curves.accuracy(found).select(
        pl.col("scheme.kind").alias("scheme"), pl.col("scheme.mu").alias("mu"), "seed", "round", "time_s",
        "energy_j", "accuracy", pl.col("learning.learning_rate").alias("learning_rate"),
        pl.lit(asked.model.name if asked.model else "built-in").alias("model"),
        pl.lit(asked.data.name if asked.data else "built-in").alias("data"),
    )  # fmt: skip
    text = report(table, fixed.get("ues.count", 100), READING if asked.size == "cpu" else "")
    findings.write(asked, table, text, draw(table), seeds=range(seeds), sweeps=[found])


if __name__ == "__main__":
    main()

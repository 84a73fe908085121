"""Fig. 2: rounds, simulated seconds and joules to a target accuracy against the number of UEs.

    python analysis/fig2_convergence.py [--size small|cpu|full] [--jobs N] [--out DIR] [--model D
    --data D]

Model switching, FedLoRA, full-parameter training, HetLoRA and FlexLoRA under a round deadline,
without which more UEs can only help (docs/model/events.md). Section V's system, but for the payload: the
tensors' own bits on a band narrowed in the same ratio, so that uploads of lower rank are as large
as they really are. Baselines run with equal shares and with Algorithm 1, at P_max; model switching
runs once more with every formula as printed. The built-in reviews stand for SST-2; with --model and
--data, `cpu` adds real SST-2 at one K, and `full` (a GPU) does the whole grid on it. Runs end at
the target.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import curves
import findings
import polars as pl
import study
from learning_rate import BASELINE_POLICIES, POLICIES, policies, rate_of, with_policy

import netsim
from netsim.learning.model_shape import read_shape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRINTED = "model_switching_printed"  # model switching with every formula as the paper prints it
SCHEMES = ("model_switching", "fedlora", "hetlora", "flexlora", "full_parameter", PRINTED)
SMALL_SCHEMES = ("model_switching", "fedlora", "full_parameter", PRINTED)
ROBERTA_BITS, ROBERTA_HZ = 28_385_344, 1e9  # an upload of rank 8 in Section V, and its band W
BUILTIN = (3, 128)  # layers and width of the built-in encoder
COMMON: dict[str, Any] = {
    "modules": [{"rank": 4}, {"rank": 8}, {"rank": 16}, {"rank": 32}],
    "model": {},  # sizes on the air are the model's own
    "scheme": {},  # parameters that not every scheme has; they are the defaults
    "devices.0.samples_min": 4,
    "devices.0.samples_max": 4,
    "round.deadline_s": 1.0,
}


@dataclass(frozen=True)
class Size:
    """What a size of the study runs."""

    ue_counts: tuple[int, ...]
    seeds: int
    target: float
    more: dict[str, Any]


SIZES = {
    "cpu": Size((20, 60, 150, 400), 5, 0.8, {"rounds": 20, "data.test_samples": 300}),
    "full": Size(
        (20, 50, 100, 150, 200, 300, 400),
        10,
        0.85,
        {"rounds": 200, "data.train_samples": 70_000, "data.test_samples": 900},
    ),
    "small": Size(
        (4, 8),
        2,
        0.55,
        {
            "rounds": 2,
            "data.train_samples": 400,
            "data.test_samples": 60,
            "data.samples_per_ue": 20,
            "learning.local_steps": 1,
        },
    ),
}
REAL = Size((100,), 4, 0.8, {"rounds": 30, "data.train_samples": 8000, "data.test_samples": 400})


def bandwidth_hz(layers: int, hidden: int) -> float:
    """W in Section V's ratio to an upload of rank 8: A and B of query and value, and the head, in
    32 bit.
    """
    adapter, head = layers * 2 * 8 * 2 * hidden, hidden**2 + 3 * hidden + 2
    return ROBERTA_HZ * 32 * (adapter + head) / ROBERTA_BITS


def run(
    asked: study.Options, size: Size, kinds: Sequence[str], learned: dict[str, Any]
) -> tuple[pl.DataFrame, netsim.Sweep]:
    """One row per run, as claims.py reads them."""
    real = bool(learned)
    shape = read_shape(asked.model) if asked.model and real else None
    fixed = (
        COMMON
        | size.more
        | learned
        | {
            "stop.target_accuracy": size.target,
            "radio.bandwidth_hz": bandwidth_hz(shape.layers, shape.hidden)
            if shape
            else bandwidth_hz(*BUILTIN),
        }
    )
    grids = [
        with_policy(
            kind, policy, ues__count=size.ue_counts, learning__learning_rate=[rate_of(kind)]
        )
        for kind in kinds
        if kind != PRINTED
        for policy in policies(kind)
    ]
    if PRINTED in kinds:
        grids.append(grids[0] | {"formulas": ["paper"]})  # of model switching
    source = study.HERE.parent / "topologies" / "paper.toml"
    found = study.sweep(
        asked, source, grids, range(size.seeds), fixed, part="real" if real else "built-in"
    )
    cost = curves.to_target(curves.accuracy(found), size.target)
    scheme = pl.col("scheme.kind")
    if PRINTED in kinds:
        scheme = pl.when(pl.col("formulas") == "paper").then(pl.lit(PRINTED)).otherwise(scheme)
    runs = found.runs.join(cost, left_on="id", right_on="run", how="left")
    table = runs.select(
        scheme.alias("scheme"),
        pl.col("scheme.bandwidth").fill_null("own").alias("bandwidth"),
        pl.col("ues.count").alias("ue_count"),
        "seed",
        pl.lit(size.target).alias("target"),
        pl.lit(fixed["rounds"]).alias("rounds"),
        *cost.columns[1:],
        (pl.col("simulated_s") / pl.col("rounds_closed")).alias("round_s"),
        "on_time_share",
        (pl.col("on_time_share").fill_null(0) * pl.col("uploads") / pl.col("rounds_closed")).alias(
            "arrivals_per_round"
        ),
        pl.col("learning.learning_rate").alias("learning_rate"),
        pl.lit(asked.model.name if asked.model and real else "built-in").alias("model"),
        pl.lit(asked.data.name if asked.data and real else "built-in").alias("data"),
        "wall_time_s",
    )
    return table, found


def report(table: pl.DataFrame) -> str:
    """Rounds, seconds and joules to the target, one row per model, scheme, policy and K."""
    rows = []
    by = ["data", "scheme", "bandwidth", "ue_count"]
    for key, group in table.sort(by).group_by(by, maintain_order=True):
        row = dict(zip(("data", "scheme", "band", "K"), key, strict=True))
        row |= {"arrivals per round": curves.reach(group["arrivals_per_round"])}
        row |= {name.removesuffix("_to_target"): curves.reach(group[name]) for name in curves.COSTS}
        rows.append(row | {"final accuracy": curves.reach(group["final_accuracy"])})
    limits = table.group_by("data").agg(pl.col("rounds").max()).sort("data")
    within = ", ".join(f"{rounds} ({data})" for data, rounds in limits.iter_rows())
    levels = ", ".join(f"{t:g}" for t in table["target"].unique().sort())
    return f"""# Fig. 2: convergence against the number of UEs

Rounds, simulated seconds and joules until the accuracy first reached {levels}: mean over seeds ± half of the
95% t-interval. `(3 of 5)`: so many runs reached it, and the mean is theirs; `never`: none did within
{within} rounds. The figure and the claims count such runs with their last round; a hollow
point is a lower bound. Deadline {COMMON["round.deadline_s"]} s. Runs end at the target. Learning rates are
those of [learning_rate](learning_rate-cpu.md), found on the built-in task; real data runs with the same.

{findings.markdown(pl.DataFrame(rows))}"""


def draw(table: pl.DataFrame) -> Figure:
    """Rounds, seconds and arrivals per round against K, for each policy of the baselines."""
    import figure_style
    import matplotlib.pyplot as plt

    figure_style.use()
    figure, axes = plt.subplots(
        2, 3, figsize=(figure_style.PAGE_IN, 4.8), sharex=True, sharey="col", layout="constrained"
    )
    shown = {
        "arrivals_per_round": "uploads that count per round",
        "needed": "rounds to target",
        "seconds_needed": "simulated s to target",
    }
    seconds = pl.col("needed") * pl.col("round_s")
    table = curves.counted(table).with_columns(
        pl.col("seconds_to_target").fill_null(seconds).alias("seconds_needed")
    )
    for row, policy in enumerate(BASELINE_POLICIES):
        for number, kind in enumerate(SCHEMES):
            mine = table.filter(
                (pl.col("scheme") == kind) & pl.col("bandwidth").is_in([policy, "own"])
            )
            if not len(mine):  # in small
                continue
            means = findings.means(mine.sort("ue_count"), ["ue_count"], list(shown))
            for panel, metric in zip(axes[row], shown, strict=True):
                known = means.drop_nulls(metric)
                low, high = (
                    known[f"{metric}_{end}"].fill_null(known[metric]) for end in ("low", "high")
                )
                panel.errorbar(
                    known["ue_count"] * (1 + 0.02 * (number - 2)),
                    known[metric],
                    [known[metric] - low, high - known[metric]],
                    marker="o",
                    markersize=3,
                    capsize=2,
                    color=f"C{number}",
                    label=kind.replace("_", " "),
                )
                late = mine.filter(pl.col("rounds_to_target").is_null())["ue_count"].implode()
                part = known.filter(
                    pl.col("ue_count").is_in(late) & (metric != "arrivals_per_round")
                )
                panel.plot(
                    part["ue_count"] * (1 + 0.02 * (number - 2)),
                    part[metric],
                    "o",
                    markersize=3,
                    color=f"C{number}",
                    markerfacecolor="white",
                    zorder=3,
                )
        for panel, name in zip(axes[row], shown.values(), strict=True):
            title = f"baselines with {POLICIES[policy]}" if panel is axes[row, 0] else ""
            panel.set(xscale="log", ylabel=name, title=title, ylim=(0, None))
    counts = sorted(table["ue_count"].unique())
    for panel in axes[1]:
        panel.set(xlabel="UEs, K")
        panel.set_xticks(counts, [str(count) for count in counts])
        panel.minorticks_off()
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def main(argv: Sequence[str] | None = None) -> None:
    asked = study.options(argv, __file__, __doc__, SIZES, learns=True)
    size, full = SIZES[asked.size], asked.size == "full"
    if bool(asked.model) != bool(asked.data) or (full and not asked.model):
        sys.exit("--model and --data are given together, and size full needs them")
    kinds = SMALL_SCHEMES if asked.size == "small" else SCHEMES
    table, found = run(asked, size, kinds, asked.learned if full else {})
    whole, sweeps = table, [found]
    if asked.learned and not full:
        real, found = run(asked, REAL, SCHEMES[:2], asked.learned)
        whole, sweeps = pl.concat([table, real]), [*sweeps, found]
    path = findings.write(
        asked, table, report(whole), draw(table), seeds=range(size.seeds), sweeps=sweeps
    )
    if len(sweeps) > 1:
        real.write_parquet(path.with_name(f"{path.stem}-real.parquet"))


if __name__ == "__main__":
    main()

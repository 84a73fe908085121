"""All schemes beside each other on the built-in task: rounds, seconds, joules and bits to an accuracy
of 0.8.

    python analysis/compare_schemes.py [--size small|cpu] [--jobs N] [--minutes M] [--out DIR]

The quickstart with K = 20 UEs and N = 4 modules, five seeds, every scheme that is registered, an
outside package's too. The paper does not say how its baselines divide the band: they run with equal
shares and with Algorithm 1, at P_max; all others that leave the choice with equal shares. Schemes
that tuning.py has searched in the world `cell` have that rate, others on one common adapter that of
FedLoRA, and the rest the scenario's own. `small` shows in seconds that it works.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import curves
import figure_style
import findings
import numpy as np
import polars as pl
import study
from settings import tuned

import netsim
from netsim.assembly.parts import build_scheme
from netsim.plugins import parameters
from netsim.schemes.base import scheme_class, scheme_names

if TYPE_CHECKING:
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
COMMON: dict[str, Any] = {
    "ues.count": 20,
    "rounds": 20,
    "data.test_samples": 400,
    "downlink.cache": True,  # so that no scheme hears what has not changed
}
SIZES: dict[str, tuple[int, dict[str, Any]]] = {
    "cpu": (5, {}),
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
POLICIES = {"own": "own allocation", "equal": "equal shares", "algorithm1": "Algorithm 1"}
BASELINE_POLICIES = ("equal", "algorithm1")  # how baselines divide the band (baselines.md)
SMALL_SCHEMES = ("model_switching", "fedlora", "random")
COLUMNS = 4
COLOUR = {"own": "C0", "equal": "C1", "algorithm1": "C2"}
BITS = ("down_mbit_to_target", "up_mbit_to_target")
PAIRED = ("rounds_to_target", "seconds_to_target", "joules_to_target", *BITS)
AGAINST = ("fedlora", "equal")
SHARES = ("outage_share", "late_share", "on_time_share", "energy_j", "uploads")


def policies(kind: str) -> tuple[str, ...]:
    """How a scheme divides the band here: the paper's baselines in both ways, others in one."""
    shared = any(p.name == "bandwidth" for p in parameters(scheme_class(kind)))
    if not shared:
        return ("own",)
    return BASELINE_POLICIES if kind in BENCHMARKS else BASELINE_POLICIES[:1]


def with_policy(kind: str, policy: str) -> dict[str, Sequence[Any]]:
    """One grid: a scheme under a policy, at its rate."""
    over: dict[str, Sequence[Any]] = {"scheme.kind": [kind]}
    if policy != "own":
        over["scheme.bandwidth"] = [policy]
    return over | {"learning.learning_rate": [rate_of(kind)]}


def rate_of(kind: str) -> float:
    """The rate that was searched for a scheme or, where it has one adapter, for FedLoRA."""
    scenario = netsim.load_scenario("quickstart")
    configured = [module.rank for module in scenario.modules]
    chosen, usual = tuned(), scenario.learning.learning_rate
    if ("cell", kind) in chosen:
        return chosen["cell", kind]
    scheme = build_scheme(netsim.load_scenario("quickstart", {"scheme.kind": kind}))
    ranks = scheme.ranks(configured)
    alike = len(ranks) == 1 and ranks[0] > 0
    return chosen.get(("cell", "fedlora"), usual) if alike else usual


def others() -> tuple[str, ...]:
    """Schemes beyond the paper's own comparison."""
    return tuple(kind for kind in scheme_names() if kind not in PAPER)


def table(found: netsim.Sweep, grids: Sequence[dict[str, Sequence[Any]]]) -> pl.DataFrame:
    """One row per run of the grids: scheme, bandwidth, learning_rate, seed, what it cost and came
    to.
    """
    runs = found.runs.rename(
        {"id": "run", "scheme.kind": "scheme", "learning.learning_rate": "learning_rate"}
    )
    runs = runs.with_columns(pl.col("scheme.bandwidth").fill_null("own").alias("bandwidth"))
    asked = pl.DataFrame(
        [
            {
                "scheme": over["scheme.kind"][0],
                "bandwidth": over.get("scheme.bandwidth", ["own"])[0],
                "learning_rate": rate,
            }
            for over in grids
            for rate in over["learning.learning_rate"]
        ]
    )
    cost = curves.to_target(curves.accuracy(found), TARGET)
    cost = cost.join(bits_to_target(found, cost), on="run", how="left")
    return (
        asked.join(runs, on=asked.columns, how="left", maintain_order="left_right")
        .join(cost, on="run", how="left")
        .select(
            "run",
            *asked.columns,
            "seed",
            *cost.columns[1:],
            *SHARES,
            "rounds_closed",
            "wall_time_s",
        )
    )


def bits_to_target(found: netsim.Sweep, cost: pl.DataFrame) -> pl.DataFrame:
    """Per run what UEs heard of modules, and sent, until the target was reached: run, BITS.

    A broadcast counts at each UE that hears it, an upload with what was sent of it, also in vain.
    """
    until = cost.select("run", "rounds_to_target").lazy()
    spans = found.table("spans").filter(pl.col("round") > 0).join(until, on="run")
    spans = spans.filter(pl.col("round") <= pl.col("rounds_to_target"))
    ways = zip(BITS, ("broadcast", "uplink"), strict=True)
    sums = [
        (pl.col("bits").filter(pl.col("kind") == kind).sum() / 1e6).alias(name)
        for name, kind in ways
    ]
    return spans.group_by("run").agg(sums).collect()


def rows_of(table: pl.DataFrame) -> pl.DataFrame:
    """Means over seeds as text, one row per scheme and policy."""
    rows = []
    for (kind, policy), group in table.group_by("scheme", "bandwidth", maintain_order=True):
        row = {"scheme": kind, "band": policy, "rate": f"{group['learning_rate'][0]:g}"}
        row |= {name: curves.reach(group[name]) for name in PAIRED}
        row |= {
            name: curves.reach(group[name])
            for name in ("final_accuracy", "outage_share", "late_share")
        }
        rows.append(row)
    return pl.DataFrame(rows)


def against_benchmarks(table: pl.DataFrame) -> pl.DataFrame:
    """Rounds that the paper's benchmarks need beyond those of model switching, from pairs of
    seeds.
    """
    ours = table.filter(pl.col("scheme") == "model_switching").select(
        "seed", ours="rounds_to_target"
    )
    rows = []
    for kind, claim in BENCHMARKS.items():
        for policy in policies(kind):
            theirs = table.filter((pl.col("scheme") == kind) & (pl.col("bandwidth") == policy))
            pairs = theirs.join(ours, on="seed", maintain_order="left")
            more = curves.reach(pairs["rounds_to_target"] - pairs["ours"])
            rows.append(
                {"benchmark": kind, "band": policy, "more rounds": more, "in the paper": claim}
            )
    return pl.DataFrame(rows)


def against_one(table: pl.DataFrame) -> pl.DataFrame:
    """What every scheme needs to the target beyond FedLoRA with equal shares, by pairs of seeds."""
    other, policy = AGAINST
    mine = (pl.col("scheme") == other) & (pl.col("bandwidth") == policy)
    base = table.filter(mine).select("seed", *(pl.col(name).alias(f"{name}_") for name in PAIRED))
    rows = []
    groups = table.filter(~mine).group_by("scheme", "bandwidth", maintain_order=True)
    for (kind, band), group in groups:
        pairs = group.join(base, on="seed", maintain_order="left")
        more = {name: curves.reach((pairs[name] - pairs[f"{name}_"]).round(9)) for name in PAIRED}
        rows.append({"scheme": kind, "band": band, **more})
    return pl.DataFrame(rows)


def report(table: pl.DataFrame, rounds: int, seeds: int) -> str:
    """The Markdown tables, and how long the runs took."""
    names = {
        "scheme": "scheme",
        "band": "band",
        "rate": "learning rate",
        "rounds_to_target": f"rounds to {TARGET}",
        "seconds_to_target": "simulated s",
        "joules_to_target": "J",
        "down_mbit_to_target": "Mbit down",
        "up_mbit_to_target": "Mbit up",
        "final_accuracy": "final accuracy",
        "outage_share": "outage",
        "late_share": "late",
    }
    more = {name: names[name] for name in ("scheme", "band", *PAIRED)}
    paper = pl.col("scheme").is_in(PAPER)
    spent = [float(table.filter(mine)["wall_time_s"].sum()) / 60 for mine in (paper, ~paper)]
    return f"""# All schemes on the built-in task

K = {COMMON["ues.count"]}, N = 4, {rounds} rounds, {seeds} seeds: mean ± half of the 95% t-interval.
`(2 of 3)`: so many runs reached {TARGET}, and the mean is theirs; `never`: none did. Band: `own` is the
scheme's own allocation, `equal` and `algorithm1` are the two policies of baselines, at P_max. Outage and
late are shares of the uploads begun. Mbit down: what UEs hear of modules, at each UE that hears it (the
foundation model's one broadcast is left out); up: what they send, also in vain. Wall time of the runs, one core each: {spent[0]:.0f} minutes for the
paper's nine schemes and {spent[1]:.0f} for the others, longer where the machine has other work.

{findings.markdown(rows_of(table), names)}

## Beyond FedLoRA with equal shares

What a scheme needs to {TARGET} more than FedLoRA, from pairs of runs with the same seed: `(3 of 5)` of which
both reached it. An interval that contains 0 decides nothing.

{findings.markdown(against_one(table), more)}

## The paper's order

Rounds to {TARGET} that a benchmark needs beyond model switching, from pairs of runs with the same seed. The
paper's numbers are of SST-2 with RoBERTa, and means over K.

{findings.markdown(against_benchmarks(table))}"""


def draw(curve: pl.DataFrame, table: pl.DataFrame, against: str) -> Figure:
    """A panel per scheme: mean accuracy in its 95% band against rounds or time, while all its seeds
    run.
    """
    import matplotlib.pyplot as plt

    figure_style.use()
    kinds = table["scheme"].unique(maintain_order=True).to_list()
    rows = -(-len(kinds) // COLUMNS)
    figure, axes = plt.subplots(
        rows,
        COLUMNS,
        figsize=(figure_style.PAGE_IN, 0.6 + 1.45 * rows),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    end = curve[against].max()
    grid = np.arange(end + 1) if against == "round" else np.linspace(0, end, 120)
    ours, *_ = _band(curve, table, kinds[0], "own", against, grid)
    for panel, kind in zip(axes.flat, kinds, strict=False):
        panel.plot(grid, ours, color="0.6", linewidth=1, label="model switching, mean")
        for policy in table.filter(pl.col("scheme") == kind)["bandwidth"].unique(
            maintain_order=True
        ):
            mean, low, high = _band(curve, table, kind, policy, against, grid)
            panel.plot(grid, mean, color=COLOUR[policy], label=POLICIES[policy])
            panel.fill_between(grid, low, high, color=COLOUR[policy], alpha=0.2, linewidth=0)
        panel.axhline(TARGET, color="0.8", linewidth=0.8)
        panel.set_title(kind.replace("_", " "), fontsize=8)
    for panel in axes.flat[len(kinds) :]:
        panel.set_visible(False)
    axes[0, 0].set(ylim=(0.4, 1.0))
    figure.supxlabel("round" if against == "round" else "simulated time (s)", fontsize=9)
    figure.supylabel("test accuracy", fontsize=9)
    known = {
        name: line
        for panel in axes.flat
        for line, name in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    figure.legend(known.values(), known.keys(), loc="outside upper center", ncols=4)
    return figure


def _band(
    curve: pl.DataFrame, table: pl.DataFrame, kind: str, policy: str, against: str, grid: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, low and high of a scheme under a policy."""
    chosen = table.filter((pl.col("scheme") == kind) & (pl.col("bandwidth") == policy))
    return curves.band(curve.filter(pl.col("run").is_in(chosen["run"].to_list())), against, grid)


def main(argv: Sequence[str] | None = None) -> None:
    asked = study.options(argv, __file__, __doc__, SIZES)
    seeds, more = SIZES[asked.size]
    fixed = {**COMMON, **more}
    grids = [
        with_policy(kind, policy)
        for kind in (SMALL_SCHEMES if asked.size == "small" else PAPER + others())
        for policy in policies(kind)
    ]
    done, found = study.complete(asked, "quickstart", grids, range(seeds), fixed)
    rows = table(found, grids).filter(pl.col("seed").is_in(done))
    text = report(rows, fixed["rounds"], len(done))
    curve, by_time = curves.accuracy(found), f"{asked.study}-time-{asked.size}"
    text += f"\n\n![against simulated time](../figures/{by_time}.svg)"
    path = findings.write(
        asked,
        rows.drop("run"),
        text,
        draw(curve, rows, "round"),
        seeds=done,
        sweeps=[found],
    )
    figure = draw(curve, rows, "time_s")
    figure_style.save(figure, path.parents[1] / "figures" / f"{by_time}.svg")


if __name__ == "__main__":
    main()

"""The learning rate of every scheme: one search each, all with the same budget.

    python analysis/learning_rate.py [--size small|cpu] [--jobs N] [--out DIR]

Each scheme trains on the built-in reviews, with each of four rates and one seed, in the setting of
compare_schemes.py; those of Fig. 4 also on the built-in passages. Chosen is the rate with the best
mean accuracy of the last evaluations on the validation part of the training data. The test split is
not looked at. Baselines divide the band by Algorithm 1 here, so that uploads of every size arrive.
The other studies use the rates of analysis/results/learning_rate-cpu.parquet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import findings
import polars as pl
import study

import netsim
from netsim.plugins import parameters
from netsim.schemes.base import scheme_class, scheme_names

SEED = 100  # of none of the studies
LAST = 2  # evaluations whose mean counts
SWITCHING = ("model_switching", "greedy", "one_shot", "energy_constrained")  # of Fig. 4
COMMON: dict[str, Any] = {"ues.count": 50, "learning.evaluate_on": "validation"}
SIZES: dict[str, tuple[list[float], dict[str, Any]]] = {
    "cpu": ([3e-4, 1e-3, 3e-3, 1e-2], {"rounds": 16, "learning.evaluate_every": 4}),
    "small": (
        [1e-3, 1e-2],
        {
            "rounds": 2,
            "ues.count": 8,
            "data.train_samples": 400,
            "data.samples_per_ue": 20,
            "learning.local_steps": 1,
        },
    ),
}
SMALL_SCHEMES = ("fedlora", "model_switching")


POLICIES = {"own": "own allocation", "equal": "equal shares", "algorithm1": "Algorithm 1"}
"""How the band is divided; baselines (baselines.md) run under the last two."""
BASELINE_POLICIES = ("equal", "algorithm1")


def policies(kind: str) -> tuple[str, ...]:
    """How a scheme may divide the band: baselines in two ways, the others in their own."""
    shared = any(p.name == "bandwidth" for p in parameters(scheme_class(kind)))
    return BASELINE_POLICIES if shared else ("own",)


def with_policy(kind: str, policy: str, **more: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """One grid of a study: a scheme under a policy, and what else is varied (a__b for a.b)."""
    over: dict[str, Sequence[Any]] = {"scheme.kind": [kind]}
    if policy != "own":
        over["scheme.bandwidth"] = [policy]
    return over | {name.replace("__", "."): values for name, values in more.items()}


@cache
def searched() -> dict[tuple[str, str], float]:
    """(task, scheme) -> the rate that the search has chosen."""
    path = study.HERE / "results" / "learning_rate-cpu.parquet"
    if not path.is_file():
        return {}
    chosen = pl.read_parquet(path).filter("chosen").select("task", "scheme", "learning_rate")
    return {(task, kind): rate for task, kind, rate in chosen.iter_rows()}


def rate_of(kind: str, task: str = "reviews") -> float:
    """The rate that a study uses: the scenario's own for a scheme that has not been searched."""
    usual = netsim.load_scenario("quickstart").learning.learning_rate
    return searched().get((task, kind), usual)


def grids(rates: Sequence[float], kinds: Sequence[str]) -> Iterator[dict[str, Sequence[Any]]]:
    """What is tried."""
    for task in ("reviews", "passages"):
        for kind in kinds if task == "reviews" else [k for k in kinds if k in SWITCHING]:
            yield with_policy(
                kind, policies(kind)[-1], data__task=[task], learning__learning_rate=rates
            )


def table(found: netsim.Sweep) -> pl.DataFrame:
    """One row per run: task, scheme, learning_rate, seed, validation_accuracy, chosen."""
    curve = found.table("evaluations").filter(
        (pl.col("target") == "ensemble")
        & pl.col("ue").is_null()
        & (pl.col("split") == "validation")
    )
    rows = (
        curve.group_by(
            pl.col("data.task").alias("task"),
            pl.col("scheme.kind").alias("scheme"),
            pl.col("learning.learning_rate").alias("learning_rate"),
            "seed",
        )
        .agg(pl.col("accuracy").sort_by("round").tail(LAST).mean().alias("validation_accuracy"))
        .sort("task", "scheme", "learning_rate", descending=[True, False, False])
        .collect()
    )
    # the lower one of equally good rates
    best = pl.col("validation_accuracy").arg_max().over("task", "scheme")
    return rows.with_columns(chosen=pl.int_range(pl.len()).over("task", "scheme") == best)


def report(rows: pl.DataFrame, rounds: int) -> str:
    """Markdown: accuracies against rates, the chosen one bold."""
    shown = rows.with_columns(
        pl.when("chosen")
        .then(pl.format("**{}**", pl.col("validation_accuracy").round(3)))
        .otherwise(pl.format("{}", pl.col("validation_accuracy").round(3)))
        .alias("cell"),
        pl.col("learning_rate").map_elements(lambda rate: f"{rate:g}", pl.String).alias("rate"),
    )
    wide = shown.pivot("rate", index=["task", "scheme"], values="cell")
    return f"""# Learning rates

Accuracy on validation rows of the training data after {rounds} rounds (mean of the last {LAST}
evaluations), one seed, the same rates for every scheme. Bold: chosen, and used by the other studies. The
standard error of an accuracy from 600 rows is about 0.015, so neighbouring rates are often as good as each
other.

{findings.markdown(wide)}"""


def main(argv: Sequence[str] | None = None) -> None:
    asked = study.options(argv, __file__, __doc__, SIZES)
    rates, more = SIZES[asked.size]
    kinds = scheme_names() if asked.size == "cpu" else SMALL_SCHEMES
    fixed = {**COMMON, **more}
    found = study.sweep(asked, "quickstart", list(grids(rates, kinds)), [SEED], fixed)
    findings.write(
        asked, rows := table(found), report(rows, fixed["rounds"]), seeds=[SEED], sweeps=[found]
    )


if __name__ == "__main__":
    main()

"""Claims 1 to 4, judged from the tables of claims_convergence and claims_real."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np
import polars as pl
from settings import PRINTED, SCHEMES
from verdict import Case, Row, contains, of, stand_of, stand_of_wins, told
from worlds import CELL, LEVELS

from netsim.results.cost_contrast import compare_costs
from netsim.results.intervals import Interval, mean_interval
from netsim.results.targets import Cost

BASELINES = {"fedlora": 42.7, "hetlora": 34.1, "flexlora": 5.0}  # % fewer rounds, claims 2 and 3
OURS = {"corrected": "model_switching", "as printed": PRINTED}
BANDS = {"algorithm1": "Algorithm 1", "equal": "equal shares"}
BUILT_IN = "reviews"  # the task of claims_convergence
MOST_CENSORED = 0.2  # of the pairs: with more, only who is ahead is judged


def convergence(table: pl.DataFrame) -> Iterator[Row]:
    """Claims 1 to 4 from claims_convergence, and 2 and 3 from claims_real where it was run.

    The table has a column `task`: null for the built-in one.
    """
    if "task" not in table.columns:
        table = table.with_columns(task=pl.lit(None, dtype=pl.String))
    table = table.with_columns(pl.col("task").fill_null(BUILT_IN))
    built_in = table.filter(task=BUILT_IN)
    yield minimum_inside(built_in)
    for scheme, paper in BASELINES.items():
        yield fewer_rounds(table, scheme, paper)
    yield than_random(table)
    yield slowest(built_in)


def tasks(table: pl.DataFrame) -> list[str]:
    """The built-in task first."""
    found = table["task"].unique().to_list()
    return sorted(found, key=lambda task: (task != BUILT_IN, task))


def minimum_inside(table: pl.DataFrame) -> Row:
    """Claim 1: the fewest rounds are needed at a K that is neither the first nor the last."""
    cases = []
    for (formulas, scheme), level in product(OURS.items(), LEVELS):
        own = table.filter(scheme=scheme, band="algorithm1")
        if own["ue_count"].n_unique() > 2:
            cases.append(_inside(own, level, {"formulas": formulas, "target": f"{level:g}"}))
    return Row(
        "1",
        "rounds to converge first fall, then rise with K",
        "minimum inside",
        cases,
        "with our deadline, without which more UEs can only help; restricted to the horizon",
        study="claims_convergence",
    )


def _inside(own: pl.DataFrame, level: float, factors: Mapping[str, str]) -> Case:
    spent = pl.when(f"arrived_{level:g}").then(f"cost_{level:g}").otherwise(CELL.rounds)
    needed = own.with_columns(needed=spent.cast(pl.Float64))
    wide = needed.pivot("ue_count", index="seed", values="needed").drop_nulls()
    counts = sorted(map(int, wide.columns[1:]))
    means = {count: float(wide[str(count)].mean()) for count in counts}  # type: ignore[arg-type]
    best = min(counts[1:-1], key=means.__getitem__)
    falls, rises = (of(wide[str(end)] - wide[str(best)]) for end in (counts[0], counts[-1]))
    ends = [stand_of(found) for found in (falls, rises)]
    stand = "reversed" if "reversed" in ends else "for" if ends == ["for", "for"] else "open"
    ours = (
        f"fewest inside at K = {best}; K = {counts[0]}: {told(falls, 'more')}, "
        f"K = {counts[-1]}: {told(rises, 'more')}"
    )
    return Case(factors, stand, ours, len(wide))  # type: ignore[arg-type]


def fewer_rounds(table: pl.DataFrame, scheme: str, paper: float) -> Row:
    """Claims 2 and 3: paired by seed and K."""
    cases = []
    for task, (formulas, own), (band, title), level in product(
        tasks(table), OURS.items(), BANDS.items(), LEVELS
    ):
        factors = {"task": task, "formulas": formulas, "band": title, "target": f"{level:g}"}
        own_task = table.filter(task=task)
        case = rounds_case(own_task, own, scheme, band, level, factors, paper)
        if case is not None:
            cases.append(case)
    return Row(
        "2" if scheme == "fedlora" else "3",
        f"fewer rounds than {SCHEMES[scheme].title}",
        f"{paper} %",
        cases,
        isolated(table.filter(task=BUILT_IN), scheme),
        study="claims_convergence",
    )


def than_random(table: pl.DataFrame) -> Row:
    """What the paper does not ask: is it the switching, or that there are four modules?"""
    cases = []
    for task, scheme, level in product(tasks(table), ("random", "random_equal"), LEVELS):
        factors = {"task": task, "than": SCHEMES[scheme].title, "target": f"{level:g}"}
        own_task = table.filter(task=task)
        case = rounds_case(own_task, "model_switching", scheme, "algorithm1", level, factors)
        if case is not None:
            cases.append(case)
    return Row(
        "2, 3",
        "fewer rounds than as many modules subscribed to at random",
        "not asked",
        cases,
        "if not, the controller is not shown to add anything",
        study="claims_convergence",
    )


def rounds_case(
    table: pl.DataFrame,
    own: str,
    base: str,
    band: str,
    level: float,
    factors: Mapping[str, str],
    paper: float | None = None,
) -> Case | None:
    """How many % fewer rounds `own` needs than `base`; None without pairs.

    Where more than a fifth of the pairs are censored, only who is ahead is judged.
    """
    found = _contrast(table, own, base, band, level)
    if found is None:
        return None
    fewer, wins, losses, both, pairs, seeds = found
    score = f"{both} of {pairs} pairs arrived, ahead {wins}:{losses}"
    if both < (1 - MOST_CENSORED) * pairs:
        return Case(factors, stand_of_wins(wins, losses), score, seeds)
    inside = None if paper is None else contains(fewer, paper)
    shown = f"{fewer.mean:.3g} % ({fewer.low:.3g} to {fewer.high:.3g}); {score}"
    return Case(factors, stand_of(fewer, paper), shown, seeds, inside)


def _contrast(
    table: pl.DataFrame, own: str, base: str, band: str, level: float
) -> tuple[Interval, int, int, int, int, int] | None:
    """% fewer rounds, pairs won, lost, both arrived, all, and seeds. Ratios are averaged over K
    within a seed, as geometric means, and their interval is over seeds.
    """
    keys = ["ue_count", "seed"]
    values = [f"cost_{level:g}", f"arrived_{level:g}"]
    ours = table.filter(scheme=own, band="algorithm1").select(*keys, *values)
    theirs = table.filter(scheme=base, band=band).select(*keys, *values)
    pairs = ours.join(theirs, on=keys, suffix="_base").sort(keys)
    if not len(pairs):
        return None
    first = [Cost(float(v), a) for v, a in pairs.select(values).iter_rows()]
    second = [
        Cost(float(v), a) for v, a in pairs.select(f"{name}_base" for name in values).iter_rows()
    ]
    order = compare_costs(first, second)
    arrived = pairs.filter(pl.col(values[1]) & pl.col(f"{values[1]}_base"))
    ratio = (pl.col(values[0]) / pl.col(f"{values[0]}_base")).log().mean()
    logs = arrived.group_by("seed", maintain_order=True).agg(ratio.alias("log"))["log"].to_numpy()
    mean = mean_interval(logs, method="bootstrap")
    bounds = [100 * (1 - float(np.exp(value))) for value in (mean.mean, mean.high, mean.low)]
    fewer = Interval(bounds[0], bounds[1], bounds[2], mean.count)
    both, seeds = order.both_arrived, pairs["seed"].n_unique()
    return fewer, order.first_cheaper, order.second_cheaper, both, len(pairs), seeds


def isolated(table: pl.DataFrame, scheme: str) -> str:
    """How far schemes that have only one mechanism come against a baseline, at the main target."""
    told_of = []
    for name in ("random", "random_equal", "fedlora_32", "max_power", "affinity"):
        found = _contrast(table, name, scheme, "algorithm1", CELL.target)
        if found is not None and name != scheme:
            fewer = found[0]
            told_of.append(f"{SCHEMES[name].title} {fewer.mean:.0f} %")
    return f"against it, at {CELL.target:g}: {', '.join(told_of)}" if told_of else ""


def slowest(table: pl.DataFrame) -> Row:
    """Claim 4: full-parameter training against every other scheme, by simulated time to target."""
    cases = []
    for band, title in BANDS.items():
        full = table.filter(scheme="full_parameter", band=band)
        others = table.filter(
            pl.col("scheme").is_in([*BASELINES, OURS["corrected"]]),
            (pl.col("band") == band) | (pl.col("scheme") == OURS["corrected"]),
        )
        if len(full) and len(others):
            cases.append(_slower(full, others, {"band": title}))
    return Row(
        "4",
        "full-parameter training is the slowest",
        "slowest",
        cases,
        f"simulated time to {CELL.target:g}, kept; it sends the whole model",
        study="claims_convergence",
    )


def _slower(full: pl.DataFrame, others: pl.DataFrame, factors: Mapping[str, str]) -> Case:
    arrived = f"arrived_{CELL.target:g}"
    keys, stands, scores = ["ue_count", "seed"], [], []
    for (name,), own in others.sort("scheme").group_by("scheme", maintain_order=True):
        pairs = own.join(full, on=keys, suffix="_full")
        if not len(pairs):
            continue
        first = [Cost(t, a) for t, a in pairs.select("time_s", arrived).iter_rows()]
        second = [Cost(t, a) for t, a in pairs.select("time_s_full", f"{arrived}_full").iter_rows()]
        order = compare_costs(first, second)
        stands.append(stand_of_wins(order.first_cheaper, order.second_cheaper))
        scores.append(f"{SCHEMES[str(name)].title} {order.first_cheaper}:{order.second_cheaper}")
    whole = "reversed" if "reversed" in stands else "for" if set(stands) == {"for"} else "open"
    ours = (
        f"faster than it: {', '.join(scores)}; it arrives in {full[arrived].sum()} of {len(full)}"
    )
    return Case(factors, whole, ours, full["seed"].n_unique())  # type: ignore[arg-type]

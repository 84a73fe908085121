"""Claims 8 and 9, and where switching wins, judged from claims_switching and regimes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import polars as pl
import regimes
from settings import SCHEMES
from verdict import Case, Row, case_of, of

SWITCHING = {"one_shot": 1.9, "greedy": 1.3}  # points of accuracy, claim 8
PRICE_COSTS = 0.9  # points, claim 9


def switching(table: pl.DataFrame) -> Iterator[Row]:
    """Claims 8 and 9 from claims_switching."""
    alike = table.group_by("scheme").agg(pl.col("alike").mean())
    shares = {str(name): share for name, share in alike.iter_rows()}
    for scheme, paper in SWITCHING.items():
        same = shares.get(scheme)
        why = "" if same is None else f"{same:.0%} of its UEs have Algorithm 2's module"
        yield Row(
            "8",
            f"more accurate than {SCHEMES[scheme].title}",
            f"+{paper} points",
            _points(table, scheme, paper),
            why,
            study="claims_switching",
        )
    yield Row(
        "9",
        "less accurate with a price of energy",
        f"-{PRICE_COSTS} points",
        _points(table, "energy_constrained", PRICE_COSTS),
        "positive: points lost to the price",
        study="claims_switching",
    )


def _points(table: pl.DataFrame, scheme: str, paper: float) -> list[Case]:
    """Algorithm 2 minus a variant, in points, by pairs of seeds."""
    cases = []
    measures = {"last": "at the end", "area": "mean over the rounds"}
    known = table["world"].unique(maintain_order=True).to_list()
    for world, (value, title) in product(known, measures.items()):
        own = table.filter(world=world)
        wide = own.pivot("scheme", index="seed", values=value)
        if {"switching_free", scheme} <= set(wide.columns):
            found = of(100 * (wide["switching_free"] - wide[scheme]))
            factors = {"task": world, "accuracy": title}
            cases.append(case_of(factors, found, "points", paper))
    return cases


# -- where switching wins --------------------------------------------------------------------------


def mapped(table: pl.DataFrame) -> Iterator[Row]:
    """Three statements over the cells of the map of regimes."""
    for ours, base, claim in (
        ("affinity", "fedlora", "switching by losses beats one adapter"),
        ("affinity", "random", "switching by losses beats modules at random"),
        ("model_switching", "random", "Algorithm 2 without losses beats modules at random"),
    ):
        yield Row(
            "map",
            f"{claim}, on each UE's own rows",
            "not asked",
            list(_cells(table, ours, base)),
            "best module of each UE; points at the end",
            study="regimes",
        )


def _cells(table: pl.DataFrame, ours: str, base: str) -> Iterator[Case]:
    keys = [*regimes.AXES.values(), "seed"]
    value = regimes.VALUE
    mine = table.filter(scheme=ours).select(*keys, pl.col(value).alias("ours"))
    pairs = mine.join(table.filter(scheme=base).select(*keys, value), on=keys).sort(keys)
    for (share, skew, band, *_), own in pairs.group_by(keys[:-1], maintain_order=True):
        factors = {
            "shifted UEs": f"{share:.0%}",
            "label concentration": f"{skew:g}",
            "radio": regimes.RADIOS.get(float(band), f"{band:g} Hz"),  # type: ignore[arg-type]
        }
        if len(own) > 1:
            yield case_of(factors, of(100 * (own["ours"] - own[value])), "points")

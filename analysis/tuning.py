"""The learning rate of every scheme in every world: searched fairly, and inside of its grid.

    python analysis/tuning.py [--size small|cpu] [--world NAME]... [--seeds N] [--model D --data D]
    [--out DIR]

Each scheme trains at three rates, a factor of about three apart, with six seeds (--seeds: at least
three of them) that no study uses. A seed draws the UEs, their sentences and all test rows, so that no row of the tuning seeds is
in a study; measured are validation rows besides, or, where UEs have different tasks, each UE's own
rows. Chosen is the rate at which most runs arrive at the world's target, kept; among those the one
with the fewest rounds, where a run that has not arrived counts as the horizon, the same for all;
and among equals that with the largest mean accuracy. While the best rate is at an edge of its grid,
the grid grows there by one rate. All schemes begin with the same budget and have the same rule.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import findings
import polars as pl
import settings
import study
from settings import RATE, SCHEMES, TUNED
from worlds import WORLDS, World, outcome

import netsim

SEEDS = (100, 101, 102, 103, 104, 105)
LADDER = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
FEWEST_SEEDS = 3
BEGIN = 1  # rates on either side of the first
SMALL: dict[str, Any] = {
    "rounds": 2,
    "ues.count": 6,
    "data.train_samples": 400,
    "data.test_samples": 60,
    "data.samples_per_ue": 20,
    "data.validation_fraction": 0.2,
    "learning.local_steps": 1,
    "learning.evaluate_every": 1,
}
SMALL_SCHEMES = ("model_switching", "fedlora")
KEYS = ("world", "scheme", "rate")
REAL = "sst2"  # is searched where it is asked for: it needs --model and --data


def first_rates(scheme: str, begin: float | None = None) -> list[float]:
    """The grid that a search begins with: around `begin`, or the rate of the scheme."""
    middle = LADDER.index(begin or SCHEMES[scheme].rate)
    return list(LADDER[middle - BEGIN : middle + BEGIN + 1])


def wider(rates: Sequence[float], best: float) -> list[float]:
    """The grid with one more rate beyond the edge that the best is at; the same if at none."""
    rates = sorted(rates)
    low, high = LADDER.index(rates[0]), LADDER.index(rates[-1])
    if best == rates[0] and low > 0:
        return [LADDER[low - 1], *rates]
    if best == rates[-1] and high < len(LADDER) - 1:
        return [*rates, LADDER[high + 1]]
    return rates


def grids(world: World, rates: dict[str, list[float]]) -> list[dict[str, Sequence[Any]]]:
    """What is run: one grid per scheme."""
    measured = {} if world.own else {"learning.evaluate_on": ["validation"]}
    found = []
    for scheme, values in rates.items():
        own = {key: [value] for key, value in SCHEMES[scheme].overrides.items()}
        found.append(own | measured | {RATE: values})
    return found


def measured(
    found: netsim.Sweep,
    world: World,
    rates: Mapping[str, Sequence[float]],
    seeds: Sequence[int],
) -> pl.DataFrame:
    """One row per run of the search: KEYS, seed, rounds to the target, arrived, area.

    Runs that an earlier search has left in the folder, with fewer seeds, do not count.
    """
    rows = []
    target = f"{world.target:g}"
    for job, told in found.jobs.items():
        over = told["overrides"]
        scheme = settings.scheme_of(over)
        if told["seed"] not in seeds or over[RATE] not in rates.get(scheme, ()):
            continue
        came_to = outcome(found.run(job), world)
        rows.append(
            {
                "world": world.name,
                "scheme": scheme,
                "rate": over[RATE],
                "seed": told["seed"],
                "rounds_to_target": float(came_to[f"cost_{target}"]),
                "arrived": came_to[f"arrived_{target}"],
                "area": came_to["area"],
            }
        )
    return pl.DataFrame(rows)


def scored(runs: pl.DataFrame, worlds: Sequence[World]) -> pl.DataFrame:
    """One row per rate: mean rounds (the horizon where a run has not arrived), and the choice."""
    horizon = pl.col("world").replace_strict(
        {world.name: float(world.rounds) for world in worlds}, return_dtype=pl.Float64
    )
    spent = pl.when("arrived").then("rounds_to_target").otherwise(horizon)
    means = runs.group_by(KEYS, maintain_order=True).agg(
        mean_rounds=spent.mean(),
        arrived=pl.col("arrived").sum(),
        area=pl.col("area").mean(),
        seeds=pl.len(),
    )
    ranked = means.sort(
        "world",
        "scheme",
        "arrived",
        "mean_rounds",
        "area",
        "rate",
        descending=[False, False, True, False, True, False],
    )
    chosen = ranked.with_columns(
        chosen=pl.int_range(pl.len()).over("world", "scheme") == 0,
    )
    edge = (pl.col("rate") == pl.col("rate").min().over("world", "scheme")) | (
        pl.col("rate") == pl.col("rate").max().over("world", "scheme")
    )
    return chosen.with_columns(inside=~edge).sort(KEYS)


def search(
    asked: study.Options, world: World, schemes: Sequence[str], seeds: Sequence[int]
) -> pl.DataFrame:
    """Run a world's searches until no best rate is at an edge; returns its scored rates."""
    rates = {scheme: first_rates(scheme, world.begin) for scheme in schemes}
    while True:
        found = study.sweep(
            asked,
            world.source,
            grids(world, rates),
            seeds,
            world.fixed,
            part=world.name,
        )
        table = scored(measured(found, world, rates, seeds), [world])
        best = dict(table.filter("chosen").select("scheme", "rate").iter_rows())
        grown = {scheme: wider(values, best[scheme]) for scheme, values in rates.items()}
        if grown == rates or asked.size == "small":
            return table
        rates = grown


def report(table: pl.DataFrame) -> str:
    """Markdown: mean rounds against rates, the chosen one bold, a table per world."""
    parts = [findings.opening(__doc__ or "")]
    for (name,), own in table.group_by("world", maintain_order=True):
        cell = pl.format(
            "{} ({} of {}), {}",
            pl.col("mean_rounds").round(1),
            "arrived",
            "seeds",
            pl.col("area").round(3),
        )
        wide = own.with_columns(
            rate=pl.col("rate").map_elements(lambda rate: f"{rate:g}", pl.String),
            cell=pl.when("chosen").then(pl.format("**{}**", cell)).otherwise(cell),
        ).pivot("rate", index="scheme", values="cell", sort_columns=False)
        ordered = sorted(wide.columns[1:], key=float)
        shown = wide.select("scheme", *[pl.col(rate).fill_null("") for rate in ordered])
        world = WORLDS[str(name)]
        parts.append(
            f"## World {name}\n\nMean rounds until {world.target:g} was kept for {world.kept} "
            f"evaluations (runs that arrived), and mean accuracy; horizon {world.rounds} rounds.\n\n"
            f"{findings.markdown(shown)}"
        )
    return "\n\n".join(parts)


def merged(asked: study.Options, found: pl.DataFrame) -> pl.DataFrame:
    """The rates found, with those of other worlds that the table has already."""
    path = asked.results / "results" / f"tuning-{asked.size}.parquet"
    if not path.is_file():
        return found
    renewed = found["world"].unique().implode()
    kept = pl.read_parquet(path).filter(~pl.col("world").is_in(renewed))
    return pl.concat([kept, found]).sort(KEYS)


@dataclass(frozen=True)
class Asked:
    """Which searches."""

    worlds: tuple[str, ...]
    seeds: tuple[int, ...]


def asked_searches(argv: Sequence[str] | None) -> tuple[Asked, list[str]]:
    """The values of --world and --seeds, and the words that are left."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--world", action="append", choices=tuple(TUNED))
    counts = range(FEWEST_SEEDS, len(SEEDS) + 1)
    parser.add_argument("--seeds", type=int, choices=counts, default=len(SEEDS))
    known, rest = parser.parse_known_args(sys.argv[1:] if argv is None else argv)
    worlds = known.world or [name for name in TUNED if name != REAL]
    return Asked(worlds=tuple(worlds), seeds=SEEDS[: known.seeds]), rest


def main(argv: Sequence[str] | None = None) -> None:
    """Search, tabulate."""
    searches, rest = asked_searches(argv)
    names, seeds = searches.worlds, searches.seeds
    asked = study.options(rest, __file__, __doc__, ("small", "cpu"), learns=True)
    if (REAL in names) != bool(asked.model and asked.data):
        sys.exit(f"--world {REAL} needs --model and --data, and no other world takes them")
    for name in names[:1] if asked.size == "small" else names:
        world, schemes = WORLDS[name], TUNED[name]
        if asked.size == "small":
            seeds = SEEDS[:2]
            world = replace(world, fixed={**world.fixed, **SMALL})
            schemes = SMALL_SCHEMES
        world = replace(world, fixed={**world.fixed, **asked.learned})
        table = merged(asked, search(asked, world, schemes, seeds))
        findings.write(asked, table, report(table), seeds=seeds)


if __name__ == "__main__":
    main()

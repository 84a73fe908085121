"""Where does model switching win? A map over concept shift, label skew and the load of the radio.

    python analysis/regimes.py [--size small|cpu|full] [--minutes M] [--jobs N] [--out DIR]

Five mechanisms in a cell, each adding one to the one before: one adapter (FedLoRA); four adapters
of which each UE draws one per round; four that every UE trains; Algorithm 2, which chooses by radio
and participation alone; and Algorithm 2 that also knows each module's loss at each UE. Accuracy is
that on each UE's own test rows, weighted by samples, of the module that does best on the UE's
validation rows. To a share of the UEs labels mean the opposite (concept shift). A loaded radio has
a hundredth of the band, so that about a third of the uploads arrives. Every mechanism trains at the
rate that tuning.py found for it, or for its nearest relative, in the world with concept shift.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import findings
import numpy as np
import polars as pl
import settings
import study
from settings import RATE, SCHEMES, grid_of
from worlds import SHIFT, World, outcome

import netsim
from netsim.results.intervals import mean_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MECHANISMS = ("fedlora", "random", "everybody", "model_switching", "affinity")
MAPPED = ("fedlora", "random", "affinity")
OURS = "affinity"
SHARE = "data.partition.concept_share"
SKEW = "data.dirichlet_concentration"
BAND = "radio.bandwidth_hz"
RADIOS = {1e7: "light", 1e5: "loaded"}
AXES = {SHARE: "concept_share", SKEW: "label_concentration", BAND: "bandwidth_hz"}
VALUE = "last"
Cell = dict[str, Any]


def cells(
    shares: Sequence[float],
    skews: Sequence[float],
    bands: Sequence[float],
) -> list[Cell]:
    """Points of the map."""
    points = product(shares, skews, bands)
    return [{SHARE: share, SKEW: skew, BAND: band} for share, skew, band in points]


SHIFTED = cells((0.5,), (1.0,), (1e7,))
SIZES: dict[str, tuple[list[tuple[Sequence[str], list[Cell], int]], dict[str, Any]]] = {
    "cpu": (
        [
            (MECHANISMS, SHIFTED, 5),
            (MAPPED, cells((0.0, 0.5), (1.0,), (1e7, 1e5)), 3),
            (MAPPED, cells((0.0, 0.5), (0.2,), (1e7, 1e5)), 3),
            (MECHANISMS, SHIFTED, 10),
            (MAPPED, cells((0.25,), (1.0, 0.2), (1e7, 1e5)), 3),
            (MAPPED, cells((0.0, 0.25, 0.5), (1.0, 0.2), (1e7, 1e5)), 10),
        ],
        {},
    ),
    "full": (
        [(MECHANISMS, cells((0.0, 0.1, 0.25, 0.5), (10.0, 1.0, 0.2), (1e7, 1e6, 1e5)), 20)],
        {"rounds": 60, "ues.count": 40, "data.train_samples": 20_000, "data.test_samples": 900},
    ),
    "small": (
        [(("fedlora", "affinity"), cells((0.0, 0.5), (1.0,), (1e7,)), 2)],
        {"rounds": 2, "ues.count": 6, "data.train_samples": 500, "data.test_samples": 40},
    ),
}  # phases: schemes, cells, seeds; and overrides


def grids(world: World, schemes: Sequence[str], points: Sequence[Cell]) -> list[dict[str, Any]]:
    """One grid per scheme and point, so that the points need not be a product."""
    found = []
    for grid in grid_of(world, schemes):
        found += [grid | {key: [value] for key, value in point.items()} for point in points]
    return found


def table_of(found: netsim.Sweep, world: World) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A row per run (scheme, AXES, seed, rate, its `outcome`), and one per run and UE at the
    end.
    """
    rows, ues = [], []
    done = set(found.runs.filter(status="done")["id"])
    for job, told in found.jobs.items():
        if job not in done:
            continue
        over, run = told["overrides"], found.run(job)
        if not settings.is_current(world, over, settings.scheme_of(over)):
            continue
        keys = {name: float(over[key]) for key, name in AXES.items()}
        keys = {"scheme": settings.scheme_of(over), **keys, "seed": told["seed"]}
        worst = run.own_curve(world.answer).select(pl.col("worst_decile").tail(3).mean())
        rows.append(
            keys
            | {"rate": over[RATE], "worst_decile": worst.collect().item()}
            | outcome(run, world)
        )
        last = run.own_distribution().select("ue", "concept", "ensemble", "best").collect()
        ues.append(last.with_columns(**{name: pl.lit(value) for name, value in keys.items()}))
    by = ["scheme", *AXES.values(), "seed"]
    return pl.DataFrame(rows, infer_schema_length=None).sort(by), pl.concat(ues).sort(*by, "ue")


def contrasts(table: pl.DataFrame, value: str = VALUE) -> pl.DataFrame:
    """Per cell: switching by losses minus each other mechanism, in points, paired by seed.

    Columns AXES, scheme, points, low, high (95%), pairs; NaN bounds for a single pair.
    """
    keys = [*AXES.values(), "seed"]
    ours = table.filter(scheme=OURS).select(*keys, pl.col(value).alias("ours"))
    pairs = table.filter(pl.col("scheme") != OURS).join(ours, on=keys)
    rows = []
    by = [*AXES.values(), "scheme"]
    for key, own in pairs.sort(by).group_by(by, maintain_order=True):
        known = mean_interval((100 * (own["ours"] - own[value])).to_numpy())
        bounds = {"points": known.mean, "low": known.low, "high": known.high, "pairs": len(own)}
        rows.append(dict(zip(by, key, strict=True)) | bounds)
    if not rows:
        sys.exit(
            f"no seed has {SCHEMES[OURS].title} beside another mechanism; the same command goes on"
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def rivals(found: pl.DataFrame) -> pl.DataFrame:
    """Per cell, the mechanism that comes nearest to switching by losses, or is ahead of it."""
    return found.sort("points").group_by(list(AXES.values()), maintain_order=True).first()


def winner(row: dict[str, Any]) -> str:
    """Who is ahead for sure in a cell: its interval lies on one side of 0."""
    if row["low"] > 0:
        return SCHEMES[OURS].title
    return SCHEMES[row["scheme"]].title if row["high"] < 0 else "nobody for sure"


def report(table: pl.DataFrame, world: World) -> str:
    """Markdown: accuracies, and who wins where and by how much."""
    by = ["concept_share", "label_concentration", "bandwidth_hz"]
    told = table.with_columns(radio=pl.col("bandwidth_hz").replace_strict(RADIOS, default="other"))
    means = findings.means(told, [*by, "radio", "scheme"], [VALUE, "worst_decile", "area"])
    means = means.sort(*by, "scheme").with_columns(
        pl.col("scheme").replace_strict({name: one.title for name, one in SCHEMES.items()})
    )
    names = {"concept_share": "shifted UEs", "label_concentration": "Dirichlet", "radio": "radio"}
    shown = findings.markdown(
        means,
        names
        | {"scheme": "mechanism", f"{VALUE}_seeds": "seeds", VALUE: "accuracy at the end"}
        | {"worst_decile": "worst tenth of UEs", "area": "mean over the rounds"},
    )
    nearest = rivals(contrasts(table)).sort(by)
    lines = [
        {
            "shifted UEs": row["concept_share"],
            "Dirichlet": row["label_concentration"],
            "radio": RADIOS.get(row["bandwidth_hz"], "other"),
            "nearest": SCHEMES[row["scheme"]].title,
            "points": findings.shown(row["points"], row["low"], row["high"]),
            "pairs": row["pairs"],
            "ahead": winner(row),
        }
        for row in nearest.iter_rows(named=True)
    ]
    return f"""{findings.opening(__doc__ or "")}

Accuracy of the last three evaluations (of {world.rounds} rounds), ± half of the 95% interval over seeds.

{shown}

{SCHEMES[OURS].title} minus the mechanism that comes nearest to it or is ahead, in points of accuracy, paired by
seed. "Ahead" is who is so with an interval on one side of 0.

{findings.markdown(pl.DataFrame(lines))}"""


def draw(table: pl.DataFrame, ues: pl.DataFrame) -> Figure:
    """Maps of switching by losses against one adapter and against modules at random, for each
    radio; and the distribution over UEs where half of them have other labels.
    """
    import figure_style
    import matplotlib.pyplot as plt

    figure_style.use()
    radios = table["bandwidth_hz"].unique().sort(descending=True).to_list()
    against = contrasts(table)
    rivals_mapped = [name for name in MAPPED if name in set(against["scheme"])]
    figure = plt.figure(figsize=(figure_style.PAGE_IN, 4.2), layout="constrained")
    maps, rest = figure.subfigures(1, 2, width_ratios=(1.5, 1))
    panels = maps.subplots(len(rivals_mapped), len(radios), squeeze=False)
    for (down, scheme), (right, band) in product(enumerate(rivals_mapped), enumerate(radios)):
        panel = panels[down, right]
        _map(panel, against.filter(scheme=scheme, bandwidth_hz=band))
        title = f"over {SCHEMES[scheme].title},\n{RADIOS.get(band, band)} radio"
        panel.set_title(title, fontsize=7)
    maps.supxlabel("label concentration", fontsize=8)
    maps.supylabel("UEs with other labels", fontsize=8)
    _distribution(rest.subplots(), ues)
    return figure


def _map(panel: Axes, found: pl.DataFrame) -> None:
    """One square per cell: points ahead of a mechanism; bold where the interval leaves out 0."""
    shares = found["concept_share"].unique().sort().to_list()
    skews = found["label_concentration"].unique().sort(descending=True).to_list()
    grid = np.full((len(shares), len(skews)), np.nan)
    for row in found.iter_rows(named=True):
        at = shares.index(row["concept_share"]), skews.index(row["label_concentration"])
        grid[at] = row["points"]
        half = (row["high"] - row["low"]) / 2
        text = f"{row['points']:+.0f}" + ("" if np.isnan(half) else f" ± {half:.0f}")
        sure = row["low"] > 0 or row["high"] < 0
        weight = "bold" if sure else "normal"
        panel.text(at[1], at[0], text, ha="center", va="center", fontsize=6.5, weight=weight)
    panel.imshow(grid, cmap="PuOr_r", vmin=-40, vmax=40, origin="lower", aspect="auto", alpha=0.7)
    panel.set_xticks(range(len(skews)), [f"{skew:g}" for skew in skews])
    panel.set_yticks(range(len(shares)), [f"{share:.0%}" for share in shares])
    panel.grid(visible=False)


def _distribution(panel: Axes, ues: pl.DataFrame) -> None:
    """Share of the UEs below an accuracy, per mechanism, all seeds together."""
    shifted = ues.filter(
        pl.col("concept_share") == ues["concept_share"].max(),
        pl.col("label_concentration") == 1.0,
        pl.col("bandwidth_hz") == 1e7,
    )
    known = shifted.group_by("seed").agg(
        pl.col("scheme").n_unique()
    )  # a seed counts if it is all's
    common = known.filter(pl.col("scheme") == known["scheme"].max())["seed"]
    shifted = shifted.filter(pl.col("seed").is_in(common.implode()))
    for scheme in MECHANISMS:
        mine = shifted.filter(scheme=scheme)["best"].sort()
        if len(mine):
            shares = np.arange(1, len(mine) + 1) / len(mine)
            panel.step(mine, shares, where="post", label=SCHEMES[scheme].title)
    panel.set(
        xlabel="accuracy on a UE's own rows",
        ylabel="share of the UEs",
        title="half of the UEs shifted,\nlight radio",
    )
    panel.title.set_fontsize(7)
    panel.legend(loc="upper left", fontsize=6)


def phases_of(
    asked: study.Options, world: World
) -> Iterator[tuple[list[dict[str, Any]], Sequence[int]]]:
    """Grids and seeds in the order in which they are run."""
    for schemes, points, count in SIZES[asked.size][0]:
        yield grids(world, schemes, points), range(count)


def main(argv: Sequence[str] | None = None) -> None:
    """Run, compare, tabulate, draw."""
    asked = study.options(argv, __file__, __doc__, SIZES)
    world = replace(SHIFT, fixed={**SHIFT.fixed, **SIZES[asked.size][1]})
    seeds: set[int] = set()
    for over, wanted in phases_of(asked, world):
        seeds.update(study.within_time(asked, world.source, over, wanted, world.fixed, part="map"))
    if not seeds:
        sys.exit(f"{asked.study}: no seed is complete; the same command goes on")
    found = netsim.open_sweep(asked.out / "map")
    table, ues = table_of(found, world)
    path = findings.write(
        asked,
        table,
        report(table, world),
        draw(table, ues),
        seeds=sorted(seeds),
        sweeps=[found],
    )
    ues.write_parquet(path.with_name(f"{path.stem}-ues.parquet"))


if __name__ == "__main__":
    main()

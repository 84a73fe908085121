"""Which claims of the paper's Section V hold here? The table, from the committed results of the
studies.

    python analysis/claims.py [--size cpu|full] [--results DIR] [--readme FILE]

Reads fig2_convergence, fig3_allocation, fig4_switching and fig5_energy of DIR (default
analysis/results) and writes DIR/claims-SIZE.md. --readme also puts the table between the markers
`<!-- claims -->` and `<!-- /claims -->` of FILE.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, product
from pathlib import Path

import findings
import numpy as np
import polars as pl
import study
import verdict
from curves import counted
from fig4_switching import FORMULAS, LAST, scores
from learning_rate import BASELINE_POLICIES, POLICIES
from verdict import DIRECTION, FAILS, HOLDS, Row, above_zero, exponent, judge, of, told

OPEN, CLOSE = "<!-- claims -->", "<!-- /claims -->"
BASELINES = {"fedlora": 42.7, "hetlora": 34.1, "flexlora": 5.0}  # % fewer rounds, claims 2 and 3
OURS = {"model_switching": "Algorithm 2", "model_switching_printed": "Algorithm 2 as printed"}
SWITCHING = {"one_shot": 1.9, "greedy": 1.3}  # points of accuracy, claim 8
STILL = "Algorithm 2 does not switch after round 2"
SEARCHES = {"newton": "corrected: Newton's method", "valid": "bisection, valid bracket"}
READINGS = {
    "equal": "corrected, interferers follow",
    "fixed": "corrected, interferers at P_max",
    "printed": "printed",
}


def fig2(table: pl.DataFrame) -> Iterator[Row]:
    """Claims 1 to 4."""
    table = counted(table)
    for scheme, name in OURS.items():
        ours = table.filter(pl.col("scheme") == scheme)
        if len(ours):
            yield minimum_inside(ours, name)
    yield from fewer_rounds(table)
    yield from slowest(table)


def minimum_inside(ours: pl.DataFrame, name: str) -> Row:
    """Claim 1."""
    curve = ours.group_by("ue_count").agg(pl.col("needed").mean()).sort("ue_count")
    counts = curve["ue_count"].to_list()
    first, last, best = counts[0], counts[-1], counts[int(curve["needed"].arg_min() or 0)]
    wide = ours.pivot("ue_count", index="seed", values="needed")
    falls, rises = (of(wide[str(k)] - wide[str(best)]) for k in (first, last))
    inside = first < best < last
    return Row(
        "1",
        "rounds to converge first fall, then rise with K",
        "minimum inside",
        name,
        f"fewest at K = {best}; K = {first}: {told(falls, 'more')}, K = {last}: {told(rises, 'more')}",
        falls.count,
        (HOLDS if falls.low > 0 and rises.low > 0 else DIRECTION) if inside else FAILS,
        "with our deadline: by (15) alone uploads get more reliable as K grows",
    )


def fewer_rounds(table: pl.DataFrame) -> Iterator[Row]:
    """Claims 2 and 3, paired by seed and K."""
    for scheme, paper in BASELINES.items():
        for policy, (own, own_name) in product(BASELINE_POLICIES, OURS.items()):
            ours = table.filter(pl.col("scheme") == own)
            base = table.filter(pl.col("scheme") == scheme, pl.col("bandwidth") == policy)
            pairs = ours.join(base, on=["ue_count", "seed"], suffix="_base")
            if not len(pairs):
                continue
            fewer = 100 * (1 - pl.col("needed") / pl.col("needed_base"))
            found = of(pairs.group_by("seed").agg(fewer.mean().alias("fewer"))["fewer"])
            never = (
                pairs["rounds_to_target_base"].null_count() + pairs["rounds_to_target"].null_count()
            )
            where = "built-in task" if pairs["data"][0] == "built-in" else pairs["data"][0]
            yield Row(
                "2" if scheme == "fedlora" else "3",
                f"fewer rounds than {scheme}, mean over K",
                f"{paper} %",
                f"{own_name}, {POLICIES[policy]} for {scheme}; {where}, "
                f"K = {', '.join(map(str, sorted(set(pairs['ue_count']))))}",
                told(found),
                found.count,
                judge(found, paper),
                "1 - ours / theirs"
                + (f"; {never} of {2 * len(pairs)} runs never arrive" if never else ""),
            )


def slowest(table: pl.DataFrame) -> Iterator[Row]:
    """Claim 4: full-parameter training against every other scheme, by simulated time to the
    target.
    """
    reached = table.group_by("scheme").agg(
        pl.col("rounds_to_target").is_not_null().mean().alias("share"),
        pl.col("seconds_to_target").mean().fill_null(np.inf).alias("time_s"),
        pl.col("seed").n_unique().alias("seeds"),
    )
    full, others = (
        reached.filter(pl.col("scheme").is_in(names))
        for names in (["full_parameter"], [*BASELINES, *OURS])
    )
    if not len(full) or not len(others):
        return
    own, least = full.row(0, named=True), others["share"].min()
    slower = own["time_s"] > others["time_s"].max()
    after = f", after {own['time_s']:.3g} s" if own["share"] else ""
    yield Row(
        "4",
        "full-parameter training is the slowest",
        "slowest",
        "both policies",
        f"reaches the target in {100 * own['share']:.0f} % of its runs{after}; "
        f"the others in {100 * least:.0f} % or more",
        own["seeds"],
        HOLDS if own["share"] < least or (own["share"] == least and slower) else FAILS,
        "it sends the whole model",
    )


def fig3(table: pl.DataFrame) -> Iterator[Row]:
    """Claims 5 to 7, everybody taking part as in the paper."""
    everybody = table.filter(pl.col("who") == "all")
    ended = everybody.group_by("search").agg(pl.col("converged").mean(), pl.len()).sort("search")
    printed = ended.filter(pl.col("search").str.starts_with("printed"))
    bounds = [name.split()[1] for name in printed["search"]]
    for name, rows in (
        *((name, ended.filter(pl.col("search") == search)) for search, name in SEARCHES.items()),
        (f"printed, E_min = 5 ms, E_input = {', '.join(bounds)} s", printed),
    ):
        if len(rows):
            always, shares = (
                rows["converged"].min() == 1,
                [f"{100 * s:.3g}" for s in rows["converged"]],
            )
            yield Row(
                "5",
                "Algorithm 1 always converges",
                "always",
                name,
                f"{', '.join(shares)} % of {rows['len'][0]} problems",
                everybody["seed"].n_unique(),
                HOLDS if always else FAILS,
                "" if always else "where E* lies outside of [E_min, E_input]",
            )
    printed = everybody.filter(pl.col("search").str.starts_with("printed"), "converged")
    widest = max(printed["search"].unique(), key=lambda search: float(search.split()[1]))
    printed = printed.filter(pl.col("search") == widest, pl.col("ue_count") >= 10)
    for value, name, claim in (
        ("outer", "outer iterations (steps of E)", "iterations rise with K"),
        ("inner", "inner solves (shares)", "iterations rise with K, O(K log2(E_input / omega))"),
    ):
        found = exponent(printed, value)
        falls = (
            "for a fixed E_input the steps fall, since E* comes nearer to it"
            if found.high < 0
            else ""
        )
        yield Row(
            "6",
            claim,
            "rise",
            name,
            f"∝ K^({told(found, '')})",
            found.count,
            above_zero(found),
            falls,
        )
    for who, name in (("all", "all UEs"), ("admitted", "who fits into the deadline")):
        delays = table.filter(
            pl.col("search") == "newton", pl.col("who") == who, pl.col("ue_count") >= 10
        )
        found = exponent(delays, "best_s")
        why = "" if who == "all" else "admission (ours) keeps E* within the deadline"
        yield Row(
            "7",
            "the delay adapts to K",
            "adapts",
            name,
            f"E* ∝ K^({told(found, '')})",
            found.count,
            above_zero(found),
            why,
        )


def fig4(table: pl.DataFrame) -> Iterator[Row]:
    """Claims 8 and 9: mean accuracy of the last evaluations, paired by seed."""
    found = scores(table)
    own = found.filter(pl.col("scheme") == "model_switching")
    switched = dict(own.group_by("formulas").agg(pl.col("switched").max()).iter_rows())
    claims = [
        ("8", f"more accurate than {name}", paper, "model_switching", name)
        for name, paper in SWITCHING.items()
    ]
    claims.append(
        ("9", "less accurate with a price of energy", -0.9, "energy_constrained", "model_switching")
    )
    data = "data: " + ", ".join(table["data"].unique().sort())
    for (number, claim, paper, one, other), (formulas, setting) in product(
        claims, FORMULAS.items()
    ):
        mine = found.filter(pl.col("formulas") == formulas)
        wide = mine.pivot("scheme", index="seed", values="final")
        if {one, other} <= set(wide.columns):
            more = of(100 * (wide[one] - wide[other]))
            still = f"; {STILL}" if switched.get(formulas) == 0 else ""
            yield Row(
                number,
                claim,
                f"{paper:+} points",
                f"{data}, formulas {setting}",
                told(more, "points"),
                more.count,
                judge(more, paper),
                f"mean of the last {LAST} evaluations{still}",
            )


def fig5(table: pl.DataFrame) -> Iterator[Row]:
    """Claims 10 to 12 for every reading."""
    for reading, name in READINGS.items():
        mine = table.filter(pl.col("reading") == reading)
        if not len(mine):
            continue
        at_price = mine.filter(pl.col("mu") == 1e5)
        here, dear = (
            mine.filter(pl.col("mu") == mu, pl.col("theta_db") == -5.0).sort("seed")
            for mu in (1e5, 1e6)
        )
        power, energy = (of(100 * here[value]) for value in ("power_saved", "uplink_saved"))
        scale = mine["mu_scale"][0]
        yield Row(
            "10",
            "power below maximum power at theta = -5 dB, mu = 1e5",
            "16.8 %",
            name,
            f"{told(power)} (uplink energy {told(energy)})",
            power.count,
            FAILS if scale is None else "by calibration",
            "no mu_scale gives it"
            if scale is None
            else f"mu_scale = {scale:.2g}, chosen for this number",
        )
        wide = at_price.pivot("theta_db", index="seed", values="power_saved")
        thetas = sorted(at_price["theta_db"].unique())
        means = ", ".join(f"{100 * of(wide[str(theta)]).mean:.1f}" for theta in thetas)
        steps = [of(100 * (wide[str(one)] - wide[str(two)])) for one, two in pairwise(thetas)]
        drop = of(100 * (wide[str(thetas[0])] - wide[str(thetas[-1])]))
        steady = all(step.mean > 0 for step in steps)
        yield Row(
            "11",
            "the saving shrinks as theta grows",
            "shrinks",
            name,
            f"{means} % at {', '.join(f'{theta:g}' for theta in thetas)} dB; "
            f"{told(drop, 'points')} less at the last",
            drop.count,
            above_zero(drop) if steady or drop.low <= 0 else DIRECTION,
            "" if steady else "not at every step",
        )
        more = 1 - dear["uplink_j"] / here["uplink_j"]
        for against, saved in (("maximum power", dear["uplink_saved"]), ("mu = 1e5", more)):
            found = of(100 * saved)
            yield Row(
                "12",
                f"overhead at mu = 1e6 below that of {against}",
                "11.9 %",
                name,
                told(found),
                found.count,
                judge(found, 11.9),
                "of uplink energy; the paper does not say against what",
            )


STUDIES: dict[str, tuple[str, Callable[[pl.DataFrame], Iterator[Row]]]] = {
    "fig2_convergence": ("1-4", fig2),
    "fig3_allocation": ("5-7", fig3),
    "fig4_switching": ("8-9", fig4),
    "fig5_energy": ("10-12", fig5),
}


def table_of(folder: Path, size: str) -> str:
    """The claims in Markdown; "not run" where a study's results are not there."""
    rows: list[Row] = []
    for name, (numbers, claims) in STUDIES.items():
        path = folder / f"{name}-{size}.parquet"
        if path.is_file():
            rows += claims(pl.read_parquet(path))
        else:
            rows.append(Row(numbers, f"those of {name}", "", "", "", "", "not run"))
    real = folder / f"fig2_convergence-{size}-real.parquet"
    if real.is_file():
        rows += fewer_rounds(counted(pl.read_parquet(real)))
    rows.sort(key=lambda row: int(row.number.split("-")[0]))
    names = {
        "number": "#",
        "claim": "claim",
        "paper": "paper",
        "setting": "setting",
        "ours": "ours, ± half of 95%",
        "seeds": "seeds",
        "verdict": "verdict",
        "why": "why, and what is ours",
    }
    return findings.markdown(
        pl.DataFrame([{**vars(row), "seeds": str(row.seeds)} for row in rows]), names
    )


def put(readme: Path, table: str) -> None:
    """Replace what is between the markers of a file."""
    text = readme.read_text(encoding="utf-8")
    before, opened, rest = text.partition(OPEN)
    _, closed, after = rest.partition(CLOSE)
    if not opened or not closed:
        sys.exit(f"{readme}: needs the markers {OPEN} and {CLOSE}")
    readme.write_text(f"{before}{OPEN}\n{table}\n{CLOSE}{after}", encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> None:
    """Read, judge, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=("small", "cpu", "full"), default="cpu")
    parser.add_argument("--results", type=Path, default=study.HERE / "results")
    parser.add_argument("--readme", type=Path)
    asked = parser.parse_args(argv)
    if not asked.results.is_dir():
        parser.error(f"--results must be a folder (found {asked.results})")
    table = table_of(asked.results, asked.size)
    rule = (verdict.__doc__ or "").strip().split("\n\n")[1]
    text = f"{findings.opening(__doc__ or '')}\n\n{rule}\n\n{table}\n"
    (asked.results / f"claims-{asked.size}.md").write_text(text, encoding="utf-8")
    if asked.readme is not None:
        put(asked.readme, table)
    sys.stdout.write(f"{table}\n")


if __name__ == "__main__":
    main()

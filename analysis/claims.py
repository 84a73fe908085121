"""Which claims of the paper's Section V hold here? Verdicts that follow from the studies' tables.

    python analysis/claims.py [--size cpu|full] [--results DIR] [--page FILE]

Reads the tables of claims_convergence, claims_switching, regimes, fig3_allocation, fig5_energy and
tuning in DIR (default analysis/results) and writes DIR/claims-SIZE.md, the verdicts with all cases
that they follow from. --page also puts the table between the markers `<!-- claims -->` and
`<!-- /claims -->` of FILE, and the cases between those of `cases`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import findings
import judge_convergence
import judge_network
import judge_switching
import polars as pl
import study
import verdict
from verdict import Row
from worlds import WORLDS

STUDIES: dict[str, tuple[str, Callable[[pl.DataFrame], Iterator[Row]]]] = {
    "claims_convergence": ("1-4", judge_convergence.convergence),
    "fig3_allocation": ("5-7", judge_network.allocation),
    "claims_switching": ("8-9", judge_switching.switching),
    "fig5_energy": ("10-12", judge_network.energy),
    "regimes": ("map", judge_switching.mapped),
}
REAL = {"claims_convergence": "claims_real"}  # the same on real sentences


def judged(folder: Path, size: str) -> list[Row]:
    """All claims in the paper's order; those of a study whose table is not there are not run."""
    rows: list[Row] = []
    for name, (numbers, judge) in STUDIES.items():
        path = folder / f"{name}-{size}.parquet"
        if path.is_file():
            rows += judge(_with_real(folder, name, size, pl.read_parquet(path)))
        else:
            rows.append(Row(numbers, f"those of {name}", "", (), study=name))
    return rows


def _with_real(folder: Path, name: str, size: str, table: pl.DataFrame) -> pl.DataFrame:
    """The runs of a study, with those on real data where there are any."""
    path = folder / f"{REAL[name]}-{size}.parquet" if name in REAL else None
    if path is None or not path.is_file():
        return table
    return pl.concat([table, pl.read_parquet(path)], how="diagonal_relaxed")


def table_of(rows: Sequence[Row]) -> str:
    """One line per claim."""
    lines = [
        {
            "#": row.number,
            "claim": row.claim,
            "paper": row.paper,
            "verdict": f"**{row.judged}**",
            "cases": row.tally,
            "why, and what is ours": row.why,
        }
        for row in rows
    ]
    return findings.markdown(pl.DataFrame(lines))


def cases_of(rows: Sequence[Row]) -> str:
    """Every setting of every claim, and where it stands."""
    lines = [
        {
            "#": row.number,
            "claim": row.claim,
            "setting": case.setting,
            "ours, ± half of 95%": case.ours,
            "seeds": str(case.seeds),
            "stands": case.stand,
        }
        for row in rows
        for case in row.cases
    ]
    return findings.markdown(pl.DataFrame(lines)) if lines else ""


def rates_of(folder: Path, size: str) -> str:
    """What the search of learning rates came to, and which worlds do without."""
    path = folder / "tuning-cpu.parquet"
    if not path.is_file():
        return "No rate was searched."
    found = pl.read_parquet(path)
    told = searched(found)
    switched = folder / f"claims_switching-{size}.parquet"
    if switched.is_file():
        told += unsearched(found, pl.read_parquet(switched))
    return told


def put(page: Path, name: str, text: str) -> None:
    """Replace what is between the markers `name` of a file."""
    opened, closed = f"<!-- {name} -->", f"<!-- /{name} -->"
    whole = page.read_text(encoding="utf-8")
    before, found, rest = whole.partition(opened)
    _, ended, after = rest.partition(closed)
    if not found or not ended:
        sys.exit(f"{page}: needs the markers {opened} and {closed}")
    page.write_text(f"{before}{opened}\n{text}\n{closed}{after}", encoding="utf-8")


def unsearched(rates_found: pl.DataFrame, switched: pl.DataFrame) -> str:
    """A sentence for each world of claims_switching in which no rate was searched."""
    told_of = []
    for (world,), own in switched.group_by("world", maintain_order=True):
        if world not in set(rates_found["world"]):
            used = ", ".join(f"{rate:g}" for rate in own["rate"].unique().sort())
            told_of.append(f" In the world {world} none was searched: all schemes train at {used}.")
    return "".join(told_of)


def searched(table: pl.DataFrame) -> str:
    """A sentence on the tuned rates: how many, and which were left at an edge of their grid."""
    chosen = table.filter("chosen")
    edge = chosen.filter(~pl.col("inside"))
    worlds = ", ".join(name for name in WORLDS if name in set(chosen["world"]))
    told_of = f"{len(chosen)} learning rates were searched (worlds {worlds}), "
    if len(edge):
        names = ", ".join(f"{w}: {s}" for w, s in edge.select("world", "scheme").iter_rows())
        return f"{told_of}{len(edge)} of them at an edge of their grid ({names})."
    widths = table.group_by("world", "scheme").agg(pl.len())["len"]
    width = findings.shown(float(widths.mean() or 0))
    return f"{told_of}each chosen inside of its grid, of {width} rates on average."


def main(argv: Sequence[str] | None = None) -> None:
    """Read, judge, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=("small", "cpu", "full"), default="cpu")
    parser.add_argument("--results", type=Path, default=study.HERE / "results")
    parser.add_argument("--page", type=Path)
    asked = parser.parse_args(argv)
    if not asked.results.is_dir():
        parser.error(f"--results must be a folder (found {asked.results})")
    rows = judged(asked.results, asked.size)
    table, cases = table_of(rows), cases_of(rows)
    rates = rates_of(asked.results, asked.size)
    rule = (verdict.__doc__ or "").strip().split("\n\n")[1]
    parts = [findings.opening(__doc__ or ""), rule, table, rates, "## Cases", cases]
    (asked.results / f"claims-{asked.size}.md").write_text(
        "\n\n".join(parts).strip() + "\n", encoding="utf-8"
    )
    if asked.page is not None:
        put(asked.page, "claims", f"{table}\n\n{rates}")
        put(asked.page, "cases", cases)
    sys.stdout.write(f"{table}\n\n{rates}\n")


if __name__ == "__main__":
    main()

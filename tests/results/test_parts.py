"""Queries part by part: lazy, the same answers, and memory that does not grow with the run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl

from netsim.results.parts import part_by_part
from netsim.results.reader import Run

QUERIES = """
import sys, time
from pathlib import Path
import polars as pl
from netsim.results.distributions import cdf, percentiles
from netsim.results.compare import per_round
from netsim.results.reader import Run
from netsim.results.reliability import fairness
run = Run(Path(sys.argv[1]))
queries = [run.latency_means("ue"), run.critical_path(), run.energy("ue"), run.outcomes("round"),
           run.outage_by_distance(), run.participation(), run.staleness(), per_round(run),
           percentiles(run.latency(), "finish_s", by="outcome"), cdf(run.latency(), "finish_s")]
begun = time.process_time()
rows = [len(q.collect(engine="streaming")) for q in queries]
assert fairness(run) > 0.9
peak_kb = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
print(time.process_time() - begun, int(peak_kb) / 1e6, *rows)
"""


def test_five_million_spans_in_little_memory(tmp_path: Path, synthetic: Callable[..., Run]) -> None:
    made = synthetic(tmp_path / "run", parts=10, rounds=50, ues=2500)
    assert made.metadata["records"]["spans"] == 5_000_000
    done = subprocess.run(
        [sys.executable, "-c", QUERIES, str(made.path)], capture_output=True, text=True, check=True
    )
    seconds, gigabytes, *rows = map(float, done.stdout.split())
    assert rows[:4] == [2500, 1500, 2500, 500]
    assert seconds < 15  # CPU; measured 3
    assert gigabytes < 0.6  # measured 0.33; all spans in memory would be 0.6 more


def test_pieces_give_what_the_whole_gives(tmp_path: Path, synthetic: Callable[..., Run]) -> None:
    made = synthetic(tmp_path / "run", parts=4, rounds=3, ues=30)
    assert [piece.part for piece in made.parts()] == [0, 1, 2, 3]
    assert sum(len(piece.uploads.collect()) for piece in made.parts()) == len(
        made.uploads.collect()
    )
    lazy = part_by_part(made, lambda piece: piece.uploads.group_by("round").len().sort("round"))
    whole = made.uploads.group_by("round").len().sort("round").collect()
    for engine in ("in-memory", "streaming"):
        # type: ignore[call-overload]
        assert lazy.sort("round").collect(engine=engine).equals(whole)
    some = lazy.filter(pl.col("round") > 5).select("len").head(2).collect()
    assert some["len"].to_list() == [30, 30]
    assert made.energy("round").filter(pl.col("round") == 7).collect()["round"].to_list() == [7]


def test_nothing_is_read_before_it_is_collected(
    tmp_path: Path, synthetic: Callable[..., Run]
) -> None:
    made = synthetic(tmp_path / "run", parts=2, rounds=2, ues=9)
    query = made.critical_path()
    for part in (made.path / "uploads").iterdir():
        part.unlink()
    assert len(query.collect()) == 0


def test_a_run_without_rows_answers_too(tmp_path: Path) -> None:
    empty = Run(tmp_path)
    assert empty.parts() == []
    for query in (
        empty.energy(),
        empty.critical_path(),
        empty.latency(),
        empty.participation(),
        empty.to_accuracy(),
    ):
        assert len(query.drop("level", strict=False).drop_nulls().collect()) == 0

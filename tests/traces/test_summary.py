"""What inspect says is what was put in."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from netsim.traces import open_trace
from netsim.traces.summary import summarise
from netsim.traces.trace import Trace


def test_facts_by_hand(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "time_s,node,x_m,y_m\n0,a,0,0\n1,a,3,4\n0,b,0,0\n2,a,3,4\n2,a,3,4\n2,a,9,9\n20,a,9,9\n19,a,9,9\n21,a,900,9\n"
    )
    facts = summarise(open_trace(tmp_path / "a.csv"))["mobility"]
    steps = facts.steps
    assert (facts.rows, list(facts.keys), facts.begin, facts.end) == (9, ["a", "b"], 0.0, 21.0)
    assert (steps.repeated, steps.jumps, steps.backwards, steps.fast) == (1, 1, 1, 1)
    assert steps.quantile_s(0.5) == 1.0
    assert steps.gaps() == (1, 18.0)
    assert (facts.low["x_m"], facts.high["x_m"], facts.high["y_m"]) == (0, 900, 9)
    assert steps.moved_m == pytest.approx(5 + 0 + 0 + 891)


def test_batches_do_not_matter(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One pass in small pieces says the same as one in a large piece."""
    trace = open_trace(samples / "grid.fcd.parquet")
    whole = summarise(trace)["mobility"]
    table = trace.table("mobility").collect()

    def pieces(frame: pl.LazyFrame) -> list[pl.DataFrame]:
        del frame
        return [
            table.select("time_s", "node", "x_m", "y_m", "speed_m_s")[at : at + 7]
            for at in range(0, len(table), 7)
        ]

    monkeypatch.setattr("netsim.traces.summary._batches", pieces)
    small = summarise(Trace(trace.path, trace.format, trace.tables))["mobility"]
    assert small.steps.lengths_s == whole.steps.lengths_s
    assert small.keys == whole.keys
    assert small.steps.moved_m == pytest.approx(whole.steps.moved_m)

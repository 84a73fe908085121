"""CSV files hold no formula of a stranger's, and read back to the names that were there."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import networkx as nx
import polars as pl
import pytest

from netsim.topology.files import read_sites
from netsim.topology.writers import write_sites
from netsim.traces import open_trace
from netsim.traces.convert import write_trace
from netsim.traces.tables.formulas import (
    found_formula,
    found_in_line,
    found_name,
    hidden_formula,
    hidden_formulas,
    hidden_in_line,
)
from netsim.traces.trace import Trace

BEGINNINGS = tuple("=+-@\t\r")
TEXTS = [
    "".join(letters) for n in (1, 2, 3, 4) for letters in itertools.product("'=-\ta,", repeat=n)
]
NAMES = ["=1+1", "+1", "-1", "-", "@SUM(A1)", "'=1", "''-x", "'", "'a", "it's", '"q",=1', "ok"]


def test_every_text_is_found_again() -> None:
    hidden = hidden_formulas(pl.LazyFrame({"text": TEXTS})).collect()["text"]
    assert not [text for text in hidden if text.startswith(BEGINNINGS)]
    assert hidden.to_frame().select(found_formula(pl.col("text")))["text"].to_list() == TEXTS
    assert [hidden_formula(text) for text in TEXTS] == hidden.to_list()
    assert [found_name(text) for text in hidden] == TEXTS
    lines = [hidden_in_line(text) for text in TEXTS]
    assert [found_in_line(line) for line in lines] == TEXTS
    assert not [line for line in lines if ",=" in line or "\t-" in line]


@pytest.mark.parametrize("name", ["a.csv", "a.fcd.csv", "a.csv.gz"])
def test_names_of_nodes(name: str, tmp_path: Path) -> None:
    """Numbers below zero stay numbers."""
    rows = pl.DataFrame({"time_s": [0.0, 1.0]}).join(pl.DataFrame({"node": NAMES}), how="cross")
    rows = rows.with_columns(x_m=-pl.col("time_s"), y_m=pl.lit(-500.25))
    trace = Trace(tmp_path / "none", "table", {"mobility": rows.lazy()})
    write_trace(trace, tmp_path / name)
    back = open_trace(tmp_path / name).table("mobility").collect()
    assert back.select(rows.columns).equals(rows)
    separator = ";" if name == "a.fcd.csv" else ","
    written = pl.read_csv(
        tmp_path / name, separator=separator, comment_prefix="#", infer_schema=False
    )
    assert not [cell for cell in written.to_series(1) if cell.startswith(BEGINNINGS)]
    assert written.to_series(3).unique().to_list() == ["-500.25"]


def test_a_name_that_is_no_formula_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time_s,node,x_m,y_m\n0,=1+1,1,500\n1,'b,2,500\n")
    found = open_trace(tmp_path / "a.csv").table("mobility").collect()
    assert found["node"].to_list() == ["=1+1", "'b"]


def test_what_stands_above_a_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("# time_origin=1,=1+1,''-1\ntime_s,node,x_m,y_m\n0,a,1,500\n")
    write_trace(open_trace(tmp_path / "a.csv"), tmp_path / "b.csv")
    assert "# time_origin=1,'=1+1,''-1" in (tmp_path / "b.csv").read_text()
    found = [open_trace(tmp_path / name).metadata["time_origin"] for name in ("a.csv", "b.csv")]
    assert found == ["1,=1+1,'-1"] * 2


def test_sites_and_their_attributes(tmp_path: Path) -> None:
    graph = nx.Graph()
    for number, name in enumerate(NAMES):
        about = {"owner": name, "=a": name, "'=a": "-1", "tilt": f"-{number}.5", "gain_db": -1.5}
        graph.add_node(name, x_m=-100.0 * number, y_m=5.0, **about)
    write_sites(graph, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header[3:] == ["owner", "'=a", "''=a", "tilt", "gain_db"]
    texts = [cell for row in rows for cell in (row[0], *row[3:5])]
    assert not [cell for cell in texts if cell.startswith(BEGINNINGS)]
    assert [row[6] for row in rows] == [f"-{number}.5" for number in range(len(NAMES))]
    back = read_sites(tmp_path / "a.csv")
    assert list(back) == NAMES
    for name in NAMES:
        assert back.nodes[name] == {**graph.nodes[name], "gain_db": "-1.5", "owner": name}

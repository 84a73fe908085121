"""Site files: the three formats read alike, and bad files get one clear error."""

from __future__ import annotations

import json
from pathlib import Path

import networkx as nx
import pytest

from netsim.errors import DataError
from netsim.topology.deployment import explicit_sites
from netsim.topology.files import read_sites
from netsim.topology.graph import site_graph

POSITIONS = [[0.0, 0.0], [650.5, -20.0], [10.0, 900.0]]


def _graph() -> nx.Graph:
    import numpy as np

    return site_graph(np.array(POSITIONS))


def test_csv_json_and_graphml_agree(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("site,x_m,y_m\na,0,0\nb,650.5,-20\nc,10,900\n")
    (tmp_path / "s.json").write_text(json.dumps(nx.node_link_data(_graph(), edges="edges")))
    nx.write_graphml(_graph(), tmp_path / "s.graphml")
    for name in ("s.csv", "s.json", "s.graphml"):
        assert explicit_sites(read_sites(tmp_path / name)).positions_m.tolist() == POSITIONS


BAD = {
    "empty.csv": ("", "is empty"),
    "header.csv": ("x_m,y_m\n", "has no sites"),
    "columns.csv": ("a,b\n1,2\n", "has no columns of places: x_m and y_m"),
    "nan.csv": ("x_m,y_m\n1,nan\n", "no row has a place"),
    "text.csv": ("x_m,y_m\n1,here\n", "'here'"),
    "twice.csv": ("site,x_m,y_m\na,1,2\na,3,4\n", "line 3: site names must differ"),
    "broken.json": ("{", "not JSON"),
    "list.json": ("[]", "node-link JSON has a list"),
    "noid.json": ('{"nodes": [{"x_m": 1, "y_m": 2}], "edges": []}', "`id` of its own"),
    "twice.json": (
        '{"nodes": [{"id": 1, "x_m": 1, "y_m": 2}, {"id": 1, "x_m": 1, "y_m": 2}]}',
        "`id` of its own",
    ),
    "broken.graphml": ("<graphml>", "not GraphML"),
    "bomb.graphml": ('<!DOCTYPE x [<!ENTITY a "b">]><graphml>&a;</graphml>', "entities is refused"),
    "sites.doc": ("x_m,y_m\n1,2\n", "suffix"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(name: str, tmp_path: Path) -> None:
    text, message = BAD[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read_sites(tmp_path / name)
    assert name in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such site file"):
        read_sites(tmp_path / "none.csv")

"""Rows grouped by node: a plain loop says the same, in any order of rows, over the pieces'
edges.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from netsim import rng
from netsim.errors import DataError
from netsim.traces.tracks import tracks_of


@pytest.mark.parametrize("is_sorted", [True, False])
def test_beside_a_plain_loop(is_sorted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netsim.traces.tracks._PIECE", 64)
    draws = rng.stream(3, "rows")
    time = np.round(draws.uniform(0, 50, 1000), 0)
    if is_sorted:
        time.sort()
    node = [f"n{i}" for i in draws.integers(0, 9, 1000)]
    frame = pl.DataFrame(
        {"time_s": time, "node": node, "x_m": draws.random(1000), "y_m": draws.random(1000)}
    )
    found = tracks_of(frame.lazy(), Path("a"))
    assert found.nodes == tuple(dict.fromkeys(node))
    for k, name in enumerate(found.nodes):
        own = frame.filter(pl.col("node") == name).sort("time_s", maintain_order=True)
        part = slice(found.first[k], found.first[k + 1])
        assert found.time_s[part].tolist() == own["time_s"].to_list()
        assert found.places_m[part].tolist() == own.select("x_m", "y_m").to_numpy().tolist()


def test_a_place_that_is_on_no_map_names_its_node_and_time() -> None:
    frame = pl.DataFrame(
        {"time_s": [0.0, 1.0], "node": ["a", "b"], "x_m": [0.0, 1e9], "y_m": [-1e9, 1.5e9]}
    )
    with pytest.raises(DataError, match=r"y_m of b at 1 s must be in -1e\+09\.\.1e\+09") as said:
        tracks_of(frame.lazy(), Path("a"))
    assert said.value.value == 1.5e9
    assert len(tracks_of(frame.lazy().head(1), Path("a")).nodes) == 1
    late = frame.lazy().head(1).with_columns(time_s=-2e12)
    with pytest.raises(DataError, match=r"time_s of a at -2e\+12 s must be in -1e\+12"):
        tracks_of(late, Path("a"))

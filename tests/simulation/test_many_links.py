"""A large network is worked out site by site: the same run as with all gains in a matrix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import netsim
from netsim.radio.site_gains import MATRIX_LINKS

NETWORK: dict[str, Any] = {
    "network_only": True,
    "scheme.kind": "round_robin",
    "rounds": 2,
    "ues.count": 60,
    "data.train_samples": 400,
    "data.test_samples": 50,
    "federation": "network",
    "topology.window_km": 3,
    "radio.interference": "network",
    "radio.bandwidth_hz": 2.5e6,
}
CASES: dict[str, dict[str, Any]] = {
    "blocks": {"radio.fading": "block"},
    "bands divided anew": {"radio.fading": "block", "radio.reallocation": "events"},
    "one draw": {"radio.retransmissions": 2, "radio.sinr_threshold_db": 3.0},
}


@pytest.mark.parametrize("case", CASES)
def test_many_links_are_as_few(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = netsim.load_scenario("quickstart", {**NETWORK, **CASES[case]})
    found = []
    for links in (MATRIX_LINKS, 0):
        monkeypatch.setattr("netsim.radio.site_gains.MATRIX_LINKS", links)
        run = netsim.run(scenario, out=tmp_path / str(links))
        found.append(run.uploads.collect())
    few, many = found
    assert len(few) == 120
    assert few["outcome"].equals(many["outcome"])
    for name, dtype in few.schema.items():
        if dtype == pl.Float64:
            apart = (few[name] - many[name]).abs()
            assert (apart <= 1e-9 * few[name].abs()).all(), name

"""The coherence time of UEs that move."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import netsim
from netsim.radio.fading import coherence_time_s

FAST: dict[str, Any] = {
    "network_only": True,
    "scheme.kind": "round_robin",
    "rounds": 1,
    "ues.count": 10,
    "data.train_samples": 400,
    "data.test_samples": 50,
    "topology.window_km": 3,
    "federation": "network",
    "radio.fading": "block",
    "radio.bandwidth_hz": 5e7,
    "mobility.kind": "random_waypoint",
    "mobility.min_speed_m_s": 2.0,
    "mobility.max_speed_m_s": 60.0,
    "round.deadline_s": 1.5,
    "round.compute_limit_s": 1.4,
}


def _run(folder: Path, **change: Any) -> netsim.Run:
    return netsim.run(netsim.load_scenario("quickstart", {**FAST, **change}), out=folder / "run")


@pytest.mark.parametrize(
    ("change", "blocks"),
    [
        ({}, 1),
        ({"radio.block_correlation": "jakes"}, 4),
        ({"radio.interference": "network"}, 1),
    ],
)
def test_a_channel_lasts_as_long_as_speed_has_it(
    change: dict[str, Any], blocks: int, tmp_path: Path
) -> None:
    """Each UE's channel changes with the coherence time of its own speed, within a factor 1.42."""
    run = _run(tmp_path, **{"record": True, **change})
    places = pl.read_parquet(run.path / "mobility").sort("time_s")
    channel = pl.read_parquet(run.path / "channel").sort("time_s")
    seen = set()
    for ue in range(10):
        first = places.filter(ue=ue)
        x, y, t = (first[name].to_numpy()[:2] for name in ("x_m", "y_m", "time_s"))
        speed = np.hypot(np.diff(x), np.diff(y)) / np.diff(t)
        mine = channel.filter(ue=ue).group_by("gnb", maintain_order=True)
        rows = next(iter(mine))[1]
        gain, at = rows["gain"].to_numpy(), rows["time_s"].to_numpy()
        changes_s = at[np.flatnonzero(np.diff(gain)) + 1]
        lasts_s = float(np.median(np.diff(changes_s)))
        wanted_s = coherence_time_s(max(float(speed[0]), 1.0), 3.5e9) / blocks
        assert abs(np.log2(lasts_s / wanted_s)) <= 0.51
        seen.add(round(1e4 * lasts_s))
    assert len(seen) > 2

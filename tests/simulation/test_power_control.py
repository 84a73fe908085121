"""Power control holds for interferers too, and schemes plan with the powers that are sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import netsim

SMALL: dict[str, Any] = {
    "network_only": True,
    "rounds": 10,
    "ues.count": 20,
    "data.train_samples": 400,
    "data.test_samples": 50,
    "radio.power_control.p0_dbm": -80,
    "radio.power_control.alpha": 0.8,
    "radio.min_power_w": 2e-3,
}


def _uploads(folder: Path, **change: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    run = netsim.run(netsim.load_scenario("quickstart", {**SMALL, **change}), out=folder / "run")
    return run.uploads.collect(), run.subscriptions.collect()


@pytest.mark.parametrize("sites", [{}, {"topology.kind": "hex"}])
def test_success_is_planned_as_it_turns_out(sites: dict[str, Any], tmp_path: Path) -> None:
    """Planned lambda of what was sent against its frequency (issue 20: .889 against 1e-34)."""
    change = {"scheme.kind": "model_switching", "scheme.participation": 0.0, **sites}
    uploads, subscriptions = _uploads(tmp_path, **change)
    planned = uploads.join(subscriptions, on=["round", "ue", "module"], how="left")
    success = (uploads["outcome"] != "outage").mean()
    assert len(uploads) > 40
    assert success > 0.4
    assert planned["success_probability"].mean() == pytest.approx(success, abs=0.15)


def test_powers_are_within_their_limits(tmp_path: Path) -> None:
    uploads, _ = _uploads(tmp_path, **{"scheme.kind": "fedlora"})
    assert uploads["power_w"].min() >= 2e-3 * (1 - 1e-9)
    assert uploads["power_w"].max() <= 0.2 * (1 + 1e-9)
    assert uploads["power_w"].n_unique() > 5
    near = uploads.sort("distance_m")
    assert near["power_w"][0] <= near["power_w"][-1]

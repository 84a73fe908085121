"""Absurd radios are refused with the rule; what is just allowed runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netsim
from netsim.errors import ScenarioError


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("radio.noise_psd_dbm_hz", 100, "less than or equal to 0"),
        ("radio.noise_psd_dbm_hz", -1e6, "greater than or equal to -400"),
        ("downlink.power_w", 1e-30, r"greater than or equal to 0\.000001"),
        ("downlink.power_w", 1e30, "less than or equal to 1000000"),
    ],
)
def test_refused(key: str, value: float, rule: str) -> None:
    with pytest.raises(ScenarioError, match=rf"{key}: input should be {rule}"):
        netsim.load_scenario("quickstart", {key: value})


@pytest.mark.parametrize(("rows", "most"), [("train", 200_000), ("test", 50_000)])
def test_a_built_in_task_has_so_many_sentences(rows: str, most: int) -> None:
    key = f"data.{rows}_samples"
    rule = f"{rows}_samples of a built-in task must be at most {most}, found {most + 1}"
    with pytest.raises(ScenarioError, match=rule):
        netsim.load_scenario("quickstart", {key: most + 1})
    netsim.load_scenario("quickstart", {key: most})
    netsim.load_scenario("quickstart", {key: most + 1, "data.path": "reviews.csv"})


@pytest.mark.parametrize(
    "change",
    [
        {"radio.noise_psd_dbm_hz": 0},
        {"radio.noise_psd_dbm_hz": -400},
        {"downlink.power_w": 1e-6},
        {"radio.noise_psd_dbm_hz": 0, "radio.fading": "block"},
    ],
)
def test_the_bounds_themselves_run(change: dict[str, Any], tmp_path: Path) -> None:
    small = {"network_only": True, "rounds": 2, "data.train_samples": 400, "data.test_samples": 50}
    run = netsim.run(netsim.load_scenario("quickstart", {**small, **change}), out=tmp_path / "run")
    uploads = run.uploads.collect()
    assert np.isfinite(uploads["sinr_db"].drop_nulls().to_numpy()).all()
    assert np.isfinite(uploads["end_s"].to_numpy()).all()

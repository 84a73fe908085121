"""The balance checks pass on real runs and catch a table that was tampered with."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from netsim.execution import run
from netsim.results import writer
from netsim.results.checks import check_run
from netsim.results.reader import Run, open_run
from netsim.scenario.model import Scenario

NETWORK = {
    "radio.interference": "network",
    "federation": "network",
    "topology.window_km": 4,
    "ues.count": 40,
}
STALE = {
    "round.late_uploads": "stale",
    "round.alloc_start": "arrival",
    "round.deadline_s": 1.5,
    "round.compute_limit_s": None,
    "ues.count": 30,
    "rounds": 6,
}
SCENARIOS: dict[str, dict[str, Any]] = {
    "quickstart": {},
    "many": {"ues.count": 60},
    "blocks": {"radio.fading": "block"},
    "arrival": {"round.alloc_start": "arrival"},
    "arrival-blocks": {"round.alloc_start": "arrival", "radio.fading": "block", "ues.count": 40},
    "endless": {"round.deadline_s": math.inf, "round.compute_limit_s": None},
    "tight": {"round.compute_limit_s": 0.3},
    "hex": {"topology.kind": "hex", "radio.pathloss.shadowing_std_db": 6.0},
    "uma": {
        "radio.pathloss.kind": "uma",
        "radio.noise_figure_db": 5.0,
        "radio.site_antenna_dbi": 15.0,
    },
    "open-loop": {"radio.power_control.p0_dbm": -80.0, "radio.power_control.alpha": 0.7},
    "again": {
        "radio.retransmissions": 3,
        "radio.rate_model": "threshold",
        "radio.sinr_threshold_db": 3.0,
    },
    "events": {"radio.reallocation": "events", "radio.retransmissions": 2, "ues.count": 30},
    "events-blocks": {"radio.reallocation": "events", "radio.fading": "block", "ues.count": 30},
    "network": NETWORK,
    "network-again": {
        **NETWORK,
        "radio.retransmissions": 2,
        "radio.reallocation": "events",
        "round.alloc_start": "arrival",
    },
    "network-blocks": {
        **NETWORK,
        "radio.fading": "block",
        "radio.background_ues": 3,
        "topology.boundary": "torus",
        "radio.reallocation": "events",
    },
    "idle-cells": {"radio.interference": "network", "radio.background_ues": 12},
    "w0": {"downlink.w0_broadcast": "every_round", "downlink.bandwidth_hz": 1e9},
    "fedlora": {"scheme.kind": "fedlora"},
    "few": {"scheme.ues_per_round": 3},
    "flops": {"compute.model": "flops"},
    "two": {"scheme.kind": "model_switching", "scheme.max_modules": 2},
    "stale": STALE,
    "stale-barrier": {
        **STALE,
        "round.alloc_start": "barrier",
        "round.deadline_s": 3.0,
        "scheme.kind": "fedlora",
    },
    "stale-blocks": {**STALE, "radio.fading": "block"},
    "stale-again": {**STALE, "radio.retransmissions": 2, "radio.sinr_threshold_db": 0.0},
    "stale-w0": {**STALE, "downlink.w0_broadcast": "every_round", "downlink.bandwidth_hz": 1e9},
    "stale-two": {**STALE, "scheme.kind": "model_switching", "scheme.max_modules": 2},
    "stale-network": {
        **NETWORK,
        **STALE,
        "radio.retransmissions": 1,
        "radio.sinr_threshold_db": 0.0,
    },
    "stale-network-blocks": {
        **NETWORK,
        **STALE,
        "radio.fading": "block",
        "radio.background_ues": 3,
        "topology.boundary": "torus",
    },
    "async": {"scheme.kind": "buffered_async", "scheme.concurrency": 6, "scheme.buffer": 2},
    "async-endless": {
        "scheme.kind": "buffered_async",
        "round.deadline_s": math.inf,
        "round.compute_limit_s": None,
    },
    "async-network": {
        **NETWORK,
        "scheme.kind": "buffered_async",
        "scheme.concurrency": 3,
        "scheme.buffer": 2,
        "radio.fading": "block",
    },
}


def _checks(found: Run, scenario: Scenario) -> dict[str, bool]:
    checks = check_run(
        found, bandwidth_hz=scenario.radio.bandwidth_hz, constant_rate=scenario.constant_rate
    )
    return {c.name: c.passed for c in checks}


@pytest.mark.parametrize("name", SCENARIOS)
def test_runs_balance(
    name: str,
    network_scenario: Callable[..., Scenario],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer, "MAX_ROUNDS_PER_PART", 1)  # what reaches into later rounds, too
    scenario = network_scenario(SCENARIOS[name])
    results = _checks(run(scenario, out=tmp_path / "run"), scenario)
    assert len(results) >= 20
    assert all(results.values()), [check for check, passed in results.items() if not passed]


TAMPER: dict[str, tuple[str, pl.Expr]] = {
    "upload energy = power drawn x time on the air": (
        "uploads",
        (pl.col("energy_j") * 1.001).alias("energy_j"),
    ),
    "compute energy = cycles x rho f^2": ("ues", (pl.col("cpu_hz") * 1.001).alias("cpu_hz")),
    "energy of spans = of rounds": (
        "rounds",
        (pl.col("uplink_energy_j") + 1e-3).alias("uplink_energy_j"),
    ),
    "rate = band x log2(1 + SINR)": ("uploads", (pl.col("sinr_db") + 1e-3).alias("sinr_db")),
    "bits delivered = of rounds": (
        "rounds",
        (pl.col("delivered_bits") + 1.0).alias("delivered_bits"),
    ),
    "no span ends before it starts": ("spans", (pl.col("start_s") + 100.0).alias("start_s")),
    "outcomes of uploads = of rounds": ("rounds", (pl.col("late") + 1).alias("late")),
    "shares of a gNB sum to at most 1": (
        "spans",
        (pl.col("bandwidth_hz") * 1.1).alias("bandwidth_hz"),
    ),
    "rounds of a gNB follow one another": ("rounds", (pl.col("end_s") + 0.5).alias("end_s")),
    "uploads end by the deadline": ("uploads", (pl.col("deadline_s") - 3.0).alias("deadline_s")),
}


@pytest.fixture(scope="module")
def sound(make_network: Callable[..., Scenario], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that balances."""
    return run(make_network(), out=tmp_path_factory.mktemp("sound") / "run").path


@pytest.mark.parametrize("check", TAMPER)
def test_tampering_is_caught(
    check: str, network_scenario: Callable[..., Scenario], sound: Path, tmp_path: Path
) -> None:
    scenario = network_scenario()
    shutil.copytree(sound, tmp_path / "run")
    table, change = TAMPER[check]
    part = next((tmp_path / "run" / table).glob("*.parquet"))
    pl.read_parquet(part).with_columns(change).write_parquet(part)
    assert not _checks(open_run(tmp_path / "run"), scenario)[check]


def _moved(folder: Path, table: str, part: int, change: pl.Expr) -> None:
    path = folder / table / f"part-{part:06d}.parquet"
    pl.read_parquet(path).with_columns(change).write_parquet(path)


def test_what_reaches_into_another_part_is_checked(
    network_scenario: Callable[..., Scenario], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_ROUNDS_PER_PART", 1)
    scenario = network_scenario()
    folder = tmp_path / "run"
    found = run(scenario, out=folder)
    longer = pl.when(pl.col("kind") == "uplink").then(pl.col("end_s") + 60.0)
    _moved(folder, "spans", 1, longer.otherwise(pl.col("end_s")).alias("end_s"))
    _moved(folder, "rounds", 1, (pl.col("end_s") + 60.0).alias("end_s"))
    results = _checks(open_run(folder), scenario)
    assert len(found.parts()) > 2
    for check in (
        "spans of a UE do not overlap",
        "shares of a gNB sum to at most 1",
        "rounds of a gNB follow one another",
    ):
        assert not results[check], check

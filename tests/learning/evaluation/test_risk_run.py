"""Whole runs on a tiny model: the table `risk`, what it leaves alone, and switching by measured
gaps.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from netsim.assembly import build_parts, build_simulation
from netsim.errors import ScenarioError
from netsim.execution import run
from netsim.learning.evaluation import risk_meter as risk
from netsim.protocols import Silence
from netsim.records import TABLES
from netsim.results.writer import MemorySink
from netsim.scenario.load import load_scenario
from netsim.scenario.model import Scenario

Make = Callable[..., Scenario]


@pytest.fixture
def tiny(model_folder: Callable[[str], str]) -> Make:
    """Five UEs on the tiny RoBERTa; SGD with tau = 1, as Theorem 1 has it."""

    def make(**overrides: Any) -> Scenario:
        base = {
            "rounds": 4,
            "ues.count": 5,
            "model.path": model_folder("roberta"),
            "data.train_samples": 300,
            "data.test_samples": 80,
            "data.samples_per_ue": 20,
            "topology.window_km": 8,
            "learning.local_steps": 1,
            "learning.local_optimizer": "sgd",
            "learning.learning_rate": 0.1,
            "learning.workers": 1,
        }
        return load_scenario("quickstart", {**base, **overrides})

    return make


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(risk, "MAX_DESCENTS", 8)


def test_the_bound_holds_and_nothing_else_changes(tiny: Make, tmp_path: Path) -> None:
    plain = run(tiny(), out=tmp_path / "plain")
    logged = run(tiny(**{"learning.log_risk": True}), out=tmp_path / "logged")
    assert not (plain.path / "risk").exists()
    assert plain.risk.collect().is_empty()
    for table in set(TABLES) - {"risk"}:
        assert_frame_equal(plain.table(table).collect(), logged.table(table).collect())
    for file in sorted(f for f in (plain.path / "adapters").rglob("*") if f.is_file()):
        assert file.read_bytes() == (logged.path / file.relative_to(plain.path)).read_bytes()

    rows = logged.risk.collect()
    assert rows["round"].to_list() == [0, 1, 2, 3, 4]
    assert (rows["measured_gap"] >= -1e-3).all()
    assert rows["bound"].is_null().to_list() == [True, False, False, False, False]
    after = rows.filter(pl.col("round") > 0)
    assert (after["bound"] >= after["measured_gap"]).all()
    terms = after.select(
        pl.sum_horizontal("convergence", "unreliability", "heterogeneity", "foundation")
    )
    assert np.allclose(terms.to_series(), after["bound"])
    last = rows.row(-1, named=True)
    for name in ("smoothness", "convexity", "dispersion", "bound_estimated"):
        assert np.isfinite(last[name])
        assert last[name] > 0


def test_modules_are_switched_by_their_measured_fit(tiny: Make) -> None:
    def subscribed(switch_gap: str) -> pl.DataFrame:
        scenario = tiny(**{"scheme.kind": "model_switching", "scheme.switch_gap": switch_gap})
        parts, sink = build_parts(scenario, Silence()), MemorySink()
        build_simulation(parts, sink, Silence()).run(parts.scheme)
        return sink.frame("subscriptions").filter("subscribed").select("round", "ue", "module")

    plain, fitted = subscribed("none"), subscribed("affinity")
    first = pl.col("round") == 1
    assert_frame_equal(
        plain.filter(first), fitted.filter(first)
    )  # switching acts on the next round
    assert not plain.equals(fitted)


def test_a_network_only_run_has_no_risk_to_log() -> None:
    with pytest.raises(ScenarioError, match="log_risk"):
        load_scenario("quickstart", {"network_only": True, "learning.log_risk": True})

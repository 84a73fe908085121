"""The gap and its bound by hand, from probes that are given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netsim.protocols import RiskProbe
from netsim.results.checkpoint import save_checkpoint, use_checkpoint
from netsim.simulation.tables.risk import RiskLog
from netsim.theory.risk_bound import default_constants
from netsim.theory.risk_monitor import RiskEstimates, RiskMonitor, gap_of


def probe(loss: list[list[float]], norm_sq: float = 1.0, smoothness: float = np.nan) -> RiskProbe:
    losses = np.array(loss)
    return RiskProbe(
        loss=losses,
        gradient_norm_sq=np.full(losses.shape, 2.0 * norm_sq),
        mean_gradient_norm_sq=np.full(losses.shape[1], norm_sq),
        smoothness=np.full(losses.shape[1], smoothness),
        optimum_loss=np.array([0.1, 0.2]),
        rho=np.array([0.25, 0.75]),
        test_samples=100,
        foundation_norm_sq=9.0,
    )


class Given:
    """A learner that hands out probes made before."""

    def __init__(self, *probes: RiskProbe) -> None:
        self.probes = list(probes)

    def probe(self) -> RiskProbe:
        return self.probes.pop(0)


class Uploads:
    """UE 0 on module 0; UE 1, on module 1, was not ready."""

    ue, module = np.array([0, 1]), np.array([0, 1])
    share, power_w = np.array([0.5, 0.5]), np.array([0.1, 0.1])
    ready = np.array([True, False])
    deadline_s, upload_start_s, payload_bits = np.full(2, 4.0), np.ones(2), np.full(2, 1e6)


class Plan:
    success_probability = None


class OverRound:
    number, plan, uploads = 1, Plan(), Uploads()


class Half:
    def probability(self, ue: np.ndarray, *_: object) -> np.ndarray:
        return np.full(len(ue), 0.5)


class Sink:
    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def write(self, table: str, columns: dict[str, float]) -> None:
        assert table == "risk"
        self.rows.append(columns)


def risk_log(sink: Sink, formulas: str, *given: RiskProbe) -> RiskLog:
    monitor = RiskMonitor(formulas, ues=2)
    return RiskLog(Given(*given), sink, monitor, 1e6)  # type: ignore[arg-type]


def test_gap_and_bound_by_hand() -> None:
    before, after = probe([[0.5, 0.9], [0.8, 0.6]]), probe([[0.4, 0.9], [0.7, 0.6]])
    assert gap_of(before) == pytest.approx(np.array([[0.4, 0.8], [0.6, 0.4]]))
    sink = Sink()
    log = risk_log(sink, "corrected", before, after)
    log.start()
    log.close(OverRound(), Half())  # type: ignore[arg-type]
    start, row = sink.rows
    assert start["measured_gap"] == pytest.approx(0.25 * 0.6 + 0.75 * 0.5)
    assert "bound" not in start  # null in the table
    assert row["measured_gap"] == pytest.approx(0.25 * (0.3 + 0.8) / 2 + 0.75 * (0.5 + 0.4) / 2)
    # S_0 = 0.25 (1 - 0.5) + 0.75, S_1 = 1; A = 0.1 (1 - 0.4 S), B = S
    missing = np.array([0.875, 1.0])
    contraction = 0.1 * (1 - 0.4 * missing)
    assert row["missing"] == pytest.approx(missing.mean())
    assert row["contraction"] == pytest.approx(contraction.mean())
    assert row["unreliability"] == row["floor"] == pytest.approx(missing.mean())
    per_module = np.array([0.25 * 0.4 + 0.75 * 0.6, 0.25 * 0.8 + 0.75 * 0.4])
    assert row["convergence"] == pytest.approx(((1 - contraction) * per_module).mean())
    # module 1 is the best single module: 0.25 x 0.9 + 0.75 x 0.6 against 0.25 x 0.5 + 0.75 x 0.8
    assert row["heterogeneity"] == pytest.approx(contraction.mean() * (0.25 * 0.8 + 0.75 * 0.4))
    total = row["convergence"] + row["unreliability"] + row["heterogeneity"]
    assert row["bound"] == pytest.approx(total)


def test_the_printed_form_has_a_term_of_the_foundation_model() -> None:
    sink, same = Sink(), probe([[0.5, 0.9], [0.8, 0.6]])
    log = risk_log(sink, "paper", same, same)
    log.start()
    log.close(OverRound(), Half())  # type: ignore[arg-type]
    assert sink.rows[1]["foundation"] == pytest.approx((1 + 2) / 4 * 9.0)
    assert sink.rows[1]["dispersion_slope"] == default_constants("paper", 2).dispersion_slope


def test_estimates_grow_from_probe_to_probe() -> None:
    estimates = RiskEstimates(slope=0.1)
    estimates.add(probe([[0.5, 0.9], [0.8, 0.6]], 1.0))
    assert estimates.constants() is None  # nothing has moved
    assert estimates.dispersion == pytest.approx(2.0 - 0.1)
    estimates.add(probe([[0.3, 0.7], [0.6, 0.4]], 0.5, smoothness=4.0))
    found = estimates.constants()
    assert found is not None
    assert found.smoothness == 4.0
    assert found.convexity == pytest.approx(1.0 / (2 * 0.2))  # both modules gained 0.2
    assert found.dispersion == pytest.approx(1.9)


@pytest.mark.parametrize("formulas", ["corrected", "paper"])
@pytest.mark.parametrize("stop", [0, 2])
def test_a_log_that_was_put_back_writes_the_same_rows(
    formulas: str, stop: int, tmp_path: Path
) -> None:
    losses = [[[0.9 - t / 10, 1.0 - t / 7], [0.8 - t / 9, 0.7]] for t in range(5)]
    probes = [probe(loss, 1.0 / (t + 1), smoothness=t or np.nan) for t, loss in enumerate(losses)]

    def log(*given: RiskProbe) -> tuple[RiskLog, Sink]:
        sink = Sink()
        return risk_log(sink, formulas, *given), sink

    (whole, expected), (first, _) = log(*probes), log(*probes)
    whole.start()
    first.start()
    for _ in range(4):
        whole.close(OverRound(), Half())  # type: ignore[arg-type]
    for _ in range(stop):
        first.close(OverRound(), Half())  # type: ignore[arg-type]
    save_checkpoint(tmp_path, stop, first.monitor.state())
    found = use_checkpoint(tmp_path, lambda newest: newest)
    assert found is not None
    second, rows = log(*probes[stop + 1 :])
    second.monitor.restore(found.state)
    for _ in range(4 - stop):
        second.close(OverRound(), Half())  # type: ignore[arg-type]
    assert repr(rows.rows) == repr(expected.rows[stop + 1 :])

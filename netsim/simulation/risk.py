"""The measured risk gap (5) beside its bound (6), round by round, on request (table `risk`).

The bound of a round comes from what was measured before it, from its subscriptions and from lambda:
it is tested by what is measured after it. lambda is the plan's, or that of the plan's shares and
powers where the scheme gives none; beta is 1 where the UE was subscribed and ready. lambda knows
nothing of the deadline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from netsim.errors import InputError
from netsim.protocols import Learner, RecordSink, RiskProbe, SuccessModel
from netsim.records import TABLES
from netsim.simulation.checkpoint import plain
from netsim.simulation.state import RoundState
from netsim.theory.estimation import estimate_convexity, estimate_dispersion
from netsim.theory.risk_bound import (
    RiskBound,
    RiskConstants,
    contraction,
    default_constants,
    error_floor,
    missing_probability,
    missing_weight,
    risk_bound,
)
from netsim.units import FloatArray


@dataclass
class Estimates:
    """Constants of Theorem 1 from the probes so far (model-spec 3.4), each the worst over the
    modules.
    """

    slope: float  # zeta_2, fixed
    smoothness: float = np.nan
    dispersion: float = np.nan
    _norm_sq: list[FloatArray] = field(default_factory=list)  # [N] per probe
    _loss: list[FloatArray] = field(default_factory=list)  # [N] per probe

    def add(self, probe: RiskProbe) -> None:
        """Take in one probe."""
        self._norm_sq.append(probe.mean_gradient_norm_sq)
        self._loss.append(probe.rho @ probe.loss)
        self.smoothness = float(np.fmax(self.smoothness, np.fmax.reduce(probe.smoothness)))
        seen = estimate_dispersion(
            probe.gradient_norm_sq.T, probe.mean_gradient_norm_sq, slope=self.slope
        )
        self.dispersion = float(np.fmax(self.dispersion, seen))

    @property
    def convexity(self) -> float:
        """xi, at most eps; NaN until a module has gained."""
        norm_sq, loss = np.array(self._norm_sq), np.array(self._loss)
        each = [estimate_convexity(norm_sq[:, n], loss[:, n]) for n in range(loss.shape[1])]
        found = float(np.fmin.reduce(each))
        return float(np.fmin(found, self.smoothness)) if found == found else found

    def state(self) -> dict[str, Any]:
        """All that was taken in, as arrays [probe, N] and numbers."""
        return {
            "norm_sq": np.array(self._norm_sq),
            "loss": np.array(self._loss),
            "smoothness": self.smoothness,
            "dispersion": self.dispersion,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        self._norm_sq, self._loss = list(state["norm_sq"]), list(state["loss"])
        self.smoothness, self.dispersion = state["smoothness"], state["dispersion"]

    def constants(self) -> RiskConstants | None:
        """None while one is unknown, or 0 where it may not be."""
        try:
            return RiskConstants(self.smoothness, self.convexity, self.dispersion, self.slope)
        except InputError:
            return None


class RiskLog:
    """Probes the learner and writes one row per round; round 0 has no bound."""

    def __init__(
        self,
        learner: Learner,
        sink: RecordSink,
        ues: int,
        bandwidth_hz: float,
        formulas: str,
    ) -> None:
        self._learner, self._sink, self._ues = learner, sink, ues
        self._bandwidth_hz, self._formulas = bandwidth_hz, formulas
        self._constants = default_constants(formulas, ues)
        self._estimates = Estimates(self._constants.dispersion_slope)
        self._missing: list[FloatArray] = []  # S_n of each round, [N]
        self._before: RiskProbe | None = None
        self._best: FloatArray = np.empty(
            0
        )  # [K] F_k of the best single module so far, which stands for w*

    def start(self) -> None:
        """Before training."""
        self._measure(0, {})

    def close(self, round_: RoundState, success: SuccessModel) -> None:
        """After the round's modules are made."""
        assert self._before is not None  # start came first
        probe = self._before
        lam = self._lambda(round_, success, probe.loss.shape)
        beta = np.zeros(probe.loss.shape)
        beta[round_.plan.ue[round_.ready], round_.plan.module[round_.ready]] = 1.0
        self._missing.append(
            missing_weight(probe.rho, missing_probability(lam, beta, self._formulas))
        )
        bound, estimated = self._bound(probe, self._constants), self._estimates.constants()
        last = self._missing[-1]
        kind = (self._constants, self._formulas, self._ues)
        row = {
            "bound": bound.total,
            "convergence": bound.convergence,
            "unreliability": bound.unreliability,
            "heterogeneity": bound.heterogeneity,
            "foundation": bound.foundation,
            "missing": last.mean(),
            "contraction": contraction(last, *kind).mean(),
            "floor": error_floor(last, *kind).mean(),
            "bound_estimated": np.nan if estimated is None else self._bound(probe, estimated).total,
            "smoothness": self._estimates.smoothness,
            "convexity": self._estimates.convexity,
            "dispersion": self._estimates.dispersion,
        }
        self._measure(round_.number, row)

    def state(self) -> dict[str, Any]:
        """What the rows to come depend on; the learner remembers what it probed."""
        assert self._before is not None  # start came first
        return {
            "missing": np.array(self._missing),
            "best": self._best,
            "before": plain(self._before),
            "estimates": self._estimates.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        self._missing, self._best = list(state["missing"]), state["best"]
        self._before = RiskProbe(**state["before"])
        self._estimates.restore(state["estimates"])

    def _measure(self, number: int, row: dict[str, Any]) -> None:
        probe = self._learner.probe()
        self._estimates.add(probe)
        whole = probe.rho @ probe.loss
        if self._before is None or whole.min() < probe.rho @ self._best:
            self._best = probe.loss[:, whole.argmin()]
        self._before = probe
        given = {
            "round": [number],
            "measured_gap": float(probe.rho @ gap_of(probe).mean(axis=1)),
            "dispersion_slope": self._estimates.slope,
            **row,
        }
        self._sink.write("risk", {c.name: given.get(c.name, np.nan) for c in TABLES["risk"]})

    def _bound(self, probe: RiskProbe, constants: RiskConstants) -> RiskBound:
        """(6) after the last round of `_missing`, from the losses before it.

        F(w*) is not known; the least seen takes its place, which makes the corrected bound larger.
        """
        missing, ues = np.array(self._missing), self._ues
        with np.errstate(
            over="ignore", invalid="ignore"
        ):  # the printed form may grow without limit
            return risk_bound(
                gap_of(probe),
                probe.rho,
                contraction(missing, constants, self._formulas, ues),
                error_floor(missing, constants, self._formulas, ues),
                constants=constants,
                formulas=self._formulas,
                task_gap=self._best - probe.optimum_loss,
                test_samples=probe.test_samples,
                foundation_norm_sq=probe.foundation_norm_sq,
            )

    def _lambda(
        self, round_: RoundState, success: SuccessModel, shape: tuple[int, ...]
    ) -> FloatArray:
        """[K, N]."""
        plan = round_.plan
        if plan.success_probability is not None:
            return plan.success_probability
        lam = np.zeros(shape)
        left_s = float((round_.deadline_s - round_.upload_start_s).max(initial=0.0))
        lam[plan.ue, plan.module] = success.probability(
            plan.ue, self._bandwidth_hz * plan.share, plan.power_w, round_.payload_bits, left_s
        )
        return lam


def gap_of(probe: RiskProbe) -> FloatArray:
    """F_k(w_n) - F_k(w*_k), [K, N]."""
    return probe.loss - probe.optimum_loss[:, np.newaxis]

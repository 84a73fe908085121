"""The measured risk gap (5) beside its bound (6), round by round.

The bound of a round comes from what was measured before it, from its subscriptions and from lambda:
it is tested by what is measured after it. lambda knows nothing of the deadline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from netsim.errors import InputError
from netsim.protocols import RiskProbe
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

RiskRow = dict[str, float]
"""Columns of the `risk` table."""


@dataclass
class RiskEstimates:
    """Constants of Theorem 1 from the probes so far (docs/model/risk-bound.md).

    Each is the worst over the modules.
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
        steepest = np.fmax.reduce(probe.smoothness)
        self.smoothness = float(np.fmax(self.smoothness, steepest))
        seen = estimate_dispersion(
            probe.gradient_norm_sq.T,
            probe.mean_gradient_norm_sq,
            slope=self.slope,
        )
        self.dispersion = float(np.fmax(self.dispersion, seen))

    @property
    def convexity(self) -> float:
        """xi, at most eps; NaN until a module has gained."""
        norm_sq = np.array(self._norm_sq)
        loss = np.array(self._loss)
        each = []
        for n in range(loss.shape[1]):
            each.append(estimate_convexity(norm_sq[:, n], loss[:, n]))
        found = float(np.fmin.reduce(each))
        if np.isnan(found):
            return found
        return float(np.fmin(found, self.smoothness))

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
        self._norm_sq = list(state["norm_sq"])
        self._loss = list(state["loss"])
        self.smoothness = state["smoothness"]
        self.dispersion = state["dispersion"]

    def constants(self) -> RiskConstants | None:
        """None while one is unknown, or 0 where it may not be."""
        try:
            return RiskConstants(
                smoothness=self.smoothness,
                convexity=self.convexity,
                dispersion=self.dispersion,
                dispersion_slope=self.slope,
            )
        except InputError:
            return None


class RiskMonitor:
    """Takes probes of the modules, and bounds each before it is taken."""

    def __init__(self, formulas: str, ues: int) -> None:
        self._formulas = formulas
        self._ues = ues
        self._constants = default_constants(formulas, ues)
        self._estimates = RiskEstimates(self._constants.dispersion_slope)
        self._missing: list[FloatArray] = []  # S_n of each round, [N]
        self._before: RiskProbe | None = None
        # F_k of the best single module so far, which stands for w*
        self._best: FloatArray = np.empty(0)  # [K]

    @property
    def shape(self) -> tuple[int, ...]:
        """(UEs, modules) of the last probe."""
        assert self._before is not None  # measured before the first round
        return self._before.loss.shape

    def bound(
        self,
        success_probability: FloatArray,
        subscribed: FloatArray,
    ) -> RiskRow:
        """What bounds the gap after a round with this lambda and beta, [K, N] each."""
        assert self._before is not None  # measured before the first round
        probe = self._before
        missing = missing_probability(success_probability, subscribed, self._formulas)
        self._missing.append(missing_weight(probe.rho, missing))
        bound = self._bound(probe, self._constants)
        estimated = self._estimates.constants()
        bound_estimated = np.nan
        if estimated is not None:
            bound_estimated = self._bound(probe, estimated).total
        last = self._missing[-1]
        kind = (self._constants, self._formulas, self._ues)
        return {
            "bound": bound.total,
            "convergence": bound.convergence,
            "unreliability": bound.unreliability,
            "heterogeneity": bound.heterogeneity,
            "foundation": bound.foundation,
            "missing": float(last.mean()),
            "contraction": float(contraction(last, *kind).mean()),
            "floor": float(error_floor(last, *kind).mean()),
            "bound_estimated": bound_estimated,
            "smoothness": self._estimates.smoothness,
            "convexity": self._estimates.convexity,
            "dispersion": self._estimates.dispersion,
        }

    def measure(self, probe: RiskProbe) -> RiskRow:
        """Take in a probe, and say how large the gap is."""
        self._estimates.add(probe)
        whole = probe.rho @ probe.loss
        best = int(whole.argmin())
        if self._before is None or whole[best] < probe.rho @ self._best:
            self._best = probe.loss[:, best]
        self._before = probe
        gap = gap_of(probe).mean(axis=1)
        return {
            "measured_gap": float(probe.rho @ gap),
            "dispersion_slope": self._estimates.slope,
        }

    def state(self) -> dict[str, Any]:
        """What the rows to come depend on; the learner remembers what it probed."""
        assert self._before is not None  # measured before the first round
        return {
            "missing": np.array(self._missing),
            "best": self._best,
            "before": asdict(self._before),
            "estimates": self._estimates.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        self._missing = list(state["missing"])
        self._best = state["best"]
        self._before = RiskProbe(**state["before"])
        self._estimates.restore(state["estimates"])

    def _bound(
        self,
        probe: RiskProbe,
        constants: RiskConstants,
    ) -> RiskBound:
        """(6) after the last round of `_missing`, from the losses before it.

        F(w*) is not known; the least seen takes its place, which makes the corrected bound larger.
        """
        missing = np.array(self._missing)
        kind = (constants, self._formulas, self._ues)
        with np.errstate(over="ignore", invalid="ignore"):  # the printed form may have no limit
            return risk_bound(
                gap_of(probe),
                probe.rho,
                contraction(missing, *kind),
                error_floor(missing, *kind),
                constants=constants,
                formulas=self._formulas,
                task_gap=self._best - probe.optimum_loss,
                test_samples=probe.test_samples,
                foundation_norm_sq=probe.foundation_norm_sq,
            )


def gap_of(probe: RiskProbe) -> FloatArray:
    """F_k(w_n) - F_k(w*_k), [K, N]."""
    return probe.loss - probe.optimum_loss[:, np.newaxis]

"""When a run ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class RunEnd:
    """How a run ended."""

    reason: str  # rounds | simulated_s | energy_j | target_accuracy | converged | trace_end
    rounds: int
    time_s: float
    energy_j: float


@dataclass(frozen=True)
class StopRules:
    """When a run ends, tested between rounds; the first rule that holds gives the reason."""

    rounds: int
    simulated_s: float | None = None
    energy_j: float | None = None
    target_accuracy: float | None = None
    patience_evaluations: int | None = None
    trace_end_s: float | None = None  # nobody is there any more

    def reason(
        self,
        rounds: int,
        time_s: float,
        energy_j: float,
        *,
        losses: Sequence[float],
        accuracy: float | None,
    ) -> str | None:
        """Why a run ends after so many rounds, or None.

        losses: of its evaluations so far; accuracy: of the last one.
        """
        spent_s, spent_j = self.simulated_s, self.energy_j
        rules = {
            "target_accuracy": self._is_accurate(accuracy),
            "converged": self._has_converged(losses),
            "simulated_s": spent_s is not None and time_s >= spent_s,
            "energy_j": spent_j is not None and energy_j >= spent_j,
            "trace_end": self.trace_end_s is not None and time_s > self.trace_end_s,
            "rounds": rounds >= self.rounds,
        }
        return next((name for name, holds in rules.items() if holds), None)

    def _is_accurate(self, accuracy: float | None) -> bool:
        if self.target_accuracy is None or accuracy is None:
            return False
        return accuracy >= self.target_accuracy

    def _has_converged(self, losses: Sequence[float]) -> bool:
        """The last evaluations are no better than those before."""
        patience = self.patience_evaluations
        if patience is None or len(losses) <= patience:
            return False
        return min(losses[-patience:]) >= min(losses[:-patience])

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
        losses: Sequence[float],
        accuracy: float | None,
    ) -> str | None:
        """Why a run ends after so many rounds, losses of its evaluations and their last accuracy;
        or None.
        """
        patience = self.patience_evaluations
        if (
            self.target_accuracy is not None
            and accuracy is not None
            and accuracy >= self.target_accuracy
        ):
            return "target_accuracy"
        if patience is not None and len(losses) > patience:
            best_before = min(losses[:-patience])
            if min(losses[-patience:]) >= best_before:
                return "converged"
        if self.simulated_s is not None and time_s >= self.simulated_s:
            return "simulated_s"
        if self.energy_j is not None and energy_j >= self.energy_j:
            return "energy_j"
        if self.trace_end_s is not None and time_s > self.trace_end_s:
            return "trace_end"
        return "rounds" if rounds >= self.rounds else None

"""A scheme that is another one with some of its parameters fixed: composed, so that nothing is
copied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from netsim.protocols import Observation, RoundPlan, Scheme


@dataclass
class Variant(Scheme):
    """Leaves everything to `inner`, which a variant declares as a `part` of itself."""

    inner: Any

    @property
    def needs_learning(self) -> bool:
        """As the scheme that it varies."""
        return bool(getattr(self.inner, "needs_learning", False))

    def ranks(self, configured: Sequence[int]) -> tuple[int, ...]:
        """As the scheme that it varies."""
        ranks: tuple[int, ...] = self.inner.ranks(configured)
        return ranks

    def plan(self, observation: Observation) -> RoundPlan:
        """As the scheme that it varies."""
        plan: RoundPlan = self.inner.plan(observation)
        return plan

    def state(self) -> dict[str, Any]:
        """That of the scheme that it varies."""
        state: dict[str, Any] = self.inner.state()
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        self.inner.restore(state)

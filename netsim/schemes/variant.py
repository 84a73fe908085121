"""A scheme that is another one with some of its parameters fixed, by composition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from netsim.protocols import Observation, Optimisation, RoundPlan, Scheme, Tail


@dataclass
class Variant(Scheme):
    """Leaves everything to `inner`, which a variant declares as a `part` of itself."""

    inner: Scheme

    @property
    def asynchronous(self) -> bool:
        """As the scheme that it varies."""
        return self.inner.asynchronous

    @property
    def needs_learning(self) -> bool:
        """As the scheme that it varies."""
        return self.inner.needs_learning

    @property
    def needs_head(self) -> bool:
        """As the scheme that it varies."""
        return self.inner.needs_head

    @property
    def outdates_uploads(self) -> str | None:
        """As the scheme that it varies."""
        return self.inner.outdates_uploads

    @property
    def outdates_memories(self) -> str | None:
        """As the scheme that it varies."""
        return self.inner.outdates_memories

    @property
    def sends_more(self) -> str | None:
        """As the scheme that it varies."""
        return self.inner.sends_more

    @property
    def exact_downloads(self) -> bool:
        """As the scheme that it varies."""
        return self.inner.exact_downloads

    @property
    def reckons_rates(self) -> bool:
        """As the scheme itself."""
        return self.inner.reckons_rates

    @property
    def tail(self) -> Tail | None:
        """As the scheme that it varies."""
        return self.inner.tail

    @property
    def unit_rows(self) -> bool:
        """As the scheme that it varies."""
        return self.inner.unit_rows

    @property
    def averages(self) -> bool:
        """As the scheme that it varies."""
        return self.inner.averages

    @property
    def optimisation(self) -> Optimisation:
        """As the scheme that it varies."""
        return self.inner.optimisation

    def ranks(self, configured: Sequence[int]) -> tuple[int, ...]:
        """As the scheme that it varies."""
        return self.inner.ranks(configured)

    def plan(self, observation: Observation) -> RoundPlan:
        """As the scheme that it varies."""
        return self.inner.plan(observation)

    def state(self) -> dict[str, Any]:
        """That of the scheme that it varies."""
        return self.inner.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        self.inner.restore(state)

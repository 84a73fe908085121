"""A rule of an outside package: what it raises names it, also from a worker process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from netsim.errors import NetsimError, RunError
from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.rule import Partial, Rule, Upload


@dataclass(frozen=True)
class OutsideRule:
    """Does what `rule` does. Raises RunError where it raises what is no NetsimError."""

    name: str
    rule: Rule

    def add(
        self,
        partial: Partial | None,
        upload: Upload,
        layout: AdapterLayout,
    ) -> Partial:
        """As `Rule`."""
        with self._named("add"):
            return self.rule.add(partial, upload, layout)

    def merge(
        self,
        left: Partial,
        right: Partial,
    ) -> Partial:
        """As `Rule`."""
        with self._named("merge"):
            return self.rule.merge(left, right)

    def apply(
        self,
        state: Vector,
        partial: Partial,
        layout: AdapterLayout,
        rate: float,
    ) -> Vector:
        """As `Rule`."""
        with self._named("apply"):
            return self.rule.apply(state, partial, layout, rate)

    @contextmanager
    def _named(self, method: str) -> Iterator[None]:
        try:
            yield
        except NetsimError:
            raise
        except Exception as error:
            what = f"aggregation {self.name} ({type(self.rule).__qualname__}.{method})"
            raise RunError(f"{what} raised {type(error).__name__}: {error}") from error

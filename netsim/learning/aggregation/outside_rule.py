"""Rules of outside packages: what they raise names them, also from a worker process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from netsim.errors import NetsimError, RunError
from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.rule import (
    LocalRule,
    Moment,
    Partial,
    PersonalRule,
    Rule,
    StatefulRule,
    UeMoment,
    Upload,
)


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


@dataclass(frozen=True)
class OutsideStatefulRule(OutsideRule):
    """The same for one that remembers."""

    rule: StatefulRule

    def step(
        self,
        state: Vector,
        partial: Partial,
        layout: AdapterLayout,
        rate: float,
        moment: Moment,
    ) -> Vector:
        """As `StatefulRule`."""
        with self._named("step"):
            return self.rule.step(state, partial, layout, rate, moment)


@dataclass(frozen=True)
class OutsideLocalRule(OutsideRule):
    """The same for one with a part at the UEs."""

    rule: LocalRule

    def correction(
        self,
        layout: AdapterLayout,
        moment: UeMoment,
    ) -> Vector | None:
        """As `LocalRule`."""
        with self._named("correction"):
            return self.rule.correction(layout, moment)

    def leave(
        self,
        upload: Upload,
        layout: AdapterLayout,
        moment: UeMoment,
    ) -> Upload:
        """As `LocalRule`."""
        with self._named("leave"):
            return self.rule.leave(upload, layout, moment)


@dataclass(frozen=True)
class OutsidePersonalRule(OutsideRule):
    """The same for one beside which UEs train modules of their own."""

    rule: PersonalRule

    @property
    def personal_weight(self) -> float | None:
        """As `PersonalRule`."""
        with self._named("personal_weight"):
            return self.rule.personal_weight


def outside_rule(name: str, rule: Rule) -> OutsideRule:
    """A rule called `name`, of all the kinds that it is."""
    kinds: list[type[OutsideRule]] = []
    if isinstance(rule, StatefulRule):
        kinds.append(OutsideStatefulRule)
    if isinstance(rule, LocalRule):
        kinds.append(OutsideLocalRule)
    if isinstance(rule, PersonalRule):
        kinds.append(OutsidePersonalRule)
    made: type[OutsideRule] = type("OutsideRule", (*kinds, OutsideRule), {})
    return made(name, rule)

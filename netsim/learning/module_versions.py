"""The modules as they are now, and older versions of them that uploads in flight started from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from netsim.errors import RunError
from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.rule import Moment, Partial, Rule, StatefulRule
from netsim.learning.aggregation.zero_padding import dead_ranks
from netsim.learning.base_delta import BaseDelta
from netsim.learning.learner_state import Version
from netsim.learning.spec import LocalTraining
from netsim.protocols import Tickets
from netsim.units import IntArray


class ModuleVersions:
    """The version of a module is the round that last changed it (0: none yet)."""

    def __init__(
        self,
        layouts: Sequence[AdapterLayout],
        states: Sequence[Vector],
    ) -> None:
        self._layouts = layouts
        self.states = list(states)
        self.versions: IntArray = np.zeros(len(layouts), dtype=np.int64)
        self.old: dict[Version, Vector] = {}  # in flight, and no longer current
        self.base = BaseDelta()

    def current(self) -> tuple[Version, ...]:
        """The present version of every module."""
        return tuple(enumerate(self.versions.tolist()))

    def known(self) -> dict[Version, Vector]:
        """All versions that are kept."""
        return dict(zip(self.current(), self.states, strict=True)) | self.old

    def vectors(self, tickets: Tickets | None) -> dict[Version, Vector]:
        """The present versions, and those that the tickets start from."""
        vectors = dict(zip(self.current(), self.states, strict=True))
        if tickets is not None:
            for key in versions_of(tickets):
                if key not in vectors:
                    vectors[key] = self.old[key]
        return vectors

    def replace(
        self,
        round: int,
        rule: Rule,
        partial: dict[int, Partial],
        training: LocalTraining,
        moment_of: Callable[[int], Moment],
    ) -> None:
        """Make the new versions of the modules in `partial`. Raises RunError on divergence.

        `moment_of` gives what a rule may know besides, by module.
        """
        rate = training.server_rate
        for module, whole in partial.items():
            given = self.states[module], whole, self._layouts[module], rate
            with np.errstate(over="ignore", invalid="ignore"):
                if isinstance(rule, StatefulRule):
                    moment = moment_of(module)
                    state = rule.step(*given, moment)
                    self._change_base(round, moment)
                else:
                    state = rule.apply(*given)
            if not (np.isfinite(state).all() and self.base.finite):
                raise RunError(
                    f"training has diverged: module {module} is not finite after round {round}; "
                    f"the learning rate is too high (found {training.learning_rate:g})"
                )
            self.states[module] = state
            self.versions[module] = round

    def _change_base(self, round: int, moment: Moment) -> None:
        """What a rule has added to the frozen weights."""
        if not moment.base:
            return
        if len(self.states) > 1:
            rule = "a rule that changes the frozen weights must be that of the only module"
            raise RunError(f"{rule} (found {len(self.states)} modules)")
        self.base.add(round, moment.base)

    def forget(
        self,
        before: dict[Version, Vector],
        in_flight: Tickets | None,
    ) -> None:
        """Keep, of the versions that there were, only what is in flight."""
        needed = set() if in_flight is None else versions_of(in_flight)
        needed -= set(self.current())
        if needed and self.base.version:
            rule = "uploads may not outlast their rounds where aggregation changes frozen weights"
            raise RunError(rule)
        self.old = {key: before[key] for key in sorted(needed) if key in before}

    def dead_ranks(self) -> int:
        """Dead ranks of all modules (aggregation/zero_padding.py)."""
        total = 0
        for layout, state in zip(self._layouts, self.states, strict=True):
            total += dead_ranks(layout, state)
        return total

    def check_known(self, tickets: Tickets) -> None:
        """Raises RunError unless every ticket starts from a version that is kept."""
        known = {*self.current(), *self.old}
        modules = tickets.module.tolist()
        versions = tickets.version.tolist()
        for ue, module, version in zip(tickets.ue.tolist(), modules, versions, strict=True):
            if (module, version) not in known:
                raise RunError(
                    f"the ticket of UE {ue} starts from version {version} of module {module}, "
                    f"which is not kept; the current version is {self.versions[module]}"
                )


def versions_of(tickets: Tickets) -> set[Version]:
    """The versions that the tickets start from."""
    return set(zip(tickets.module.tolist(), tickets.version.tolist(), strict=True))

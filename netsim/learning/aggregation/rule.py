"""What turns the uploads of a round into new modules: the interface of a rule.

Uploads are folded in one by one and dropped, chunk by chunk in the order of the tickets. So memory
holds what a rule makes of them, and not one upload per UE.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from netsim.learning.adapters import AdapterLayout, Vector
from netsim.protocols import PARTS, WHOLE
from netsim.rng import stream
from netsim.units import BoolArray

Partial = dict[str, NDArray[Any]]
"""What a rule remembers of the uploads of one module so far."""


@dataclass(frozen=True)
class Upload:
    """What one UE sends of one module: the trained tensors of its first `rank` ranks.

    Its tensors by name: layout.at_rank(rank).views(torch.from_numpy(vector)), of `start`, `update`
    or `end`.
    """

    module: int
    rank: int  # 0: a full module
    samples: int  # D_k
    staleness: int  # versions made since the UE downloaded
    start: Vector  # [sent] as downloaded
    update: Vector  # [sent] gradient (sgd) or start - end (adam)
    rate: float  # end = start - rate update
    ue: int = -1  # whose it is
    parts: int = WHOLE  # of the module, that it brings; the others are as downloaded
    # what it brings besides, by name; before a rule's `leave`, "gradient" is the mean over the
    # local steps, corrections included
    extra: Mapping[str, Vector] = field(default_factory=dict)
    gnb: int = -1  # to which it is sent

    @property
    def end(self) -> Vector:
        """The UE's tensors after its local steps. [sent]."""
        return self.start - np.float32(self.rate) * self.update

    @property
    def lacks(self) -> BoolArray:
        """Which of protocols.PARTS it does not bring. [3]."""
        return np.asarray(PARTS & self.parts == 0)


class Rule(Protocol):
    """One way to aggregate. `layout` is the module's layout at its own rank."""

    @abstractmethod
    def add(
        self,
        partial: Partial | None,
        upload: Upload,
        layout: AdapterLayout,
    ) -> Partial:
        """Fold in one upload; None before the first of a chunk."""
        ...

    @abstractmethod
    def merge(
        self,
        left: Partial,
        right: Partial,
    ) -> Partial:
        """Join the partial results of an earlier and a later chunk."""
        ...

    @abstractmethod
    def apply(
        self,
        state: Vector,
        partial: Partial,
        layout: AdapterLayout,
        rate: float,
    ) -> Vector:
        """The new module [layout.size] from the present one.

        What was not sent (a frozen head) stays. `rate` turns an averaged update into a step: the
        learning rate of sgd, 1 for adam.
        """
        ...


# -- rules that remember, or draw ------------------------------------------------------------------

Memory = dict[str, NDArray[Any]]
"""Arrays that are kept between rounds, and in checkpoints. A rule changes it in place."""


@dataclass(frozen=True)
class Moment:
    """When and for which module a rule works, and what it remembers of that module."""

    round: int
    module: int
    seed: int  # of the run
    memory: Memory
    base: dict[str, NDArray[Any]] = field(default_factory=dict, init=False)  # see `add_to_base`

    def add_to_base(
        self,
        name: str,
        change: NDArray[Any],
    ) -> None:
        """Change the frozen weight [out, in] of the layer whose A is called `name`, in a `step`.

        All UEs must hear of it: the plan charges for that. Only where there is one module.
        """
        self.base[name] = self.base.get(name, 0.0) + change

    def stream(self, name: str) -> np.random.Generator:
        """Draws of this round and module: the same whatever else the run does."""
        return stream(self.seed, f"aggregation.{name}", self.round, self.module)


@dataclass(frozen=True)
class UeMoment(Moment):
    """The same at one UE: `memory` is the UE's own, of that module."""

    ue: int
    server: Memory  # what the rule remembers of the module at the server; not to be changed

    def stream(self, name: str) -> np.random.Generator:
        """Draws of this round, UE and module."""
        return stream(self.seed, f"aggregation.{name}", self.round, self.ue, self.module)


@runtime_checkable
class StatefulRule(Rule, Protocol):
    """A rule that remembers what was (moments, control variates), or draws at random.

    `step` is called in place of `apply`, once for each module of which something has arrived.
    """

    @abstractmethod
    def step(
        self,
        state: Vector,
        partial: Partial,
        layout: AdapterLayout,
        rate: float,
        moment: Moment,
    ) -> Vector:
        """As `apply`."""
        ...


@runtime_checkable
class TieredRule(StatefulRule, Protocol):
    """A rule that keeps a model of each gNB's own, from which the UEs of the gNB go on."""

    @abstractmethod
    def start(
        self,
        state: Vector,
        memory: Memory,
        gnb: int,
    ) -> Vector:
        """The module as UEs of a gNB get it, [layout.size]; `state` is the core's.

        `memory` is what the rule remembers of the module; not to be changed.
        """
        ...


@runtime_checkable
class PersonalRule(Rule, Protocol):
    """A rule beside which each UE trains a module of its own, which is never sent."""

    @property
    def personal_weight(self) -> float | None:
        """Of |v - w|^2 / 2 in the loss of the own module v, with w as the UE downloaded it.

        None: there is no such module after all.
        """
        ...


@runtime_checkable
class LocalRule(Rule, Protocol):
    """A rule with a part at the UEs, each of which has a memory of its own for each module.

    All UEs that train, and not only those whose uploads arrive, change what they remember if the
    plan says redeem = "before_uplink"; otherwise nobody computes what is lost.
    """

    @abstractmethod
    def correction(
        self,
        layout: AdapterLayout,
        moment: UeMoment,
    ) -> Vector | None:
        """What the UE adds to every gradient of its local steps, [layout.size]; None: nothing.

        `layout` is the module's at the UE's rank.
        """
        ...

    @abstractmethod
    def leave(
        self,
        upload: Upload,
        layout: AdapterLayout,
        moment: UeMoment,
    ) -> Upload:
        """What the UE sends of its training. `layout` is the module's at its own rank."""
        ...

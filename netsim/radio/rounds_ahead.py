"""What is worked out for some rounds at once, as one round after the other will ask for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import is_
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class RoundsAhead(Generic[T]):
    """Of rounds of few UEs, small arrays are what costs the time: those of several are joined.

    Nothing is worked out ahead before two rounds have asked about the same: of UEs that move, the
    next round is not known.
    """

    _about: tuple[object, ...] = field(default=(), init=False)
    _known: dict[int, T] = field(default_factory=dict, init=False)

    def of(
        self,
        about: tuple[object, ...],
        round: int,
        most: int,
        work_out: Callable[[Sequence[int]], list[T]],
    ) -> T:
        """What `work_out` gives of a round, and so of up to `most` rounds from it on.

        about: the very objects on which it depends.
        """
        same = len(about) == len(self._about) and all(map(is_, about, self._about))
        if not same:
            self._about, self._known = about, {}
        if round not in self._known:
            rounds = range(round, round + (most if same else 1))
            self._known = dict(zip(rounds, work_out(rounds), strict=True))
        return self._known[round]

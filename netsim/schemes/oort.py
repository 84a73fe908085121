"""Oort: F. Lai, X. Zhu, H. V. Madhyastha, M. Chowdhury, "Oort: efficient federated learning via
guided participant selection", OSDI 2021, Algorithm 1, extended to N adapters, dealt out in turn.

In round R, for a group of K UEs of each gNB:

1. feedback: a UE whose upload counted has utility U = |B| sqrt(mean of loss^2 over its samples B),
   clipped at a quantile of all; L is the round and t the time it took;
2. pacer: every W rounds, if their utility is below that of the W before, the preferred time T of a
   round grows by Delta;
3. exploitation: explored UEs have U + sqrt(0.1 ln R / L), times (T / t)^alpha where t > T. Of those
   with at least c of the (1 - epsilon) K-th best, (1 - epsilon) K are drawn in proportion to it;
4. exploration: epsilon K of the unexplored ones are drawn in proportion to their speed, 1 / t.
   epsilon decays from round to round to a least value.

t is real: from the start of the round to the last bit of the upload, or to the moment at which a
late one was given up. It is expected where nothing has been sent yet: computing as planned, mean
rates. The losses are those of the training itself, so they cost no computing; each upload carries
one of 32 bit.

Ours: Delta, which the paper gives in seconds of its testbed, is by default the median of the times
that are expected in round 1; nobody is overcommitted, since a deadline ends rounds; UEs are not
barred after a number of rounds unless `most_picks` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from netsim import rng
from netsim.plugins import Limited, parameter, part
from netsim.protocols import Exchange, Observation, RoundOutcome, RoundPlan, Scheme
from netsim.schemes.base import adapter_in_turn
from netsim.schemes.group import GroupSize
from netsim.schemes.one_adapter import seen_with
from netsim.schemes.radio import LONG_S, SharedBand, gnb_ues
from netsim.schemes.sampling import LOSS_BITS, drawn_by_weight, expected_s
from netsim.units import BoolArray, FloatArray, IntArray

REPORT = Exchange(more_up_bits=LOSS_BITS)


@dataclass
class Oort(Limited, Scheme):
    """UEs with large losses that are fast enough, and some that are not known yet."""

    group: GroupSize = part(GroupSize)
    exploration: float = parameter(
        0.9, "epsilon, part of a group that is drawn from the unexplored, in round 1", ge=0, le=1
    )
    exploration_decay: float = parameter(0.98, "its factor from round to round", gt=0, le=1)
    least_exploration: float = parameter(0.2, "its least value", ge=0, le=1)
    penalty: float = parameter(2.0, "alpha, of UEs that are slower than T", ge=0)
    cutoff: float = parameter(0.95, "c, part of the last utility that still takes part", ge=0, le=1)
    clip: float = parameter(0.95, "quantile at which utilities are cut off", gt=0, le=1)
    pacer_step_s: float | None = parameter(
        None, "Delta, by which T grows, and where it begins, s; default: the median expected", gt=0
    )
    pacer_window: int = parameter(20, "W, rounds over which the pacer sums utilities", ge=1)
    most_picks: int | None = parameter(None, "rounds after which a UE is not taken again", ge=1)
    band: SharedBand = part(SharedBand)

    name: ClassVar[str] = "oort"
    citation: ClassVar[str] = "Lai et al., OSDI 2021"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._known: Feedback | None = None
        self._planned = 0  # the last round

    @property
    def needs_learning(self) -> bool:
        """Utilities are losses of training."""
        return True

    def plan(self, observation: Observation) -> RoundPlan:
        """Feedback and pacer, then exploitation and exploration at each gNB."""
        expected = expected_s(observation, self.group.of(len(observation.gnb)))
        if observation.round > self._planned:
            self._look_back(observation, expected)
            self._planned = observation.round
        known = self._known
        assert known is not None
        time_s = np.where(np.isfinite(known.took_s), known.took_s, expected)
        utility = self._utility(known, time_s, observation.round)
        draws = rng.stream(observation.seed, "oort", observation.round)
        mark = draws.exponential(size=(2, len(time_s)))
        chosen = np.zeros(len(time_s), dtype=np.bool_)
        for mine in gnb_ues(observation):
            chosen[self._select(mine, utility, 1.0 / time_s, mark)] = True
        ue = np.flatnonzero(chosen)
        seen = seen_with(observation, REPORT)
        plan = self.band.plan(seen, ue, adapter_in_turn(observation, ue))
        return replace(plan, exchange=REPORT)

    def _look_back(self, observation: Observation, expected: FloatArray) -> None:
        """Steps 1 and 2."""
        if self._known is None:
            able = expected[expected < LONG_S]
            step_s = self.pacer_step_s or (float(np.median(able)) if len(able) else LONG_S)
            self._known = Feedback.at_start(len(expected), step_s)
        if observation.previous is not None:
            self._known.take(observation.previous, observation.samples, observation.round - 1)
            self._known.pace(self.pacer_window)

    def _utility(self, known: Feedback, time_s: FloatArray, round: int) -> FloatArray:
        """Of explored UEs, whether they are there or not; NaN of others. [K]."""
        utility = known.utility
        explored = np.isfinite(utility)
        if explored.any():
            utility = np.minimum(utility, np.quantile(utility[explored], self.clip))
        unsure = np.sqrt(0.1 * np.log(round) / np.maximum(known.last_round, 1))
        slow = np.minimum(known.preferred_s / time_s, 1.0)
        return np.asarray((utility + unsure) * slow**self.penalty)

    def _epsilon(self, round: int) -> float:
        return max(self.exploration * self.exploration_decay ** (round - 1), self.least_exploration)

    def _select(
        self,
        mine: IntArray,
        utility: FloatArray,
        speed: FloatArray,
        mark: FloatArray,
    ) -> IntArray:
        """Steps 3 and 4 among the UEs `mine` of a gNB; marks [2, K] of both draws."""
        allowed = self._allowed(mine)
        size = self.group.of(len(allowed))
        known = np.isfinite(utility[allowed])
        explored, unexplored = allowed[known], allowed[~known]
        wanted = round(self._epsilon(self._planned) * size)
        exploring = min(max(wanted, size - len(explored)), len(unexplored))
        best = self._exploit(explored, utility, mark[0], size - exploring)
        new = unexplored[drawn_by_weight(mark[1, unexplored], speed[unexplored], exploring)]
        return np.asarray(np.append(best, new))

    def _exploit(
        self,
        explored: IntArray,
        utility: FloatArray,
        mark: FloatArray,
        count: int,
    ) -> IntArray:
        """Step 3: `count` of the explored UEs, at most all."""
        count = min(count, len(explored))
        if count == 0:
            return explored[:0]
        last = np.sort(utility[explored])[-count]
        admitted = explored[utility[explored] >= self.cutoff * last]
        taken = drawn_by_weight(mark[admitted], utility[admitted], count)
        return np.asarray(admitted[taken])

    def _allowed(self, mine: IntArray) -> IntArray:
        """UEs that were not taken too often."""
        assert self._known is not None
        if self.most_picks is None:
            return mine
        return mine[self._known.picks[mine] < self.most_picks]

    def state(self) -> dict[str, Any]:
        """What is known of UEs, once something is."""
        if self._known is None:
            return {}
        return {"planned": self._planned, **self._known.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        self._planned = int(state.get("planned", 0))
        self._known = Feedback.restored(state) if state else None


@dataclass
class Feedback:
    """What K UEs have reported so far, and the pacer."""

    utility: FloatArray  # [K] U; NaN: unexplored
    last_round: IntArray  # [K] L
    took_s: FloatArray  # [K] t; NaN: nothing has been sent
    picks: IntArray  # [K] rounds in which the UE was taken
    gained: FloatArray  # utility of each round so far
    preferred_s: float  # T
    step_s: float  # Delta

    @classmethod
    def at_start(cls, ues: int, step_s: float) -> Feedback:
        """Nobody is explored, and T is Delta."""
        nothing = np.full((2, ues), np.nan)
        counts = np.zeros((2, ues), dtype=np.int64)
        return cls(
            utility=nothing[0],
            last_round=counts[0],
            took_s=nothing[1],
            picks=counts[1],
            gained=np.empty(0),
            preferred_s=step_s,
            step_s=step_s,
        )

    def take(self, previous: RoundOutcome, samples: IntArray, round: int) -> None:
        """Step 1, after round `round`."""
        assert previous.took_s is not None
        assert previous.loss_rms is not None
        ue = previous.plan.ue
        self.picks[ue] += 1
        sent = np.isfinite(previous.took_s)
        self.took_s[ue[sent]] = previous.took_s[sent]
        counted: BoolArray = np.isfinite(previous.loss_rms)
        ue = ue[counted]
        gained = samples[ue] * previous.loss_rms[counted]
        self.utility[ue] = gained
        self.last_round[ue] = round
        self.gained = np.append(self.gained, gained.sum())

    def pace(self, window: int) -> None:
        """Step 2."""
        if len(self.gained) < 2 * window or len(self.gained) % window:
            return
        before, now = self.gained[-2 * window :].reshape(2, window).sum(axis=1)
        if before > now:
            self.preferred_s += self.step_s

    def state(self) -> dict[str, Any]:
        """As arrays and numbers."""
        return {name: _own(value) for name, value in self.__dict__.items()}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Feedback:
        """What `state` gave, as it was."""
        known = {name: state[name] for name in cls.__dataclass_fields__}
        return cls(**{name: _own(value) for name, value in known.items()})


def _own(value: Any) -> Any:
    """A copy of an array, or a number as it is."""
    return value.copy() if isinstance(value, np.ndarray) and value.shape else float(value)

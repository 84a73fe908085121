"""What is seen of a round to come: a vector of fixed length, every entry from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from netsim.protocols import Observation, RoundOutcome
from netsim.units import BoolArray, FloatArray, IntArray

MOST_EFFICIENT = 16.0
"""bit/s/Hz that count as 1."""
USUAL_WAIT = 10
"""Rounds without an arrival that count as one half."""

OF_UE = (
    "available",  # may be scheduled
    "free_share",  # part of its gNB's band that uploads under way leave
    "efficiency",  # log2(1 + SINR) on mean channels, in equal shares at P_max, over 16 bit/s/Hz
    "success",  # probability that such an upload of a mean payload arrives
    "computed",  # when it would have computed module 0, over the deadline; 1: not in time
    "compute_energy",  # of one module, over the largest
    "samples",  # per round, over the most
    "wait",  # w / (w + 10), w: rounds since an upload of it arrived
    "served",  # part of the rounds in which one arrived
    "arrived",  # 1: in the last round
    "lost",  # 1: the last round's upload did not arrive in time
)
"""Of each UE."""
KNOWN_CHANNEL = "known_efficiency"
"""Of each UE, where the channel is known: as `efficiency`, with the round's own fading."""
OF_ALL = (
    "rounds",  # part of the most rounds that has passed
    "time",  # part of stop.simulated_s
    "energy",  # part of stop.energy_j
    "accuracy",  # of the ensemble, at the last evaluation; 0 where nothing is trained
)
"""Once; before the part of all arrivals that each module had."""


def feature_names(
    ues: int,
    modules: int,
    know_channel: bool,
) -> list[str]:
    """What each entry is, as `ue3.wait`: a block for each feature, then what concerns all."""
    columns = (*OF_UE, KNOWN_CHANNEL) if know_channel else OF_UE
    of_ues = [f"ue{ue}.{column}" for column in columns for ue in range(ues)]
    of_modules = [f"module{module}.arrivals" for module in range(modules)]
    return [*of_ues, *OF_ALL, *of_modules]


@dataclass(frozen=True)
class Spent:
    """Parts of what a run may take, and how accurate it is."""

    rounds: float
    time: float
    energy: float
    accuracy: float


@dataclass
class Features:
    """Follows a run of K UEs and N modules, and looks at it."""

    ues: int
    modules: int
    know_channel: bool
    _wait: IntArray = field(init=False)  # [K] rounds since the last arrival
    _served: IntArray = field(init=False)  # [K] rounds with an arrival
    _arrivals: IntArray = field(init=False)  # [N]
    _last: FloatArray = field(init=False)  # [2, K] arrived, lost
    _places: FloatArray | None = field(default=None, init=False)  # of which `_fixed` is true
    _fixed: FloatArray = field(init=False)  # [5, K] what depends on places and hardware

    def __post_init__(self) -> None:
        self._wait = np.zeros(self.ues, dtype=np.int64)
        self._served = np.zeros(self.ues, dtype=np.int64)
        self._arrivals = np.zeros(self.modules, dtype=np.int64)
        self._last = np.zeros((2, self.ues))

    def note(self, outcome: RoundOutcome) -> None:
        """A round is over."""
        ue = outcome.plan.ue
        self._wait += 1
        self._last[:] = 0.0
        self._last[1, ue[~outcome.on_time]] = 1.0
        arrived = np.unique(ue[outcome.on_time])
        self._last[0, arrived] = 1.0
        self._wait[arrived] = 0
        self._served[arrived] += 1
        modules = outcome.plan.module[outcome.on_time]
        self._arrivals += np.bincount(modules, minlength=self.modules)

    def look(self, seen: Observation, spent: Spent) -> FloatArray:
        """The vector, as `feature_names` has it; float32."""
        if self._places is not seen.distance_m:  # the same array as long as nobody moves
            self._places, self._fixed = seen.distance_m, _fixed(seen)
        passed = max(seen.round - 1, 1)
        rows = [
            seen.available,
            seen.free_share,
            *self._fixed,
            self._wait / (self._wait + USUAL_WAIT),
            self._served / passed,
            *self._last,
        ]
        if self.know_channel:
            rows.append(_efficiency(seen, *seen.channel()))
        of_all = [spent.rounds, spent.time, spent.energy, spent.accuracy]
        arrivals = self._arrivals / max(self._arrivals.sum(), 1)
        vector = np.concatenate([*rows, of_all, arrivals])
        return np.asarray(np.clip(vector, 0.0, 1.0), dtype=np.float32)


def _fixed(seen: Observation) -> FloatArray:
    """efficiency, success, computed, compute_energy, samples. [5, K]."""
    everybody = np.arange(len(seen.gnb))
    computed_s, in_time = seen.computed(everybody, np.zeros_like(everybody))
    success = seen.success.probability(
        everybody,
        _equal_share(seen) * seen.bandwidth_hz,
        np.full(len(everybody), seen.max_power_w),
        float(seen.payload_bits.mean()),
        seen.deadline_s,
    )
    deadline_s = seen.deadline_s if np.isfinite(seen.deadline_s) else computed_s.max()
    return np.stack(
        [
            _efficiency(seen, seen.signal_gain, seen.interference_w),
            success,
            np.where(in_time, computed_s / deadline_s, 1.0),
            _over_most(seen.compute_energy_j),
            _over_most(seen.samples),
        ]
    )


def _efficiency(
    seen: Observation,
    gain: FloatArray,
    interference_w: FloatArray,
) -> FloatArray:
    """Spectral efficiency at P_max in equal shares, as a part of the most. [K]."""
    noise_w = seen.noise_psd_w_hz * seen.bandwidth_hz * _equal_share(seen)
    sinr = seen.max_power_w * gain / (interference_w + noise_w)
    return np.asarray(np.log2(1 + sinr) / MOST_EFFICIENT)


def _equal_share(seen: Observation) -> FloatArray:
    """Of each UE if all of its gNB send. [K]."""
    return np.asarray(1 / np.bincount(seen.gnb)[seen.gnb])


def _over_most(values: FloatArray | IntArray | BoolArray) -> FloatArray:
    most = values.max()
    return np.asarray(values / most) if most > 0 else np.zeros(len(values))

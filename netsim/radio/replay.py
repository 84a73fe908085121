"""Channels from traces in place of the model: gains, fading, SNR or rates of some UEs, or of all.

What a trace does not give stays the model's: a trace of gains leaves fading and interference to be
drawn. A recorded channel (of `record = true`) has the gain with its fading, and the interference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from netsim import rng
from netsim.errors import DataError
from netsim.traces.fading import STEP_S
from netsim.traces.series import FadingTrace, Series
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Driver:
    """One trace and the links it drives."""

    kind: str  # gain | fading | total | interference | snr | rate
    series: Series | FadingTrace
    row: dict[tuple[int, ...], int]  # (ue,), (ue, gnb) or (ue, gnb, attempt) -> row of the series
    ues: frozenset[int]
    begin_s: float = 0.0  # trace time at time 0
    by_share: bool = True  # rate: of the whole band
    seed: int = 0

    def values(
        self, ue: IntArray, gnb: IntArray, attempt: IntArray, times_s: FloatArray
    ) -> FloatArray:
        """[L, T] of links [L] at times. Raises DataError in a gap, and of a link that the trace has
        not.
        """
        asked = times_s + self.begin_s
        links = list(zip(ue.tolist(), gnb.tolist(), attempt.tolist(), strict=True))
        if isinstance(self.series, FadingTrace):
            steps = self.series.gain.shape[1]
            offset = [self._offset(k, site, steps) for k, site, _ in links]
            return self.series.at(asked, np.array(offset, dtype=np.int64))
        rows = [self.row.get(link[: self._depth]) for link in links]
        if None in rows:
            k, site, number = links[rows.index(None)]
            raise DataError(
                f"has no {self.kind} of UE {k}, gNB {site}, attempt {number}",
                where=self.series.path,
            )
        return self.series.at_rows(np.array(rows, dtype=np.int64), asked)

    def drives(self, ue: IntArray) -> BoolArray:
        """Which of `ue` [R] the trace drives."""
        return np.isin(ue, list(self.ues))

    def _offset(self, ue: int, gnb: int, steps: int) -> int:
        """Step of the trace at which a link's window begins, drawn once for each link."""
        if (ue, gnb) not in self._offsets:
            draw = rng.stream(self.seed, "fading_offset", ue, gnb)
            self._offsets[ue, gnb] = int(draw.integers(steps))
        return self._offsets[ue, gnb]

    @cached_property
    def _depth(self) -> int:
        """Length of the keys."""
        return len(next(iter(self.row), ()))

    @cached_property
    def _offsets(self) -> dict[tuple[int, int], int]:
        return {}

    def changes_s(self, begin_s: float, end_s: float) -> FloatArray:
        """Times in (begin, end) at which values may change, ascending."""
        if isinstance(self.series, FadingTrace):
            first, last = (int(np.floor((t + self.begin_s) / STEP_S)) for t in (begin_s, end_s))
            found = np.arange(first, last + 1) * STEP_S - self.begin_s
        elif self.series.period_s is not None:
            period = self.series.period_s
            first, last = (int(np.floor((t + self.begin_s) / period)) for t in (begin_s, end_s))
            repeats = np.arange(first, last + 1)[:, None] * period + self._times_s
            found = repeats.ravel() - self.begin_s
        else:
            found = self._times_s - self.begin_s
        return np.asarray(found[(found > begin_s) & (found < end_s)])

    @cached_property
    def _times_s(self) -> FloatArray:
        assert isinstance(self.series, Series)
        return np.unique(self.series.time_s)


@dataclass(frozen=True)
class ChannelTraces:
    """All traces of a run; of two that drive a link the later rules."""

    drivers: Sequence[Driver] = ()

    def __bool__(self) -> bool:
        return bool(self.drivers)

    def put(
        self,
        kind: str,
        out: FloatArray,
        ue: IntArray,
        gnb: IntArray,
        attempt: IntArray,
        times_s: FloatArray,
    ) -> FloatArray:
        """`out` [R, T] with the values of driven links in place of the model's; itself if there are
        none.
        """
        for driver in self.drivers:
            if driver.kind != kind:
                continue
            rows = np.flatnonzero(driver.drives(ue))
            if len(rows):
                out = out.copy()
                out[rows] = driver.values(ue[rows], gnb[rows], attempt[rows], times_s)
        return out

    def rates_bps(self, ue: IntArray, share: FloatArray, times_s: FloatArray) -> FloatArray | None:
        """Rates of rows [R] with these shares of the band, NaN where the model rules. [R, T], or
        None.
        """
        found = None
        for driver in self.drivers:
            if driver.kind != "rate":
                continue
            found = np.full((len(ue), len(times_s)), np.nan) if found is None else found
            rows = np.flatnonzero(driver.drives(ue))
            part = share[rows, None] if driver.by_share else 1.0
            none = np.zeros_like(rows)
            found[rows] = part * driver.values(ue[rows], none, none, times_s)
        return found

    def has(self, kind: str) -> bool:
        """Some link is driven by `kind`."""
        return any(driver.kind == kind for driver in self.drivers)

    def changes_s(self, begin_s: float, end_s: float) -> FloatArray:
        """Times in (begin, end) at which anything may change."""
        found = [driver.changes_s(begin_s, end_s) for driver in self.drivers]
        return np.unique(np.concatenate(found)) if found else np.empty(0)

"""Channels from traces in place of the model: gains, fading, SNR or rates of some UEs, or of all.

What a trace does not give stays the model's: with a trace of gains, fading and interference are
still drawn. A recorded channel (`record = true`) has the gain with its fading, and the
interference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from netsim import rng
from netsim.errors import DataError
from netsim.traces.fading_series import FadingTrace
from netsim.traces.series import TraceSeries
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Driver:
    """One trace and the links it drives."""

    kind: str  # gain | fading | total | interference | snr | rate
    series: TraceSeries | FadingTrace
    row: dict[tuple[int, ...], int]  # (ue,), (ue, gnb) or (ue, gnb, attempt) -> row of the series
    ues: frozenset[int]
    begin_s: float = 0.0  # trace time at time 0
    by_share: bool = True  # rate: of the whole band
    seed: int = 0

    def values(
        self,
        ue: IntArray,
        gnb: IntArray,
        attempt: IntArray,
        times_s: FloatArray,
    ) -> FloatArray:
        """Values of links [L] at times [T]: [L, T]. Raises DataError in gaps, for other links."""
        asked_s = times_s + self.begin_s
        links = np.stack([ue, gnb, attempt], axis=1).tolist()
        if isinstance(self.series, FadingTrace):
            steps = self.series.gain.shape[1]
            offset = [self._offset(k, site, steps) for k, site, _ in links]
            return self.series.at(asked_s, np.array(offset, dtype=np.int64))
        rows = [self.row.get(tuple(link[: self._depth])) for link in links]
        if None in rows:
            k, site, number = links[rows.index(None)]
            missing = f"has no {self.kind} of UE {k}, gNB {site}, attempt {number}"
            raise DataError(missing, where=self.series.path)
        return self.series.at_rows(np.array(rows, dtype=np.int64), asked_s)

    def drives(self, ue: IntArray) -> BoolArray:
        """Which of `ue` [R] the trace drives."""
        return np.isin(ue, list(self.ues))

    def _offset(
        self,
        ue: int,
        gnb: int,
        steps: int,
    ) -> int:
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
            starts = self._periods(begin_s, end_s, self.series.step_s, self.series.begin_s)
            found = starts - self.begin_s
        elif self.series.period_s is not None:
            starts = self._periods(begin_s, end_s, self.series.period_s)
            repeats = starts[:, None] + self._times_s
            found = repeats.ravel() - self.begin_s
        else:
            found = self._times_s - self.begin_s
        within = (found > begin_s) & (found < end_s)
        return np.asarray(found[within])

    def _periods(
        self,
        begin_s: float,
        end_s: float,
        period_s: float,
        first_s: float = 0.0,
    ) -> FloatArray:
        """Starts, in trace time, of the periods that meet [begin, end]; one starts at `first_s`."""
        passed_s = self.begin_s - first_s
        first = int(np.floor((begin_s + passed_s) / period_s))
        last = int(np.floor((end_s + passed_s) / period_s))
        return first_s + np.arange(first, last + 1, dtype=np.float64) * period_s

    @cached_property
    def _times_s(self) -> FloatArray:
        assert isinstance(self.series, TraceSeries)
        return np.unique(self.series.time_s)


@dataclass(frozen=True)
class ChannelTraces:
    """All traces of a run; where two drive a link, the later one rules."""

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
        """`out` [R, T] with traced values in place of the model's, or `out` itself without any."""
        for driver in self.drivers:
            if driver.kind != kind:
                continue
            rows = np.flatnonzero(driver.drives(ue))
            if len(rows):
                out = out.copy()
                out[rows] = driver.values(
                    ue[rows],
                    gnb[rows],
                    attempt[rows],
                    times_s,
                )
        return out

    def rates_bps(
        self,
        ue: IntArray,
        share: FloatArray,
        times_s: FloatArray,
    ) -> FloatArray | None:
        """Rates in these shares of the band, [R] -> [R, T]; NaN where the model rules.

        None if no trace gives rates.
        """
        if not self.has("rate"):
            return None
        found = np.full((len(ue), len(times_s)), np.nan)
        for driver in self.drivers:
            if driver.kind != "rate":
                continue
            rows = np.flatnonzero(driver.drives(ue))
            part = share[rows, None] if driver.by_share else 1.0
            none = np.zeros_like(rows)
            found[rows] = part * driver.values(ue[rows], none, none, times_s)
        return found

    def has(self, kind: str) -> bool:
        """Whether a trace of this kind drives some link."""
        return any(driver.kind == kind for driver in self.drivers)

    def changes_s(self, begin_s: float, end_s: float) -> FloatArray:
        """Times in (begin, end) at which anything may change."""
        if not self.drivers:
            return np.empty(0)
        found = [driver.changes_s(begin_s, end_s) for driver in self.drivers]
        return np.unique(np.concatenate(found))


def changing_columns(values: FloatArray) -> BoolArray:
    """Columns of [R, T] in which some row differs from the column before; the first is one. [T]."""
    before, now = values[:, :-1], values[:, 1:]
    both_unknown = np.isnan(now) & np.isnan(before)
    differs = (now != before) & ~both_unknown
    return np.append(True, differs.any(axis=0))

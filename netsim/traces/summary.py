"""What there is to know about a trace at a glance.

One pass over the file, whose memory does not grow with the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from netsim.traces.files import reading
from netsim.traces.trace import Trace
from netsim.units import BoolArray, FloatArray, IntArray

FAST_M_S = 100.0  # faster is odd for a UE
LONG_GAP = 5.0  # times the median step
_DISTINCT = 20_000  # steps kept apart; above, to two digits
_BATCH = 200_000  # rows
_VALUES = ("x_m", "y_m", "z_m", "speed_m_s", "lat", "lon", "gain_db", "snr_db", "rate_bps")


@dataclass
class Steps:
    """What lies between consecutive rows of a key."""

    lengths_s: Counter[float] = field(default_factory=Counter)  # positive ones
    repeated: int = 0  # rows at the time of the one before, same place or value
    jumps: int = 0  # ... another place
    backwards: int = 0
    fast: int = 0  # faster than FAST_M_S
    total_s: float = 0.0
    moved_m: float = 0.0
    top_m_s: float = 0.0

    def quantile_s(self, q: float) -> float:
        """A quantile of the steps, s."""
        values = sorted(self.lengths_s)
        if not values:
            return np.nan
        counts = np.cumsum([self.lengths_s[value] for value in values])
        return values[int(np.searchsorted(counts, q * counts[-1]))]

    def gaps(self) -> tuple[int, float]:
        """Steps longer than LONG_GAP times the median step, and the longest."""
        limit_s = LONG_GAP * self.quantile_s(0.5)
        longest_s = max(self.lengths_s, default=np.nan)
        gaps = 0
        for length_s, count in self.lengths_s.items():
            if length_s > limit_s:
                gaps += count
        return gaps, longest_s


@dataclass
class TableFacts:
    """Facts about the rows of one table."""

    rows: int = 0
    keys: dict[str, int] = field(default_factory=dict)  # node, or ue and gnb
    begin: float = np.inf
    end: float = -np.inf
    low: dict[str, float] = field(default_factory=dict)
    high: dict[str, float] = field(default_factory=dict)
    missing: int = 0  # null values
    steps: Steps = field(default_factory=Steps)


def summarise(trace: Trace) -> dict[str, TableFacts]:
    """Facts about each table of a trace; reads the file, which completes `trace.notes`."""
    return {name: _summary(trace, name) for name in trace.tables}


def _summary(trace: Trace, name: str) -> TableFacts:
    columns = trace.columns(name)
    keys = ["node"]
    if "node" not in columns:
        keys = [key for key in ("ue", "gnb", "resource_block") if key in columns]
    values = [column for column in _VALUES if column in columns]
    frame = trace.table(name).select("time_s", *keys, *values)
    gatherer = _Gatherer(keys, values)
    with reading(trace.path):
        for batch in _batches(frame):
            if len(batch):
                gatherer.add(batch)
    return gatherer.facts


def _batches(frame: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """The rows, some at a time."""
    yield from frame.collect_batches(chunk_size=_BATCH, maintain_order=True)


class _Gatherer:
    """Facts so far, and the last row of each key."""

    def __init__(self, keys: list[str], values: list[str]) -> None:
        self.facts = TableFacts()
        self._keys = keys
        self._values = values
        self._planar = "x_m" in values
        self._last = np.full((3, 64), np.nan)  # time, x, y (or value, 0) of each key

    def add(self, batch: pl.DataFrame) -> None:
        """Take in the next rows, at least one."""
        facts = self.facts
        time = batch["time_s"].to_numpy()
        facts.rows += len(batch)
        facts.begin = min(facts.begin, float(time.min()))
        facts.end = max(facts.end, float(time.max()))
        for name in self._values:
            self._add_range(name, batch[name])
        first = self._values[0]
        x = batch[first].cast(pl.Float64).fill_null(np.nan).to_numpy()
        y = batch["y_m"].to_numpy() if self._planar else np.zeros(len(batch))
        code = self._codes(batch)
        order = np.argsort(code, kind="stable")
        rows = np.stack([time[order], x[order], y[order]])
        _add_steps(
            facts.steps,
            rows - self._before(code[order], rows),
            planar=self._planar,
        )
        self._keep_last(code[order], rows)

    def _add_range(self, name: str, column: pl.Series) -> None:
        facts = self.facts
        facts.missing += column.null_count()
        if column.null_count() == len(column):
            return
        values = column.drop_nulls().to_numpy()
        facts.low[name] = min(facts.low.get(name, np.inf), float(values.min()))
        facts.high[name] = max(
            facts.high.get(name, -np.inf),
            float(values.max()),
        )

    def _codes(self, batch: pl.DataFrame) -> IntArray:
        """Number of the key of each row; new keys are numbered as they come."""
        parts = [pl.col(key).cast(pl.String).fill_null("*") for key in self._keys]
        names = batch.select(pl.concat_str(parts, separator=" - ")).to_series()
        known = self.facts.keys
        for name in names.unique(maintain_order=True).to_list():
            known.setdefault(name, len(known))
        while self._last.shape[1] < len(known):
            self._last = np.hstack([self._last, np.full_like(self._last, np.nan)])
        return names.replace_strict(known, return_dtype=pl.Int64).to_numpy()

    def _before(self, code: IntArray, rows: FloatArray) -> FloatArray:
        """The row before each of its key; of the first in a batch, the last of those before."""
        changes = code[1:] != code[:-1]
        is_first: BoolArray = np.append(True, changes)
        before = np.roll(rows, 1, axis=1)
        keys = code[is_first]
        before[:, is_first] = self._last[:, keys]
        return before

    def _keep_last(self, code: IntArray, rows: FloatArray) -> None:
        changes = code[1:] != code[:-1]
        is_last: BoolArray = np.append(changes, True)
        keys = code[is_last]
        self._last[:, keys] = rows[:, is_last]


def _add_steps(
    steps: Steps,
    moves: FloatArray,
    *,
    planar: bool,
) -> None:
    """Take in the differences of time, x and y between rows of one key. [3, N]."""
    step_s, *move = moves
    distance_m = np.hypot(*move)
    same_time = step_s == 0
    jumps = int((same_time & (distance_m > 0)).sum())
    steps.backwards += int((step_s < 0).sum())
    steps.jumps += jumps
    steps.repeated += int(same_time.sum()) - jumps
    forward = step_s > 0
    _count_lengths(steps, step_s[forward])
    steps.total_s += float(step_s[forward].sum())
    if planar and forward.any():
        speed_m_s = distance_m[forward] / step_s[forward]
        steps.fast += int((speed_m_s > FAST_M_S).sum())
        steps.moved_m += float(distance_m[forward].sum())
        steps.top_m_s = max(steps.top_m_s, float(speed_m_s.max()))


def _count_lengths(steps: Steps, step_s: FloatArray) -> None:
    lengths, counts = np.unique(np.round(step_s, 6), return_counts=True)
    steps.lengths_s.update(dict(zip(lengths.tolist(), counts.tolist(), strict=True)))
    if len(steps.lengths_s) <= _DISTINCT:
        return
    merged: Counter[float] = Counter()
    for length, count in steps.lengths_s.items():
        merged[float(f"{length:.2g}")] += count
    steps.lengths_s = merged

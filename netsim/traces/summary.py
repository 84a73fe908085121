"""What there is to know about a trace at a glance, in one pass whose memory does not grow with the
rows.
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


@dataclass
class Series:
    """Facts about the rows of one table."""

    rows: int = 0
    keys: dict[str, int] = field(default_factory=dict)  # node, or ue and gnb
    begin: float = np.inf
    end: float = -np.inf
    steps: Counter[float] = field(default_factory=Counter)  # positive steps within a key, s
    repeated: int = 0  # rows at the time of the one before, same place or value
    jumps: int = 0  # ... another place
    backwards: int = 0
    fast: int = 0  # steps faster than FAST_M_S
    moved_m: float = 0.0
    held: float = 0.0  # the first value times the time it held
    moving_s: float = 0.0  # sum of the steps
    top_m_s: float = 0.0
    low: dict[str, float] = field(default_factory=dict)
    high: dict[str, float] = field(default_factory=dict)
    missing: int = 0  # null values

    def step_quantile(self, q: float) -> float:
        """A quantile of the steps, s."""
        values = sorted(self.steps)
        counts = np.cumsum([self.steps[v] for v in values])
        return values[int(np.searchsorted(counts, q * counts[-1]))] if values else np.nan

    def gaps(self) -> tuple[int, float]:
        """Steps longer than LONG_GAP times the median step, and the longest."""
        limit = LONG_GAP * self.step_quantile(0.5)
        return sum(n for step, n in self.steps.items() if step > limit), max(
            self.steps, default=np.nan
        )


_VALUES = ("x_m", "y_m", "z_m", "speed_m_s", "lat", "lon", "gain_db", "snr_db", "rate_bps")


def summarise(trace: Trace) -> dict[str, Series]:
    """Facts about each table of a trace; reads the file, which completes `trace.notes`."""
    return {name: _summary(trace, frame) for name, frame in trace.tables.items()}


def _summary(trace: Trace, frame: pl.LazyFrame) -> Series:
    facts = Series()
    last = _Last()
    names = set(frame.collect_schema().names())
    keys = (
        ["node"]
        if "node" in names
        else ["ue", "gnb", *(["resource_block"] if "resource_block" in names else [])]
    )
    values = [c for c in _VALUES if c in names]
    with reading(trace.path):
        for batch in _batches(frame.select("time_s", *keys, *values)):
            _gather(facts, last, batch, keys, values)
    return facts


def _batches(frame: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    yield from frame.collect_batches(chunk_size=200_000, maintain_order=True)


class _Last:
    """Time and place of each key's last row so far."""

    def __init__(self) -> None:
        self.state = np.full((3, 64), np.nan)  # time, x, y (or value, 0)

    def grow(self, size: int) -> None:
        while self.state.shape[1] < size:
            self.state = np.hstack([self.state, np.full_like(self.state, np.nan)])


def _gather(
    facts: Series, last: _Last, batch: pl.DataFrame, keys: list[str], values: list[str]
) -> None:
    if not len(batch):
        return
    label = batch.select(
        pl.concat_str([pl.col(k).cast(pl.String).fill_null("*") for k in keys], separator=" - ")
    )
    names = label.to_series()
    for name in names.unique(maintain_order=True).to_list():
        facts.keys.setdefault(name, len(facts.keys))
    last.grow(len(facts.keys))
    code = names.replace_strict(facts.keys, return_dtype=pl.Int64).to_numpy()
    time = batch["time_s"].to_numpy()
    facts.rows += len(batch)
    facts.begin, facts.end = min(facts.begin, float(time.min())), max(facts.end, float(time.max()))
    for c in values:
        column = batch[c]
        facts.missing += column.null_count()
        if column.null_count() < len(column):
            # type: ignore[arg-type]
            facts.low[c] = min(facts.low.get(c, np.inf), float(column.min()))
            # type: ignore[arg-type]
            facts.high[c] = max(facts.high.get(c, -np.inf), float(column.max()))
    planar = "x_m" in values
    x = batch[values[0]].cast(pl.Float64).fill_null(np.nan).to_numpy()
    y = batch[values[1]].to_numpy() if planar else np.zeros(len(batch))
    order = np.argsort(code, kind="stable")
    _steps(facts, last, code[order], np.stack([time[order], x[order], y[order]]), planar=planar)


def _steps(facts: Series, last: _Last, code: IntArray, rows: FloatArray, *, planar: bool) -> None:
    """Steps between rows of one key, the first of a batch from the last of the batch before."""
    is_first: BoolArray = np.append(True, code[1:] != code[:-1])
    before = np.hstack([rows[:, :1], rows[:, :-1]])
    before[:, is_first] = last.state[:, code[is_first]]
    is_last = np.append(is_first[1:], True)
    last.state[:, code[is_last]] = rows[:, is_last]
    step, *move = rows - before
    distance = np.hypot(*move)
    facts.backwards += int((step < 0).sum())
    same = step == 0
    moved = same & (distance > 0)
    facts.jumps += int(moved.sum())
    facts.repeated += int(same.sum() - moved.sum())
    forward = step > 0
    lengths, counts = np.unique(np.round(step[forward], 6), return_counts=True)
    facts.steps.update(dict(zip(lengths.tolist(), counts.tolist(), strict=True)))
    if len(facts.steps) > _DISTINCT:
        merged: Counter[float] = Counter()
        for value, count in facts.steps.items():
            merged[float(f"{value:.2g}")] += count
        facts.steps = merged
    facts.moving_s += float(step[forward].sum())
    facts.held += float(np.nansum(before[1, forward] * step[forward]))
    if planar and forward.any():
        speed = distance[forward] / step[forward]
        facts.fast += int((speed > FAST_M_S).sum())
        facts.moved_m += float(distance[forward].sum())
        facts.top_m_s = max(facts.top_m_s, float(speed.max()))

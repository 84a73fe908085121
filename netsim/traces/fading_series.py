"""A trace of fading over resource blocks, as the radio replays it: a grid of equal steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.errors import DataError
from netsim.traces.fading import STEP_S
from netsim.traces.files import reading
from netsim.traces.series import FILL_RULE, LEAST, check_size
from netsim.traces.trace import Trace
from netsim.units import BoolArray, FloatArray, IntArray, from_db

GRID_SLACK = 0.01  # of a step, by which times may be off: files round them
GRID_RULE = "must have a gain for each resource block at the same times, in equal steps"


@dataclass(frozen=True)
class FadingTrace:
    """Linear fading gains [resource_block, time] in equal steps; the trace repeats."""

    gain: FloatArray
    mean: FloatArray  # over the resource blocks, [time]
    begin_s: float = 0.0  # trace time of the first step
    step_s: float = STEP_S

    def at(self, times_s: FloatArray, offset: IntArray) -> FloatArray:
        """Gain averaged over the resource blocks. [T], [L] -> [L, T].

        Links see the trace from `offset` steps on.
        """
        passed = (np.asarray(times_s) - self.begin_s) / self.step_s
        steps = np.floor(passed + 1e-9).astype(np.int64)
        index = (offset[:, None] + steps) % len(self.mean)
        return np.asarray(self.mean[index])


def fading_trace(trace: Trace, *, fill: str = "error") -> FadingTrace:
    """The gains of a trace with a resource block per row of a grid of equal steps.

    A step without a gain in some blocks has the mean of the others; one without any is bridged by
    the fill rule. Raises DataError.
    """
    frame = trace.table("channel")
    if not {"gain_db", "resource_block"} <= set(trace.columns("channel")):
        raise DataError("holds no gain_db per resource_block", where=trace.path)
    wanted = frame.select("resource_block", "time_s", "gain_db")
    with reading(trace.path):
        table = wanted.sort("resource_block", "time_s").collect()
    if table["gain_db"].drop_nulls().drop_nans().is_empty():
        raise DataError("has no sample to replay", where=trace.path)
    blocks = table["resource_block"].n_unique()
    begin_s, step_s = _grid(trace, table["time_s"].to_numpy(), blocks)
    gain = from_db(table["gain_db"].to_numpy().reshape(blocks, -1))
    check_size(gain, trace.path)
    known = np.isfinite(gain)
    mean = np.where(known, gain, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    gap = np.asarray(~known.any(axis=0))
    if gap.any():
        times_s = begin_s + step_s * np.arange(len(mean), dtype=np.float64)
        mean = _without_gaps(trace, mean, gap=gap, times_s=times_s, fill=fill)
    return FadingTrace(gain, np.maximum(mean, LEAST), begin_s, step_s)


def _grid(trace: Trace, time_s: FloatArray, blocks: int) -> tuple[float, float]:
    """Begin and step of the times of each block, one block after the other. Raises DataError."""
    if len(time_s) % blocks:
        raise DataError(GRID_RULE, where=trace.path)
    times = time_s.reshape(blocks, -1)
    steps = times.shape[1]
    begin_s = float(times[0, 0])
    step_s = float(times[0, -1] - begin_s) / (steps - 1) if steps > 1 else STEP_S
    off_grid_s = np.abs(times - begin_s - step_s * np.arange(steps))
    if step_s <= 0 or off_grid_s.max() > GRID_SLACK * step_s:
        raise DataError(GRID_RULE, where=trace.path)
    return begin_s, step_s


def _without_gaps(
    trace: Trace,
    mean: FloatArray,
    *,
    gap: BoolArray,
    times_s: FloatArray,
    fill: str,
) -> FloatArray:
    """A fading trace's gains with gaps bridged; it repeats, so the last step is before the first.

    Raises DataError.
    """
    if fill == "error":
        rule = f"no resource block has a gain at {times_s[gap.argmax()]:g} s; {FILL_RULE}"
        raise DataError(rule, where=trace.path)
    known = np.flatnonzero(~gap)
    if fill == "interpolate":
        return np.interp(np.arange(len(mean)), known, mean[known], period=len(mean))
    last = np.searchsorted(known, np.arange(len(mean)), side="right") - 1
    return np.asarray(mean[known[last]])

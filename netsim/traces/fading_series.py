"""A trace of fading over resource blocks, as the radio replays it: a grid of milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.errors import DataError
from netsim.traces.fading import STEP_S
from netsim.traces.files import reading
from netsim.traces.series import FILL_RULE, check_size
from netsim.traces.trace import Trace
from netsim.units import BoolArray, FloatArray, IntArray, from_db


@dataclass(frozen=True)
class FadingTrace:
    """Linear fading gains [resource_block, time] in steps of STEP_S; the trace repeats."""

    gain: FloatArray
    mean: FloatArray  # over the resource blocks, [time]

    def at(self, times_s: FloatArray, offset: IntArray) -> FloatArray:
        """Gain averaged over the resource blocks. [T], [L] -> [L, T].

        Links see the trace from `offset` steps on.
        """
        whole = np.floor(np.asarray(times_s) / STEP_S + 1e-9)
        steps = whole.astype(np.int64)
        index = (offset[:, None] + steps) % len(self.mean)
        return np.asarray(self.mean[index])


def fading_trace(trace: Trace, *, fill: str = "error") -> FadingTrace:
    """The gains of a trace with a resource block per row of a grid of milliseconds.

    A step without a gain in some blocks has the mean of the others; one without any is bridged by
    the fill rule. Raises DataError.
    """
    frame = trace.table("channel")
    if not {"gain_db", "resource_block"} <= set(trace.columns("channel")):
        raise DataError("holds no gain_db per resource_block", where=trace.path)
    wanted = frame.select("resource_block", "time_s", "gain_db")
    with reading(trace.path):
        table = wanted.sort("resource_block", "time_s").collect()
    blocks = table["resource_block"].n_unique()
    steps = table["time_s"].n_unique()
    if len(table) != blocks * steps:
        raise DataError("must have a gain for each resource block and time", where=trace.path)
    gain = from_db(table["gain_db"].to_numpy().reshape(blocks, steps))
    check_size(gain, trace.path)
    known = np.isfinite(gain)
    mean = np.where(known, gain, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    gap = np.asarray(~known.any(axis=0))
    if gap.any():
        mean = _without_gaps(trace, mean, gap, fill)
    return FadingTrace(gain, mean)


def _without_gaps(
    trace: Trace,
    mean: FloatArray,
    gap: BoolArray,
    fill: str,
) -> FloatArray:
    """A fading trace's gains with gaps bridged; it repeats, so the last step is before the first.

    Raises DataError.
    """
    if fill == "error":
        rule = f"no resource block has a gain at {gap.argmax() * STEP_S:g} s; {FILL_RULE}"
        raise DataError(rule, where=trace.path)
    known = np.flatnonzero(~gap)
    if fill == "interpolate":
        return np.interp(np.arange(len(mean)), known, mean[known], period=len(mean))
    last = np.searchsorted(known, np.arange(len(mean)), side="right") - 1
    return np.asarray(mean[known[last]])

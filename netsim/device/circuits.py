"""Circuits of a UE that sends: on while any of its uploads is on the air, which share them."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from netsim.arrays import divided
from netsim.units import FloatArray, IntArray


class Sending(Protocol):
    """M uploads; times in s."""

    ue: IntArray
    power_w: FloatArray
    circuit_s: FloatArray  # for how long they answered for their UEs' circuits in earlier rounds
    segment_start_s: FloatArray  # what is not logged yet began,
    start_s: FloatArray  # and is as far as this


class Sent(Protocol):
    """L stretches on the air that are logged."""

    start_s: FloatArray
    end_s: FloatArray


def answered_s(uploads: Sending, sent: Sent, row: IntArray, *, since_s: float) -> FloatArray:
    """For how long each upload has answered for its UE's circuits, in a round since then. [M].

    row: whose the logged stretches are, [L].
    """
    rows = np.concatenate([row, np.arange(len(uploads.ue))])
    start_s = np.concatenate([sent.start_s, uploads.segment_start_s])
    end_s = np.concatenate([sent.end_s, uploads.start_s])
    start_s = np.maximum(start_s, since_s)
    times_s = circuit_times_s(
        uploads.ue[rows],
        uploads.power_w[rows],
        start_s,
        np.maximum(start_s, end_s),
    )
    return np.asarray(uploads.circuit_s + np.bincount(rows, times_s, minlength=len(uploads.ue)))


def circuit_part(circuit_s: FloatArray, row: IntArray, length_s: FloatArray) -> FloatArray:
    """Mean part of their UEs' circuits, of uploads [M] whose stretches [L] have these lengths."""
    on_air_s = np.bincount(row, length_s, minlength=len(circuit_s)).astype(np.float64)
    return divided(circuit_s, on_air_s, on_air_s > 0, otherwise=1.0)


def circuit_times_s(
    ue: IntArray,
    power_w: FloatArray,
    start_s: FloatArray,
    end_s: FloatArray,
) -> FloatArray:
    """For how long each of L stretches on the air answers for its UE's circuits. [L].

    At any time the stretches of a UE that are on the air share its circuits by power, so their
    times add up to that for which any of them is.
    """
    count = len(ue)
    found = end_s - start_s
    shared = np.flatnonzero(np.bincount(ue, found > 0)[ue] > 1) if count else np.arange(0)
    if not len(shared):
        return found
    # both ends of the stretches, those of a UE in the order of time
    owner, time_s = np.tile(ue[shared], 2), np.concatenate([start_s[shared], end_s[shared]])
    order = np.lexsort((time_s, owner))
    on_air_w = _running_sum(power_w[shared], order)
    on_air = _running_sum(np.ones(len(shared)), order)
    # time over power, summed up along the ends
    passed_s = np.diff(time_s[order], append=0.0)
    passed_s[np.append(np.diff(owner[order]) != 0, True)] = 0.0
    each = np.divide(passed_s, on_air_w, out=np.zeros(len(order)), where=on_air > 0)
    until = np.empty(len(order))
    until[order] = np.cumsum(each) - each
    begun, ended = until[: len(shared)], until[len(shared) :]
    found[shared] = power_w[shared] * (ended - begun)
    return found


def _running_sum(values: FloatArray, order: IntArray) -> FloatArray:
    """What is on the air after each end [2 L] in order, of stretches of such values [L]. [2 L]."""
    steps = np.concatenate([values, -values])
    return np.cumsum(steps[order])

"""From SINR to the end of an upload.

    transmit_constant   one fading draw per upload: the rate never changes
    transmit_pieces     one fading draw per upload, in a world that changes at given times
    transmit_blocks     fading is redrawn every coherence block

Each finds the end of an upload from its cumulative bits, without stepping through time.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from netsim.radio.fading import CHUNK_BLOCKS
from netsim.radio.progress import Progress, Transmission
from netsim.radio.rate_model import RateModel
from netsim.units import BoolArray, FloatArray, IntArray


def sinr(signal_w: FloatArray, interference_w: FloatArray, noise_w: FloatArray) -> FloatArray:
    """Eq. (2): signal over interference and noise, linear."""
    return signal_w / (interference_w + noise_w)


def in_groups(
    key: FloatArray, transmit: Callable[[IntArray | slice, float], Transmission]
) -> Transmission:
    """Uploads [M] in groups of equal `key`: `transmit` is given the rows of each, and its key."""
    if len(key) and (key == key[0]).all():
        return transmit(slice(None), float(key[0]))
    values, group = np.unique(key, return_inverse=True)
    rows = [np.flatnonzero(group == number) for number in range(len(values))]
    sent = [transmit(mine, value) for mine, value in zip(rows, values.tolist(), strict=True)]
    back = np.argsort(np.concatenate(rows))
    learnt = [one.learnt for one in sent if one.learnt is not None]
    return Transmission(
        finish_s=np.concatenate([one.finish_s for one in sent])[back],
        bits=np.concatenate([one.bits for one in sent])[back],
        sinr=np.concatenate([one.sinr for one in sent])[back],
        outage=np.concatenate([one.outage for one in sent])[back],
        learnt=np.concatenate(learnt)[back] if learnt else None,
    )


def transmit_constant(
    payload_bits: FloatArray,
    bandwidth_hz: FloatArray,
    sinr: FloatArray,
    start_s: FloatArray,
    deadline_s: FloatArray,
    *,
    model: RateModel,
) -> Transmission:
    """One fading draw per upload: constant rate; in outage iff SINR < threshold. Shapes [M].

    An upload in outage is transmitted all the same and then discarded: the UE cannot know.
    """
    rate = model.rate_bps(bandwidth_hz, sinr)
    with np.errstate(divide="ignore"):
        finish = start_s + payload_bits / rate
    sent_by_deadline = rate * np.maximum(deadline_s - start_s, 0.0)
    part = np.minimum(sent_by_deadline, payload_bits)
    bits = np.where(finish <= deadline_s, payload_bits, part)
    return Transmission(
        finish,
        bits,
        sinr,
        sinr < model.threshold,
    )


def transmit_pieces(
    payload_bits: FloatArray,
    rate_bps: FloatArray,
    sinr: FloatArray,
    edges_s: FloatArray,
    start_s: FloatArray,
    deadline_s: FloatArray,
    *,
    threshold: float,
) -> Transmission:
    """Rates that are constant between edges: [M], [M, P], [M, P], [P + 1] -> Transmission [M].

    One fading draw per upload, in a world that changes: SINR and outage are those at the start.
    Where nothing changes the result equals that of `transmit_constant`. A NaN as SINR is never an
    outage.
    """
    rows = np.arange(len(payload_bits))
    open_s = np.maximum(edges_s[:-1], start_s[:, None])
    close_s = np.minimum(edges_s[1:], deadline_s[:, None])
    length = np.maximum(close_s - open_s, 0.0)
    total = np.cumsum(rate_bps * length, axis=1)
    through = total >= payload_bits[:, None]
    last_piece = through.argmax(axis=1)
    sent_before = np.where(last_piece > 0, total[rows, last_piece - 1], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        spent = (payload_bits - sent_before) / rate_bps[rows, last_piece]
        finish = open_s[rows, last_piece] + spent
    done = through.any(axis=1)
    first_piece = np.searchsorted(edges_s, start_s, side="right") - 1
    first_sinr = sinr[rows, np.clip(first_piece, 0, sinr.shape[1] - 1)]
    return Transmission(
        finish_s=np.where(done, np.minimum(finish, deadline_s), np.inf),
        bits=np.where(done, payload_bits, total[:, -1]),
        sinr=first_sinr,
        outage=first_sinr < threshold,
    )


GivenOfChunk = Callable[[int, IntArray], FloatArray | None]
"""(chunk, rows) -> what is given for their blocks, [R, CHUNK_BLOCKS], if anything."""


def _none_given(chunk: int, rows: IntArray) -> None:
    """Neither rates nor draws are given for any chunk."""


def transmit_blocks(
    payload_bits: FloatArray,
    bandwidth_hz: FloatArray,
    sinr_of_chunk: Callable[[int, IntArray], FloatArray],
    start_s: FloatArray,
    deadline_s: FloatArray,
    *,
    model: RateModel,
    origin_s: float,
    coherence_s: float,
    rate_of_chunk: GivenOfChunk = _none_given,
    draws_of_chunk: GivenOfChunk = _none_given,
    learnt: FloatArray | None = None,
) -> Transmission:
    """Fading redrawn every coherence block; a block with SINR < threshold carries no bits.

    `sinr_of_chunk(c, rows)` gives the SINR [R, CHUNK_BLOCKS] of some rows in the blocks c *
    CHUNK_BLOCKS ... of the grid that starts at `origin_s`. Bits are summed block by block; the
    finish lies within its block. Where `rate_of_chunk` gives a rate that is not NaN, this one rules
    and the SINR is not known. draws_of_chunk: what decides which data is lost; None: rates are
    means. Each of the three is asked once for each chunk. learnt: by link adaptation, where uploads
    go on that have sent before, as in `Transmission`.
    """
    progress = Progress.none(len(payload_bits))
    rates = model.over_blocks(len(payload_bits), coherence_s, learnt=learnt)
    chunk_s = CHUNK_BLOCKS * coherence_s
    chunk = _first_chunk(start_s - origin_s, chunk_s)
    live = np.arange(len(payload_bits))  # rows that have not finished
    while len(live) and origin_s + chunk * chunk_s < deadline_s[live].max():
        edges_s = _edges_s(origin_s, chunk, coherence_s)
        until_s = deadline_s[live]
        open_s, length = _on_air(edges_s, start_s[live], until_s)
        given = rate_of_chunk(chunk, live)
        ratio = _known(sinr_of_chunk(chunk, live), given)
        draws = draws_of_chunk(chunk, live)
        rate = rates.next_bps(live, bandwidth_hz[live], ratio, draws, length)
        rate, usable = _overruled(rate, ratio >= model.threshold, given)
        progress.send(
            live,
            payload_bits[live],
            until_s,
            rate,
            open_s,
            length,
        )
        progress.observe(live, ratio, usable, length)
        live = progress.unfinished(live)
        chunk += 1
    return progress.result(start_s, deadline_s, rates.learnt)


_EDGES = np.arange(CHUNK_BLOCKS + 1)


def _first_chunk(start_s: FloatArray, chunk_s: float) -> int:
    """The chunk in which the first of the uploads starts."""
    if not len(start_s):
        return 0
    return max(int(start_s.min() // chunk_s), 0)


def _edges_s(origin_s: float, chunk: int, coherence_s: float) -> FloatArray:
    """Where the blocks of a chunk begin and end. [B + 1]."""
    return np.asarray(origin_s + (chunk * CHUNK_BLOCKS + _EDGES) * coherence_s)


def _on_air(
    edges_s: FloatArray,
    start_s: FloatArray,
    deadline_s: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """When uploads [R] begin to send in the blocks between edges [B + 1], and how long. [R, B]."""
    open_s = np.maximum(edges_s[:-1], start_s[:, None])
    close_s = np.minimum(edges_s[1:], deadline_s[:, None])
    return open_s, np.maximum(close_s - open_s, 0.0)


def _known(ratio: FloatArray, given: FloatArray | None) -> FloatArray:
    """SINR of blocks, NaN where a rate is given instead. [R, B]."""
    return ratio if given is None else np.where(np.isnan(given), ratio, np.nan)


def _overruled(
    rate: FloatArray,
    usable: BoolArray,
    given: FloatArray | None,
) -> tuple[FloatArray, BoolArray]:
    """Rates of blocks and whether they are usable, where `given` is not NaN by `given`. [R, B]."""
    if given is None:
        return rate, usable
    rules = ~np.isnan(given)
    return np.where(rules, given, rate), usable | rules

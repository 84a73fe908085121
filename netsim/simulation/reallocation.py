"""Reallocation: when an upload ends, its band goes to the others of its gNB (model-spec 8.3).

Nobody loses: each keeps at least the share it has, and what is free goes where Algorithm 1, run
again on the bits that are left with the channel knowledge of the plan, wants it most. So no upload
can end later than on static shares in the same channel. Between two such moments shares are
constant, and each piece is an ordinary transmission.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from netsim.allocation.bandwidth import allocate_bandwidth
from netsim.radio.link import RateModel
from netsim.simulation.airing import AiringLog
from netsim.simulation.state import Links, RoundState
from netsim.units import FloatArray, IntArray

if TYPE_CHECKING:
    from netsim.simulation.uplink import OnAir


class Band(Protocol):
    """What of an uplink matters to how its band is divided."""

    @property
    def bandwidth_hz(self) -> float: ...
    @property
    def model(self) -> RateModel: ...
    @property
    def max_power_w(self) -> float: ...
    @property
    def interferers_follow(self) -> bool: ...


def transmit_with_reallocation(air: OnAir, log: AiringLog, round_: RoundState) -> None:
    """All uploads of the round, gNB by gNB."""
    ready = np.flatnonzero(round_.ready)
    for site in np.unique(round_.gnb[ready]):
        _one_cell(air, log, round_, ready[round_.gnb[ready] == site])


def _one_cell(air: OnAir, log: AiringLog, round_: RoundState, rows: IntArray) -> None:
    """Steps from end to end; arrays are [R] over the gNB's rows."""
    uplink, plan = air.uplink, round_.plan
    payload, deadline = round_.payload_bits[rows], round_.stop_s[rows]
    start, share, left = round_.upload_start_s[rows].copy(), plan.share[rows].copy(), payload.copy()
    band = float(share.sum())  # what the plan gave the gNB
    attempt, open_ = np.ones(len(rows), dtype=np.int64), np.ones(len(rows), dtype=bool)
    sinr = np.full(len(rows), np.nan)
    outage, usable = np.zeros((2, len(rows)), dtype=bool)
    fresh = np.ones(len(rows), dtype=bool)  # the attempt has not begun
    sinr_s = np.zeros(len(rows))  # integral of SINR over the airtime, block fading
    now = -np.inf
    while open_.any():
        here = np.flatnonzero(open_)
        begin = np.maximum(now, start[here])
        asked = (rows[here], attempt[here], share[here], left[here], begin)
        until = air.send(*asked, deadline[here])
        event = float(np.minimum(until.finish_s, deadline[here]).min())
        stop = np.maximum(begin, event)
        piece = air.send(*asked, stop)
        through = until.finish_s <= event
        bits = np.where(through, left[here], piece.bits)
        left[here] -= bits
        on = stop > begin
        log.segment(
            rows[here[on]],
            attempt[here[on]],
            begin[on],
            stop[on],
            uplink.bandwidth_hz * share[here[on]],
            bits[on],
        )
        if uplink.coherence_s is None:  # both are decided at the start
            new = fresh[here]
            sinr[here[new]], outage[here[new]] = until.sinr[new], until.outage[new]
            fresh[here] = False
        else:  # mean over the airtime; in outage while no block was any good
            sinr_s[here] += piece.sinr * (stop - begin)
            usable[here] |= ~piece.outage
        ended = here[through | (deadline[here] <= event)]
        if uplink.coherence_s is not None:
            outage[ended] = ~usable[ended]
            sinr[ended] = sinr_s[ended] / np.maximum(
                event - round_.upload_start_s[rows[ended]], 1e-300
            )
        finish = np.where(through[np.searchsorted(here, ended)], event, np.inf)
        log.attempt(
            rows[ended],
            attempt[ended],
            finish,
            np.full(len(ended), event),
            sinr[ended],
            outage[ended],
        )
        lost = (
            outage[ended] & (event < deadline[ended]) & (attempt[ended] <= uplink.retransmissions)
        )
        again = ended[lost]
        open_[ended], share[ended[~lost]] = False, 0.0
        open_[again] = fresh[again] = True
        attempt[again] += 1
        left[again], start[again] = payload[again], event
        sending = open_ & (start <= event)
        if (~lost).any() and sending.any():
            free = band - float(share[open_ & ~sending].sum())
            ue, power_w = plan.ue[rows[sending]], plan.power_w[rows[sending]]
            share[sending] = reallocated(
                uplink, round_.links, ue, power_w, left[sending], share[sending], free
            )
        now = event


def reallocated(
    uplink: Band,
    links: Links,
    ue: IntArray,
    power_w: FloatArray,
    bits: FloatArray,
    share: FloatArray,
    band: float,
) -> FloatArray:
    """New shares of the rows of one gNB, at least those they have, which sum to `band`, a share
    itself. [R].

    The others end together: Algorithm 1, again without those whose share it would make smaller.
    """
    out, rising = share.copy(), np.ones(len(share), dtype=bool)
    while rising.any():
        free = band - float(out[~rising].sum())
        wanted = free * divided(uplink, links, ue[rising], power_w[rising], bits[rising], free)
        held = np.flatnonzero(rising)[wanted < share[rising]]
        if not len(held):
            out[rising] = wanted
            break
        rising[held] = False
    return out


def divided(
    uplink: Band, links: Links, ue: IntArray, power_w: FloatArray, bits: FloatArray, band: float
) -> FloatArray:
    """Parts of `band` with which the rows end together, summing to 1."""
    if uplink.model.kind == "threshold":  # all have one spectral efficiency
        return np.asarray(bits / bits.sum())
    level = power_w / uplink.max_power_w if uplink.interferers_follow else 1.0
    found = allocate_bandwidth(
        power_w * links.gain[ue],
        links.interference_w[ue] * level,
        bits,
        bandwidth_hz=uplink.bandwidth_hz * band,
        noise_psd_w_hz=links.noise_psd_w_hz[ue],
    )
    return found.shares

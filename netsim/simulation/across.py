"""Uploads that go on at another gNB after a handover (handover = resume), the band of both divided
anew.

The new gNB takes what the band needs from those already there: Algorithm 1 is run again on the bits
that are left of all its uploads (model-spec 8.3), which is the one moment at which a share may
become smaller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netsim.simulation.airing import AiringLog
from netsim.simulation.reallocation import divided, reallocated
from netsim.simulation.state import RoundState
from netsim.units import FloatArray, IntArray

if TYPE_CHECKING:
    from netsim.simulation.uplink import OnAir

INTERRUPTION_S = 0.05
"""Nothing is sent for so long after a handover (model-spec 8.3)."""


def transmit_across(air: OnAir, log: AiringLog, round_: RoundState) -> None:
    """All uploads of the round, from event to event: an end, a handover, a start after it. Arrays
    are [R].
    """
    uplink, plan = air.uplink, round_.plan
    rows = np.flatnonzero(round_.ready)
    payload, stop = round_.payload_bits[rows], round_.stop_s[rows]
    start, share, left = round_.upload_start_s[rows].copy(), plan.share[rows].copy(), payload.copy()
    band = np.maximum(
        np.bincount(round_.gnb[rows], share), 0.0
    ).tolist()  # what the plan gave each gNB
    moves = [m for m in round_.moves if round_.ready[m.row]]
    place = {row: i for i, row in enumerate(rows.tolist())}
    attempt, open_ = np.ones(len(rows), dtype=np.int64), np.ones(len(rows), dtype=bool)
    fresh, landed = (
        open_.copy(),
        np.zeros(len(rows), dtype=bool),
    )  # landed: waits for a share at its new gNB
    sinr, sinr_s, air_s = np.full(len(rows), np.nan), np.zeros(len(rows)), np.zeros(len(rows))
    outage, usable = np.zeros((2, len(rows)), dtype=bool)
    now = -np.inf
    while open_.any():
        here = np.flatnonzero(open_ & ~landed)
        begin = np.maximum(now, start[here])
        asked = (rows[here], attempt[here], share[here], left[here], begin)
        until = air.send(*asked, stop[here])
        times = [np.minimum(until.finish_s, stop[here]), start[landed], stop[landed & open_]]
        event = float(np.concatenate([*times, [m.time_s for m in moves[:1]]]).min())
        end = np.maximum(begin, np.minimum(event, stop[here]))
        piece = air.send(*asked, end)
        through = until.finish_s <= event
        bits = np.where(through, left[here], piece.bits)
        left[here] -= bits
        on = end > begin
        log.segment(
            rows[here[on]],
            attempt[here[on]],
            begin[on],
            end[on],
            uplink.bandwidth_hz * share[here[on]],
            bits[on],
            round_.site[rows[here[on]]],
        )
        if uplink.coherence_s is None:
            new = fresh[here] & on
            sinr[here[new]], outage[here[new]] = until.sinr[new], until.outage[new]
            fresh[here[on]] = False
        else:
            sinr_s[here] += np.where(on, piece.sinr * (end - begin), 0.0)
            air_s[here] += end - begin
            usable[here] |= ~piece.outage & on
        whole = np.zeros(len(rows), dtype=bool)
        whole[here] = through
        ended = np.flatnonzero(open_ & (whole | (stop <= event)))
        if uplink.coherence_s is not None:
            outage[ended] = ~usable[ended]
            sinr[ended] = sinr_s[ended] / np.maximum(air_s[ended], 1e-300)
        finish = np.where(whole[ended], event, np.inf)
        log.attempt(
            rows[ended],
            attempt[ended],
            finish,
            np.minimum(stop[ended], event),
            sinr[ended],
            outage[ended],
        )
        lost = outage[ended] & whole[ended] & (event < stop[ended])
        lost &= attempt[ended] <= uplink.retransmissions
        again = ended[lost]
        open_[ended], landed[ended], share[ended[~lost]] = False, False, 0.0
        open_[again] = fresh[again] = True
        attempt[again] += 1
        left[again], start[again] = payload[again], event
        touched = set(round_.site[rows[ended[~lost]]].tolist())
        while moves and moves[0].time_s <= event:
            move = moves.pop(0)
            i = place[move.row]
            if open_[i]:
                touched.add(int(round_.site[move.row]))
                round_.site[move.row] = move.site
                share[i], landed[i], start[i] = (
                    0.0,
                    True,
                    max(move.time_s + INTERRUPTION_S, start[i]),
                )
        for i in np.flatnonzero(landed & (start <= event)).tolist():
            landed[i] = False
            _admit(air, round_, rows, i, open_ & ~landed, share, left, band)
            touched.discard(int(round_.site[rows[i]]))
        for site in sorted(touched):
            sending = open_ & ~landed & (start <= event) & (round_.site[rows] == site)
            if sending.any():
                waiting = open_ & ~landed & (start > event) & (round_.site[rows] == site)
                free = band[site] - float(share[waiting].sum())
                who = rows[sending]
                share[sending] = reallocated(
                    uplink,
                    round_.links,
                    plan.ue[who],
                    plan.power_w[who],
                    left[sending],
                    share[sending],
                    free,
                )
        now = event


def _admit(
    air: OnAir,
    round_: RoundState,
    rows: IntArray,
    newcomer: int,
    sending: np.ndarray[tuple[int], np.dtype[np.bool_]],
    share: FloatArray,
    left: FloatArray,
    band: list[float],
) -> None:
    """Divide the band of the newcomer's gNB over all its uploads; one that had none gives its whole
    band.
    """
    site = int(round_.site[rows[newcomer]])
    band += [0.0] * (site + 1 - len(band))
    band[site] = band[site] or 1.0
    mine = np.flatnonzero(sending & (round_.site[rows] == site))
    who = rows[mine]
    plan = round_.plan
    share[mine] = band[site] * divided(
        air.uplink, round_.links, plan.ue[who], plan.power_w[who], left[mine], band[site]
    )

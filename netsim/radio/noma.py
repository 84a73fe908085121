"""Two uplinks on one band, told apart by successive interference cancellation (SIC).

The gNB first decodes the upload that it receives with more power on average, with the other as
noise, then subtracts it and decodes the other; of what is subtracted a part may stay. Without such
a part the two rates are a corner of the capacity region of the two-user channel, and their sum is
that of the region (T. M. Cover, J. A. Thomas, Elements of information theory, 15.3). If the first
cannot be decoded the second is lost with it: "imperfect worst case SIC" of H. Tabassum, E. Hossain,
M. J. Hossain, "Modeling and analysis of uplink non-orthogonal multiple access in large-scale
cellular networks using Poisson cluster processes", IEEE Trans. Commun. 65(8), 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from netsim.arrays import ArrayTable
from netsim.radio.link import transmit_constant
from netsim.radio.progress import Transmission
from netsim.radio.rate_model import PlannedRate, RateModel
from netsim.units import FloatArray, IntArray

ALONE = -1
"""Stands for the partner of who has none."""


class Sender(Protocol):
    """R uploads on constant bands."""

    bits: FloatArray
    hz: FloatArray
    noise_w: FloatArray
    partner: IntArray  # UE on the same band; ALONE: nobody
    start_s: FloatArray
    stop_s: FloatArray


@dataclass(frozen=True)
class NomaRate(RateModel):
    """As `RateModel`; schemes plan as if the band were there twice."""

    @property
    def planned(self) -> PlannedRate:
        """Twice the rate, at the noise that the links of a plan have twice, too."""
        return PlannedRate(factor=2.0)


@dataclass
class _Side(ArrayTable):
    """P uploads that are all decoded first, or all second."""

    bits: FloatArray
    start_s: FloatArray
    stop_s: FloatArray
    alone_sinr: FloatArray
    joint_sinr: FloatArray
    alone_bps: FloatArray
    joint_bps: FloatArray

    def sent_alone(self, begin_s: FloatArray) -> FloatArray:
        """Bits before the other is on the air, too."""
        length_s = np.maximum(np.minimum(begin_s, self.stop_s) - self.start_s, 0.0)
        return np.minimum(self.alone_bps * length_s, self.bits)


@dataclass(frozen=True)
class Sic:
    """Decoding of pairs; residual: part of the first's power that stays, 0 to 1."""

    residual: float

    def decoded(
        self, first_w: FloatArray, second_w: FloatArray, noise_w: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """SINRs of both while both are on the air; noise_w: and interference. Broadcasts."""
        first = first_w / (second_w + noise_w)
        return first, second_w / (self.residual * first_w + noise_w)

    def transmit(
        self,
        sending: Sender,
        ue: IntArray,
        mean_w: FloatArray,
        signal_w: FloatArray,
        interference_w: FloatArray,
        model: RateModel,
    ) -> Transmission:
        """Uploads of UEs [R], ascending, one of each, to their ends. [R] each.

        mean_w, signal_w: received, on average and as it is. Both of a pair hear the interference
        of the one that is decoded first. Who is alone has the band for itself.
        """
        first, second = pairs_on_air(ue, sending.partner, mean_w)
        heard_w = interference_w.copy()
        heard_w[second] = interference_w[first]
        disturbed_w = heard_w + sending.noise_w
        found = transmit_constant(
            sending.bits,
            sending.hz,
            signal_w / disturbed_w,
            sending.start_s,
            sending.stop_s,
            model=model,
        )
        joint = self.decoded(signal_w[first], signal_w[second], disturbed_w[first])
        sides = [
            _side(sending, rows, found.sinr[rows], ratio, model)
            for rows, ratio in zip((first, second), joint, strict=True)
        ]
        return _in_pairs(found, (first, second), sides, model.threshold)


def pairs_on_air(ue: IntArray, partner: IntArray, mean_w: FloatArray) -> tuple[IntArray, IntArray]:
    """Rows of UEs [R], ascending, that are decoded first, and those of their partners. [P], [P]."""
    place = np.searchsorted(ue, partner)
    place[place == len(ue)] = 0
    if not len(ue):
        return place, place
    one = np.flatnonzero(ue[place] == partner)
    other = place[one]
    ahead = mean_w[one] - mean_w[other]
    first = (ahead > 0) | ((ahead == 0) & (one < other))
    return one[first], other[first]


def _side(
    sending: Sender, rows: IntArray, alone: FloatArray, joint: FloatArray, model: RateModel
) -> _Side:
    hz = sending.hz[rows]
    return _Side(
        bits=sending.bits[rows],
        start_s=sending.start_s[rows],
        stop_s=sending.stop_s[rows],
        alone_sinr=alone,
        joint_sinr=joint,
        alone_bps=model.rate_bps(hz, alone),
        joint_bps=model.rate_bps(hz, joint),
    )


def _in_pairs(
    found: Transmission,
    rows: tuple[IntArray, IntArray],
    sides: list[_Side],
    threshold: float,
) -> Transmission:
    """What each would do alone, [R], put right where two are on the air together."""
    begin_s = np.maximum(sides[0].start_s, sides[1].start_s)
    sent = [side.sent_alone(begin_s) for side in sides]
    until_s = np.full(len(begin_s), np.inf)
    for side, before in zip(sides, sent, strict=True):
        over_s = begin_s + (side.bits - before) / side.joint_bps
        until_s = np.minimum(until_s, np.minimum(over_s, side.stop_s))
    both = until_s > begin_s
    for side, before in zip(sides, sent, strict=True):
        both &= before < side.bits
    length_s = np.where(both, until_s - begin_s, 0.0)
    failed = both & (sides[0].joint_sinr < threshold)
    for one, side, before in zip(rows, sides, sent, strict=True):
        mine = one[both]
        end = _ends(side, before, begin_s, length_s)
        found.finish_s[mine], found.bits[mine] = end[0][both], end[1][both]
        found.sinr[mine] = side.joint_sinr[both]
        found.outage[mine] = (failed | (side.joint_sinr < threshold))[both]
    return found


def _ends(
    side: _Side, before: FloatArray, begin_s: FloatArray, length_s: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(when they are through, bits by the time they stop) of P that share their bands so long."""
    left = side.bits - before
    over_s = begin_s + left / side.joint_bps
    until_s = begin_s + length_s
    rest = np.maximum(left - side.joint_bps * length_s, 0.0)
    finish_s = np.where(over_s <= until_s, over_s, until_s + rest / side.alone_bps)
    later = side.alone_bps * np.maximum(side.stop_s - until_s, 0.0)
    sent = np.minimum(before + side.joint_bps * length_s + later, side.bits)
    return finish_s, np.where(finish_s <= side.stop_s, side.bits, sent)

"""Pairs of UEs that share a band: the nearest of a gNB's UEs with the farthest, and so on inwards.

By mean channel gain, as the difference of the two is what successive cancellation lives on (Z.
Ding, P. Fan, H. V. Poor, "Impact of user pairing on 5G nonorthogonal multiple-access downlink
transmissions", IEEE Trans. Veh. Technol. 65(8), 2016). Where there is an odd one, the middle one,
it stays alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from netsim.protocols import RoundPlan
from netsim.radio.noma import ALONE, pairs_on_air
from netsim.units import FloatArray, IntArray, to_db


def far_near(ue: IntArray, gnb: IntArray, gain: FloatArray) -> IntArray:
    """Partners of UEs [M] at gNBs [M] with mean gains [M]; ALONE: nobody. [M]."""
    partner = np.full(len(ue), ALONE)
    for one in np.unique(gnb).tolist():
        mine = np.flatnonzero(gnb == one)
        nearest_first = mine[np.lexsort((ue[mine], -gain[mine]))]
        half = len(mine) // 2
        near, far = nearest_first[:half], nearest_first[::-1][:half]
        partner[near], partner[far] = ue[far], ue[near]
    return partner


def paired(plan: RoundPlan, gnb: IntArray, gain: FloatArray) -> RoundPlan:
    """The plan with partners, each pair on what its two have of the band together. [K] each.

    A plan reckons with twice the band, and both get the mean of what they are to have of it; who is
    alone gets all of it. Where that is more than is free, all get less in proportion.
    """
    at = gnb[plan.ue]
    partner = far_near(plan.ue, at, gain[plan.ue])
    place = np.searchsorted(plan.ue, partner)
    in_pair = partner != ALONE
    place[~in_pair] = np.flatnonzero(~in_pair)
    share = plan.share + plan.share[place]
    bands = np.bincount(at, np.where(in_pair, 0.5, 1.0) * share)
    planned = np.bincount(at, plan.share)
    scale = planned[at] / np.maximum(bands[at], planned[at])
    return replace(plan, share=share * scale, partner=partner)


def pair_columns(plan: RoundPlan, gnb: IntArray, gain: FloatArray) -> dict[str, Any]:
    """Of the table `pairs`, but for round and band; gnb and gain of UEs, [K]."""
    assert plan.partner is not None
    mean_w = plan.power_w * gain[plan.ue]
    first, second = pairs_on_air(plan.ue, plan.partner, mean_w)
    return {
        "gnb": gnb[plan.ue[first]],
        "first": plan.ue[first],
        "second": plan.ue[second],
        "share": plan.share[first],
        "first_gain_db": to_db(gain[plan.ue[first]]),
        "second_gain_db": to_db(gain[plan.ue[second]]),
    }

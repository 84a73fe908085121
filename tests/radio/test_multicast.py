"""Broadcast slots: one after the other at the rate of the worst subscriber that hears anything."""

from __future__ import annotations

import numpy as np

from netsim.radio.multicast import broadcast_slots

GNB = np.array([0, 0, 0, 1])
MODULE = np.array([0, 1, 1, 0])
BITS = np.array([8.0, 4.0, 6.0, 8.0])


def test_slots_by_hand() -> None:
    efficiency = np.array([4.0, 2.0, 1.0, 8.0])
    start_s, end_s = broadcast_slots(
        GNB, MODULE, BITS, efficiency=efficiency, downlink_hz=2.0, foundation_bits=2.0
    )
    # the foundation model at 1 bit/s/Hz takes 1 s, module 0 at 4 another, module 1 at 1 three
    assert start_s.tolist() == [1.0, 2.0, 2.0, 0.125]
    assert end_s.tolist() == [2.0, 5.0, 5.0, 0.625]


def test_a_ue_that_hears_nothing_holds_up_nobody() -> None:
    efficiency = np.array([4.0, 2.0, 0.0, 8.0])
    start_s, end_s = broadcast_slots(
        GNB, MODULE, BITS, efficiency=efficiency, downlink_hz=2.0, foundation_bits=2.0
    )
    assert start_s[[0, 1, 3]].tolist() == [0.5, 1.5, 0.125]
    assert end_s.tolist() == [1.5, 2.5, np.inf, 0.625]

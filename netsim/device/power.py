"""Power of UEs and gNBs by what they do.

The paper has only the radiated power of an upload: `UePower()`. With states a UE draws

    P / eta + P_circuit     while it sends at P: power amplifier of efficiency eta, and the rest
    P_receive               while its gNB sends to it
    P_awake, then P_sleep   while it waits: control channel monitored, after `inactivity_s` DRX
    P_idle                  for the rest of a round; while it computes the radio is off

The ratios of the defaults are those of 3GPP TR 38.840 (UE power saving in NR) for FR1 (slots of
0.5 ms, 100 MHz, 4 receive antennas), in units of deep sleep: light sleep 20, control channel only
100, control and data 300, sending 250 at 0 dBm and 700 at 23 dBm. They were checked against others
that print its table, not against the TR itself (see Lauridsen, Laselva, Frederiksen, "5G New Radio
user equipment power modelling and potential energy savings", VTC Fall 2019). The TR gives no watts,
and no power between the two: linear in what is radiated is ours. Ours is the efficiency of 0.3:
with it, the step from 0 to 23 dBm makes a unit 1.474 mW and the circuits 0.365 W.

gNB: linear in its load (Auer et al., "How much energy is needed to run a wireless network?", IEEE
Wireless Commun. 18(5), 2011): N_TRX P_0 at all times and Delta_p P_out while it sends; of a macro
site with six transceivers 6 x 130 W and 4.7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.device.activities import Activities
from netsim.units import FloatArray, IntArray

UNIT_W = (0.2 - 0.001) / 0.3 / (700 - 250)
"""Of TR 38.840's scale, W."""


@dataclass(frozen=True)
class UePower:
    """Powers of a UE's states, W; as they stand, sending costs what is radiated and the rest 0."""

    efficiency: float = 1.0  # of the power amplifier
    circuit_w: float = 0.0  # besides it, while sending
    receive_w: float = 0.0
    awake_w: float = 0.0
    sleep_w: float = 0.0  # mean of DRX cycles
    idle_w: float = 0.0
    inactivity_s: float = 0.0  # awake for so long before DRX

    def drawn_w(self, power_w: FloatArray, part: FloatArray | float = 1.0) -> FloatArray:
        """While sending at `power_w`, with a part of the UE's circuits. Any shape."""
        return np.asarray(power_w / self.efficiency + self.circuit_w * part)

    def waiting_j(self, wait_s: FloatArray) -> FloatArray:
        """Of waits of some lengths. Any shape."""
        awake_s = np.minimum(wait_s, self.inactivity_s)
        return np.asarray(self.awake_w * awake_s + self.sleep_w * (wait_s - awake_s))


STATES = UePower(
    efficiency=0.3,
    circuit_w=250 * UNIT_W - 0.001 / 0.3,
    receive_w=300 * UNIT_W,
    awake_w=100 * UNIT_W,
    sleep_w=20 * UNIT_W,
    idle_w=1 * UNIT_W,
    inactivity_s=0.1,
)
"""Ratios of TR 38.840; the efficiency and the time before DRX are ours."""


@dataclass(frozen=True)
class GnbPower:
    """Power of a gNB, linear in its load."""

    static_w: float  # at all times
    slope: float  # W per radiated W
    radiated_w: float  # while it sends

    def energy_j(self, length_s: FloatArray, sending_s: FloatArray) -> FloatArray:
        """Over some time of which it sends for a part. Any shape."""
        return np.asarray(self.static_w * length_s + self.slope * self.radiated_w * sending_s)


def gnb_energy_j(
    power: GnbPower,
    gnbs: int,
    gnb: IntArray,
    heard_s: FloatArray,
    length_s: float,
) -> FloatArray:
    """Of gNBs whose broadcasts [M] end `heard_s` after a round's start. [G]."""
    sending_s = np.zeros(gnbs)
    np.maximum.at(sending_s, gnb, heard_s)
    return power.energy_j(np.full(gnbs, length_s), sending_s)


def radio_energy_j(
    rows: Activities, power: UePower, *, until_s: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(receiving, waiting) of a UE's rows, told at the one that leads them. [M], [M].

    until_s [M]: waiting ends then. Without states both are 0.
    """
    if not (power.receive_w or power.awake_w or power.sleep_w):
        return np.zeros(len(rows)), np.zeros(len(rows))
    once = rows.leads.astype(np.float64)
    waited_s = np.where(rows.ready, until_s - rows.computed_s, 0.0)
    receive_j = once * power.receive_w * (rows.downloaded_s - rows.opened_s)
    return receive_j, once * power.waiting_j(waited_s)

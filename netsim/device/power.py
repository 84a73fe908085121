"""Electric power of a UE by state of its modem, and of a gNB by load.

UE: TR 38.840 (v16) clause 8.1.1 gives the power of a modem in its states relative to deep sleep
(FR1, 100 MHz): deep sleep 1, light sleep 20, monitoring for grants 100, receiving 300, sending 250
at 0 dBm and 700 at 23 dBm. The unit of the defaults here follows from the last two: their
difference, 450 units, is what a power amplifier of 30% efficiency takes for 0.2 W.

gNB: the linear EARTH model, G. Auer et al., "How much energy is needed to run a wireless network?",
IEEE Wireless Commun. 18(5), 2011, Table 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.errors import InputError
from netsim.units import FloatArray, dbm_to_w

PA_EFFICIENCY = 0.3
UNIT_W = (dbm_to_w(23.0) - dbm_to_w(0.0)) / PA_EFFICIENCY / 450
"""Deep sleep of TR 38.840, 1.5 mW with the amplifier assumed."""


@dataclass(frozen=True)
class UePower:
    """Power of a UE's modem in its states."""

    pa_efficiency: float = PA_EFFICIENCY  # radiated over electric power of the amplifier
    transmit_circuit_w: float = 250 * UNIT_W - 1e-3 / PA_EFFICIENCY  # beside the amplifier
    receive_w: float = 300 * UNIT_W
    awake_w: float = 100 * UNIT_W  # waits and monitors for grants
    sleep_w: float = 20 * UNIT_W  # between the wake-ups of DRX
    idle_w: float = UNIT_W  # takes no part in the round
    drx_cycle_s: float = 0.0  # 0: no DRX, always awake while waiting
    drx_on_s: float = 0.01  # awake in each cycle

    def __post_init__(self) -> None:
        if not 0 < self.pa_efficiency <= 1:
            rule = "the amplifier's efficiency must lie in (0, 1]"
            raise InputError(rule, value=self.pa_efficiency)
        powers = (
            self.transmit_circuit_w,
            self.receive_w,
            self.awake_w,
            self.sleep_w,
            self.idle_w,
        )
        if min(powers) < 0:
            raise InputError("powers of a UE must not be negative", value=min(powers))
        if min(self.drx_cycle_s, self.drx_on_s) < 0:
            value = min(self.drx_cycle_s, self.drx_on_s)
            raise InputError("times of DRX must not be negative", value=value)

    def transmit_w(self, radiated_w: FloatArray) -> FloatArray:
        """Electric power while sending with `radiated_w`; nothing is sent at 0. Any shape."""
        amplifier_w = radiated_w / self.pa_efficiency
        sending_w = amplifier_w + self.transmit_circuit_w
        return np.where(radiated_w > 0, sending_w, 0.0)

    @property
    def wait_w(self) -> float:
        """Mean power while waiting: awake, or asleep but for the on-times of DRX."""
        if self.drx_cycle_s == 0:
            return self.awake_w
        awake = min(self.drx_on_s / self.drx_cycle_s, 1.0)
        return awake * self.awake_w + (1 - awake) * self.sleep_w


TRANSMIT_ONLY = UePower(
    pa_efficiency=1.0,
    transmit_circuit_w=0.0,
    receive_w=0.0,
    awake_w=0.0,
    sleep_w=0.0,
    idle_w=0.0,
)
"""The paper's model: radiated power, and nothing else."""


@dataclass(frozen=True)
class ModemTimes:
    """How long the modems of K UEs were in each state, s. [K] each."""

    transmit_s: FloatArray
    receive_s: FloatArray
    wait_s: FloatArray
    idle_s: FloatArray


@dataclass(frozen=True)
class ModemEnergy:
    """What the states cost, J. [K] each."""

    transmit_j: FloatArray
    receive_j: FloatArray
    wait_j: FloatArray
    idle_j: FloatArray

    @property
    def total_j(self) -> FloatArray:
        """Of all states. [K]."""
        active_j = self.transmit_j + self.receive_j
        return active_j + self.wait_j + self.idle_j


def modem_energy_j(
    power: UePower,
    times: ModemTimes,
    radiated_w: FloatArray,
) -> ModemEnergy:
    """Energy of K UEs by state; radiated_w: while they send, [K]."""
    return ModemEnergy(
        transmit_j=power.transmit_w(radiated_w) * times.transmit_s,
        receive_j=power.receive_w * times.receive_s,
        wait_j=power.wait_w * times.wait_s,
        idle_j=power.idle_w * times.idle_s,
    )


@dataclass(frozen=True)
class GnbPower:
    """Supply power of a gNB: linear in the power it radiates, less in sleep."""

    transceivers: int = 6
    static_w: float = 130.0  # P_0 of each transceiver
    slope: float = 4.7  # Delta_p
    sleep_w: float = 75.0  # of each transceiver, while nothing is sent
    max_radiated_w: float = 20.0  # of each transceiver

    def __post_init__(self) -> None:
        if self.transceivers < 1:
            raise InputError("a gNB needs at least 1 transceiver", value=self.transceivers)
        least = min(
            self.static_w,
            self.slope,
            self.sleep_w,
            self.max_radiated_w,
        )
        if least < 0:
            raise InputError("powers of a gNB must not be negative", value=least)

    def supply_w(self, load: FloatArray) -> FloatArray:
        """Supply power at a load in 0..1, the part of its largest radiated power. Any shape."""
        if np.any((load < 0) | (load > 1)):
            raise InputError("the load must lie in 0..1", value=float(np.max(load)))
        radiated_w = load * self.max_radiated_w
        active_w = self.static_w + self.slope * radiated_w
        return np.asarray(self.transceivers * np.where(load > 0, active_w, self.sleep_w))


MACRO = GnbPower()
REMOTE_RADIO_HEAD = GnbPower(static_w=84.0, slope=2.8, sleep_w=56.0)
MICRO = GnbPower(
    transceivers=2,
    static_w=56.0,
    slope=2.6,
    sleep_w=39.0,
    max_radiated_w=6.3,
)
PICO = GnbPower(
    transceivers=2,
    static_w=6.8,
    slope=4.0,
    sleep_w=4.3,
    max_radiated_w=0.13,
)

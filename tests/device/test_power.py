"""Electric power of UEs and gNBs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from netsim.device.energy import transmit_energy_j
from netsim.device.power import (
    MACRO,
    PICO,
    TRANSMIT_ONLY,
    UNIT_W,
    GnbPower,
    ModemTimes,
    UePower,
    modem_energy_j,
)
from netsim.errors import InputError
from netsim.units import dbm_to_w

DEFAULT = UePower()


def test_defaults_are_the_states_of_tr_38840() -> None:
    sending = DEFAULT.transmit_w(np.array([dbm_to_w(0.0), dbm_to_w(23.0), 0.0])) / UNIT_W
    assert sending.tolist() == pytest.approx([250, 700, 0])
    assert DEFAULT.receive_w / UNIT_W == pytest.approx(300)
    assert DEFAULT.awake_w / UNIT_W == pytest.approx(100)
    assert pytest.approx(1.47e-3, rel=0.01) == UNIT_W


def test_transmit_only_is_the_papers_model() -> None:
    rng = np.random.default_rng(0)
    power_w = rng.uniform(0.01, 0.2, 5)
    times = ModemTimes(*rng.uniform(0, 4, (4, 5)))
    energy = modem_energy_j(TRANSMIT_ONLY, times, power_w)
    np.testing.assert_array_equal(energy.total_j, transmit_energy_j(power_w, times.transmit_s))


def test_energy_is_split_by_state() -> None:
    times = ModemTimes(*np.array([[2.0], [0.5], [3.0], [10.0]]))
    energy = modem_energy_j(DEFAULT, times, np.array([0.2]))
    assert energy.transmit_j[0] == pytest.approx(2 * (0.2 / 0.3 + DEFAULT.transmit_circuit_w))
    assert energy.wait_j[0] == pytest.approx(3 * DEFAULT.awake_w)
    total = energy.transmit_j + energy.receive_j + energy.wait_j + energy.idle_j
    np.testing.assert_allclose(energy.total_j, total)


def test_sleep_saves_what_waiting_costs() -> None:
    sleeper = replace(DEFAULT, drx_cycle_s=0.16, drx_on_s=0.01)
    on = 0.01 / 0.16
    assert sleeper.wait_w == pytest.approx(on * DEFAULT.awake_w + (1 - on) * DEFAULT.sleep_w)
    assert sleeper.wait_w < 0.3 * DEFAULT.wait_w
    assert replace(DEFAULT, drx_cycle_s=0.005).wait_w == DEFAULT.awake_w


def test_gnb_power_by_load() -> None:
    """EARTH's macro site: 450 W asleep, 780 W with nothing to radiate, 1344 W at full load."""
    assert MACRO.supply_w(np.array([0.0, 1e-12, 1.0])).tolist() == pytest.approx([450, 780, 1344])
    assert float(PICO.supply_w(np.array(1.0))) == pytest.approx(14.64)
    with pytest.raises(InputError, match=r"load must lie in 0\.\.1"):
        MACRO.supply_w(np.array([1.5]))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"pa_efficiency": 0.0}, r"efficiency must lie in \(0, 1\]"),
        ({"receive_w": -1.0}, "powers of a UE must not be negative"),
        ({"drx_cycle_s": -1.0}, "times of DRX must not be negative"),
    ],
)
def test_ue_refuses(change: dict[str, float], rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        UePower(**change)


def test_gnb_refuses() -> None:
    with pytest.raises(InputError, match="at least 1 transceiver"):
        GnbPower(transceivers=0)
    with pytest.raises(InputError, match="powers of a gNB must not be negative"):
        GnbPower(slope=-1.0)

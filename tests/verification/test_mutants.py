"""Known mistakes in the formulas and in the sampler are caught by the laws.

The explicit networks are simulated once; then one thing is broken at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

import netsim.device.power as power
import netsim.radio.coverage as coverage
import netsim.radio.interference as interference
import netsim.radio.multicast as multicast
import netsim.verification.downlink as downlink_laws
import netsim.verification.energy as energy_laws
import netsim.verification.field as field_laws
import netsim.verification.success as success_laws
from netsim.radio.pathloss import PowerLaw
from netsim.units import FloatArray, IntArray
from netsim.verification.law import Effort, Law
from netsim.verification.runner import judge

EFFORT = Effort(networks=200, seed=2)
ROWS_OF_A_RUN = 138
"""Judged rows of a whole run: the mutants must be caught by intervals as wide as there."""

c_of_u = coverage.interferer_constant
closed_form = coverage.success_probability


def _explicit() -> list[Law]:
    return list(success_laws.explicit_networks(EFFORT))


def _field() -> list[Law]:
    return list(field_laws.field_mode(EFFORT))


def _failing(rows: Sequence[Law]) -> list[Law]:
    padding = [Law("", "", "", 0.5, 1e-9, 0.5)] * (ROWS_OF_A_RUN - sum(r.judged for r in rows))
    return [v.law for v in judge([*rows, *padding]) if v.reason == "FAILS"]


def test_nothing_fails_unbroken() -> None:
    assert _failing(_explicit() + _field()) == []


FORMULA_MUTANTS: dict[str, Callable[..., object]] = {
    "alpha off by 0.3": lambda d, *, pathloss_exponent, **rest: closed_form(
        d, pathloss_exponent=pathloss_exponent + 0.3, **rest
    ),
    "noise forgotten": lambda d, *, noise_to_power, **rest: closed_form(
        d, noise_to_power=0.0, **rest
    ),
    "laws swapped": lambda d, *, law, **rest: closed_form(
        d,
        law={"typical_user": "typical_cell", "typical_cell": "typical_user"}.get(law, law),
        **rest,
    ),
    "printed form": lambda d, *, form, **rest: closed_form(d, form="paper", **rest),
}


@pytest.mark.parametrize("mutant", FORMULA_MUTANTS)
def test_mutants_of_the_closed_form(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(success_laws, "success_probability", FORMULA_MUTANTS[mutant])
    assert _failing(_explicit())


@pytest.mark.parametrize(
    ("mutant", "factor"),
    [("pi dropped in the thinning", 1 / np.pi), ("no thinning", 1e9), ("twice", 2.0)],
)
def test_mutants_of_the_thinning(
    mutant: str, factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In formula and sampler alike, so that only the explicit networks can tell."""

    def broken(u: object, law: str = "typical_user") -> np.ndarray:
        return factor * c_of_u(u, law)  # type: ignore[arg-type]

    monkeypatch.setattr(coverage, "interferer_constant", broken)
    monkeypatch.setattr(interference, "interferer_constant", broken)
    assert _failing(_explicit())
    assert not _failing(_field())


def _forget_noise(signal: np.ndarray, disturbance: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return signal / (disturbance + 0 * noise)


@pytest.mark.parametrize(
    ("mutant", "where", "name", "broken"),
    [
        ("pi dropped", interference, "interferer_constant", lambda u, law: c_of_u(u, law) / np.pi),
        ("no thinning", interference, "interferer_constant", lambda u, law: 1e9 * c_of_u(u, law)),
        ("noise forgotten", field_laws, "sinr", _forget_noise),
        (
            "alpha off by 0.3",
            field_laws,
            "PowerLaw",
            lambda exponent, **rest: PowerLaw(exponent + 0.3, **rest),
        ),
    ],
)
def test_mutants_of_the_sampler(
    mutant: str, where: object, name: str, broken: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the simulator draws no longer follows its closed form."""
    monkeypatch.setattr(where, name, broken)
    assert _failing(_field())


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("sinr", _forget_noise),
        ("PowerLaw", lambda exponent, **rest: PowerLaw(exponent + 0.3, **rest)),
    ],
)
def test_mutants_of_the_explicit_networks(
    name: str, broken: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(success_laws, name, broken)
    success_laws.simulate.cache_clear()
    try:
        assert _failing(list(success_laws.explicit_networks(Effort(networks=60, seed=2))))
    finally:
        success_laws.simulate.cache_clear()


def _drawn_without_circuits(
    self: power.UePower, power_w: FloatArray, part: object = 1.0
) -> FloatArray:
    return power_w / self.efficiency


def _always_awake(self: power.UePower, wait_s: FloatArray) -> FloatArray:
    return self.awake_w * wait_s


def _always_sending(self: power.GnbPower, length_s: FloatArray, sending_s: object) -> FloatArray:
    return (self.static_w + self.slope * self.radiated_w) * length_s


@pytest.mark.parametrize(
    ("owner", "name", "broken"),
    [
        (power.UePower, "drawn_w", _drawn_without_circuits),
        (power.UePower, "waiting_j", _always_awake),
        (power.GnbPower, "energy_j", _always_sending),
    ],
)
def test_mutants_of_energy(
    owner: type, name: str, broken: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, broken)
    laws = [*energy_laws.energy_by_state(EFFORT), *energy_laws.amplifier_and_gnb(EFFORT)]
    assert _failing(laws)


def test_a_mutant_of_the_downlink(monkeypatch: pytest.MonkeyPatch) -> None:
    """Multicast at the mean rate, as if all heard what the mean UE hears."""

    def mean_rate(group: IntArray, rate: FloatArray, groups: int) -> FloatArray:
        return np.full(groups, rate.mean())

    monkeypatch.setattr(multicast, "rate_to_all", mean_rate)
    assert _failing(list(downlink_laws.downlink_broadcasts(EFFORT)))

"""Parameters of plug-ins: a part's count as the plug-in's own, but for those that are fixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from netsim.errors import ScenarioError
from netsim.plugins import Limited, arguments, parameter, parameters, part
from netsim.scenario.parameters import typed_parameters


@dataclass
class Engine:
    """Inner part."""

    power: float = parameter(1.0, "how strong")
    fuel: str = parameter("petrol", "what it burns")


@dataclass
class Car:
    """Holds an engine and fixes its fuel."""

    seats: int
    engine: Engine = part(Engine, fixed={"fuel": "diesel"}, power=2.0)


@dataclass
class Fleet:
    """Holds a car and, through it, an engine."""

    size: int = parameter(3, "how many")
    car: Car = part(Car, seats=4)


def test_parameters_of_parts_are_the_plugins_own() -> None:
    found = {p.name: (p.type, p.default, p.meaning, p.part) for p in parameters(Car)}
    assert found == {"seats": (int, ..., "", None), "power": (float, 2.0, "how strong", Engine)}
    assert [p.name for p in parameters(Fleet)] == ["size", "seats", "power"]


def test_defaults_of_a_part() -> None:
    assert Fleet() == Fleet(3, Car(4, Engine(2.0, "diesel")))


def test_values_make_the_parts() -> None:
    values: dict[str, Any] = {"size": 1, "seats": 2, "power": 9.0}
    assert Fleet(**arguments(Fleet, values)) == Fleet(1, Car(2, Engine(9.0, "diesel")))


def test_fixed_parameters_cannot_be_given() -> None:
    assert Car(**typed_parameters(Car, {"seats": 5, "power": 3}, "car")) == Car(
        5, Engine(3.0, "diesel")
    )
    with pytest.raises(
        ScenarioError, match=r"car\.fuel: unknown parameter of Car; it has: seats, power"
    ):
        typed_parameters(Car, {"seats": 5, "fuel": "water"}, "car")
    with pytest.raises(ScenarioError, match=r"car\.seats: .*required"):
        typed_parameters(Car, {}, "car")


@dataclass
class Tyre(Limited):
    """Parameters with limits, checked whoever makes it."""

    width: int | None = parameter(None, "across", ge=1, le=9)
    grip: float = parameter(0.5, "of the road", gt=0, lt=1)


@dataclass
class Wheel:
    """Does not check what it is made of: the scenario does."""

    spokes: int = parameter(8, "how many", ge=3)
    tyre: Tyre = part(Tyre)


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"width": 0}, r"width: must be at least 1 \(found 0\)"),
        ({"width": 10}, r"width: must be at most 9 \(found 10\)"),
        ({"grip": 0.0}, r"grip: must be above 0 \(found 0.0\)"),
        ({"grip": 1.0}, r"grip: must be below 1 \(found 1.0\)"),
    ],
)
def test_limits_hold_for_constructors_and_for_scenarios(given: dict[str, Any], rule: str) -> None:
    with pytest.raises(ScenarioError, match=rf"scheme\.{rule}"):
        Tyre(**given)
    with pytest.raises(ScenarioError, match=rf"scheme\.{rule}"):
        typed_parameters(Wheel, given, "scheme")


def test_limits_of_a_plugin_that_does_not_check_itself() -> None:
    assert Wheel(**typed_parameters(Wheel, {"width": 9}, "wheel")) == Wheel(8, Tyre(9))
    with pytest.raises(ScenarioError, match=r"wheel\.spokes: must be at least 3 \(found 2\)"):
        typed_parameters(Wheel, {"spokes": 2}, "wheel")

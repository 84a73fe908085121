"""Parameters of plug-ins: a part's count as the plug-in's own, but for those that are fixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from netsim.errors import ScenarioError
from netsim.plugins import arguments, parameter, parameters, part
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

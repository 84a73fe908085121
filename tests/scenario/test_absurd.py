"""Absurd values at every key: refused before anything is simulated, naming the key, or finite results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from netsim.assembly import build_parts, build_simulation
from netsim.errors import ScenarioError
from netsim.plugins import parameters, plugin_class, plugin_names
from netsim.protocols import Silence
from netsim.results.writer import MemorySink
from netsim.scenario.choices import CHOICES, Choice
from netsim.scenario.limits import RANGES
from netsim.scenario.load import check, load_scenario
from netsim.scenario.model import Scenario
from netsim.scenario.parameters import typed_parameters
from netsim.scenario.schema import schema_rows
from netsim.scenario.section import section_type

ABSURD: tuple[Any, ...] = (
    1e308, -1e308, 1e30, 5e-324, 1e-30, float("nan"), float("inf"), float("-inf"), 10**20, -(10**20), 10**400, -1, 2**63,
    "", "\0", "a" * 5000, "../../x", "²", [], {}, [[]], {"a": {"b": 1}}, None, True, ["a"] * 2_000,
)  # fmt: skip
SMALL = {
    "network_only": True,
    "rounds": 1,
    "ues.count": 3,
    "topology.window_km": 3,
    "data.train_samples": 60,
    "data.test_samples": 10,
}
NEEDS = {"radio.nr": {"radio.rate_model": "nr"}}
KEYS = [row["key"].replace("[]", ".0") for row in schema_rows()]
KEYS = [
    key for key in KEYS if not key.startswith("channel")
]  # of entries that are not there by default
ENDLESS = (
    "round.deadline_s",
    "data.dirichlet_concentration",
    "data.partition.domain_concentration",
)
MAY_BE = [*((key, float("inf")) for key in ENDLESS)]


def _refusal(work: Callable[[], object]) -> str | None:
    """What a refusal says; None if there is none."""
    try:
        work()
    except ScenarioError as error:
        return str(error)
    return None


@pytest.mark.parametrize("section", sorted({key.split(".")[0] for key in KEYS}))
def test_absurd_values_of_every_key(section: str) -> None:
    for key in KEYS:
        if key.split(".")[0] != section:
            continue
        for value in ABSURD:
            said = _refusal(partial(check, _nested(key, value)))
            if said is None:
                assert not isinstance(value, float) or value == 1e-30 or (key, value) in MAY_BE, (
                    key,
                    value,
                )
            else:
                assert len(said) < 300
                assert key.rsplit(".", 1)[-1].removesuffix("0") in said


def _nested(key: str, value: Any) -> dict[str, Any]:
    """A raw scenario in which one key has a value."""
    raw: Any = value
    for part in reversed(key.split(".")):
        raw = [raw] if part == "0" else {part: raw}
    if key.startswith("radio.nr."):
        raw["radio"]["rate_model"] = "nr"
    return raw


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.name_key)
def test_absurd_values_of_every_parameter(choice: Choice) -> None:
    for kind in plugin_names(choice.group):
        plugin = plugin_class(choice.group, kind, "")
        for parameter in parameters(plugin):
            for value in ABSURD:
                said = _refusal(partial(_make, plugin, {parameter.name: value}))
                if said is None:
                    assert not isinstance(value, float) or value == 1e-30, (
                        kind,
                        parameter.name,
                        value,
                    )
                else:
                    assert parameter.name in said
                    assert len(said) < 300


def _make(plugin: type[Any], given: dict[str, Any]) -> None:
    plugin(**typed_parameters(plugin, given, "scenario"))


def _edges(section: type[BaseModel] = Scenario, prefix: str = "") -> Iterator[tuple[str, float]]:
    """Every key that holds a number, at the least and at the greatest that is accepted."""
    for name, info in section.model_fields.items():
        inner = section_type(info.annotation)
        if name == "flower":  # runs apps, which take no part without learning
            continue
        if inner is not None and not str(info.annotation).startswith("tuple"):
            yield from _edges(inner, f"{prefix}{name}.")
        elif "float" in str(info.annotation):
            for bound in _bounds(info):
                yield f"{prefix}{name}", bound


def _bounds(info: FieldInfo) -> tuple[float, float]:
    unit = (
        info.json_schema_extra.get("unit", "") if isinstance(info.json_schema_extra, dict) else ""
    )
    least, most = RANGES.get(str(unit), RANGES[""])
    for rule in info.metadata:
        least = max(least, getattr(rule, "ge", least))
        most = min(most, getattr(rule, "le", most))
    return least, most


@pytest.mark.parametrize(("key", "value"), list(_edges()))
def test_what_is_just_accepted_gives_finite_results(key: str, value: float) -> None:
    try:
        scenario = load_scenario(
            "quickstart", {**SMALL, **NEEDS.get(key.rpartition(".")[0], {}), key: value}
        )
    except ScenarioError as error:  # a rule that joins it with another key
        assert key.rsplit(".", 1)[-1] in str(error)  # noqa: PT017
        return
    sink = MemorySink()
    with np.errstate(over="raise", invalid="raise"):
        try:
            parts = build_parts(scenario, Silence())
        except ScenarioError:
            return
        build_simulation(parts, sink, Silence()).run(parts.scheme)
    for table in ("rounds", "uploads", "spans", "ues"):
        for column in sink.frame(table).select(pl.col(pl.Float64)).get_columns():
            assert column.name == "deadline_s" or column.drop_nulls().is_finite().all(), column.name


def test_what_is_very_long_is_told_in_one_line() -> None:
    for value in (["a"] * 200_000, "a" * 10**6):
        assert len(_refusal(partial(check, {"rounds": value})) or "") in range(20, 300)


def test_two_wrong_values_are_both_told_of() -> None:
    with pytest.raises(
        ScenarioError, match=r"radio.carrier_hz: .*; 1 more value is wrong: round.aggregation_s"
    ):
        load_scenario("quickstart", {"radio.carrier_hz": -1, "round.aggregation_s": 1e300})


def test_depth_is_limited() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    for raw in (deep, {"scheme": deep}, {"modules": [deep]}):
        with pytest.raises(
            ScenarioError, match="at most 16 lists or tables may be within each other"
        ):
            check(raw)
    with pytest.raises(ScenarioError, match="a key has at most 16 parts"):
        load_scenario("quickstart", {".".join("a" * 50_000): 1})

"""Parameters of plug-ins given in a scenario, typed by the fields of their dataclass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from netsim.errors import ScenarioError, did_you_mean
from netsim.plugins import arguments, parameters
from netsim.scenario.limits import broken_parameter_limit


def typed_parameters(
    plugin: type[Any],
    given: Mapping[str, Any],
    where: str,
    beside: Iterable[str] = (),
) -> dict[str, Any]:
    """`given` as the constructor arguments of the dataclass `plugin`. Raises ScenarioError.

    beside: keys of the section that are no parameters, for messages.
    """
    model = _parameter_model(plugin)  # type: ignore[arg-type]  # a class is hashable
    try:
        checked = model.model_validate(dict(given))
    except ValidationError as error:
        raise _first_error(
            error,
            plugin.__name__,
            [*model.model_fields, *beside],
            where,
        ) from None
    values = {name: getattr(checked, name) for name in model.model_fields}
    for name in given:
        rule = broken_parameter_limit(name, values[name])
        if rule is not None:
            raise ScenarioError(rule, where=f"{where}.{name}", value=values[name])
    for parameter in parameters(plugin):
        parameter.limits.check(values[parameter.name], f"{where}.{parameter.name}")
    return arguments(plugin, values)


@cache
def _parameter_model(plugin: type[Any]) -> type[BaseModel]:
    """Types and defaults of a plug-in's parameters."""
    fields: dict[str, Any] = {}
    for parameter in parameters(plugin):
        fields[parameter.name] = (parameter.type, parameter.default)
    config = ConfigDict(extra="forbid", allow_inf_nan=False)
    return create_model(plugin.__name__, __config__=config, **fields)


def _first_error(
    error: ValidationError, plugin: str, known: list[str], where: str
) -> ScenarioError:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        names = ", ".join(known) or "none"
        near = did_you_mean(first["loc"][0], known)
        rule = f"unknown parameter of {plugin}; it has: {names}{near}"
        return ScenarioError(rule, where=f"{where}.{key}")
    return ScenarioError(
        first["msg"][0].lower() + first["msg"][1:],
        where=f"{where}.{key}",
        value=first["input"],
    )

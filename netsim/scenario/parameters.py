"""Parameters of plug-ins given in a scenario, typed by the fields of their dataclass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, ValidationError, create_model

from netsim.errors import ScenarioError
from netsim.plugins import arguments, parameters


def typed_parameters(
    plugin: type[Any],
    given: Mapping[str, Any],
    where: str,
) -> dict[str, Any]:
    """`given` as the constructor arguments of the dataclass `plugin`. Raises ScenarioError."""
    fields: dict[str, Any] = {}
    declared = parameters(plugin)
    for parameter in declared:
        fields[parameter.name] = (parameter.type, parameter.default)
    config = ConfigDict(extra="forbid", allow_inf_nan=False)
    model = create_model(plugin.__name__, __config__=config, **fields)
    try:
        checked = model.model_validate(dict(given))
    except ValidationError as error:
        raise _first_error(
            error,
            plugin.__name__,
            list(fields),
            where,
        ) from None
    values = {name: getattr(checked, name) for name in fields}
    for parameter in declared:
        parameter.limits.check(values[parameter.name], f"{where}.{parameter.name}")
    return arguments(plugin, values)


def _first_error(
    error: ValidationError, plugin: str, known: list[str], where: str
) -> ScenarioError:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        names = ", ".join(known) or "none"
        rule = f"unknown parameter of {plugin}; it has: {names}"
        return ScenarioError(rule, where=f"{where}.{key}")
    return ScenarioError(
        first["msg"],
        where=f"{where}.{key}",
        value=first["input"],
    )

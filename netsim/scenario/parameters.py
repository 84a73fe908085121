"""Parameters of plug-ins (schemes) given in a scenario, typed by the fields of their dataclass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, ValidationError, create_model

from netsim.errors import ScenarioError
from netsim.plugins import arguments, parameters


def typed_parameters(plugin: type[Any], given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """`given` as the constructor arguments of the dataclass `plugin`. Raises ScenarioError."""
    declared = parameters(plugin)
    fields: dict[str, Any] = {p.name: (p.type, p.default) for p in declared}
    model = create_model(
        plugin.__name__, __config__=ConfigDict(extra="forbid", allow_inf_nan=False), **fields
    )
    try:
        checked = model.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(p) for p in first["loc"])
        if first["type"] == "extra_forbidden":
            known = ", ".join(fields) or "none"
            rule = f"unknown parameter of {plugin.__name__}; it has: {known}"
            raise ScenarioError(rule, where=f"{where}.{key}") from None
        raise ScenarioError(first["msg"], where=f"{where}.{key}", value=first["input"]) from None
    values = {name: getattr(checked, name) for name in fields}
    for p in declared:
        p.limits.check(values[p.name], f"{where}.{p.name}")
    return arguments(plugin, values)

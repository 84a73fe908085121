"""Every key of the scenario as rows, for `netsim validate --schema`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from netsim.scenario.model import Scenario
from netsim.scenario.section import section_type


def schema_rows(section: type[BaseModel] = Scenario, prefix: str = "") -> Iterator[dict[str, str]]:
    """Rows with key, type, unit, default, equation and meaning, in the model's order."""
    schemas = section.model_json_schema()["properties"]
    for name, info in section.model_fields.items():
        inner = section_type(info.annotation)
        key = f"{prefix}{name}"
        if inner is not None:
            several = get_origin(info.annotation) is tuple
            yield from schema_rows(inner, f"{key}[]." if several else f"{key}.")
            continue
        default = info.default
        has_default = not info.is_required() and default is not None
        yield {
            "key": key,
            "type": _type_name(schemas[name]),
            "unit": _noted(info, "unit"),
            "default": _shown(default) if has_default else "",
            "equation": _noted(info, "equation"),
            "meaning": info.description or "",
        }


def _noted(info: FieldInfo, what: str) -> str:
    """The unit or the equation of a key."""
    extra = info.json_schema_extra
    return str(extra.get(what, "")) if isinstance(extra, dict) else ""


def _type_name(schema: dict[str, Any]) -> str:
    """The types of a key, in words."""
    options = schema.get("anyOf", [schema])
    names = [_option_name(option) for option in options if option.get("type") != "null"]
    return " | ".join(names)


def _option_name(option: dict[str, Any]) -> str:
    if "enum" in option:
        return " | ".join(str(value) for value in option["enum"])
    if option.get("type") == "array":
        item = option["items"].get("type", "value")
        return f"list of {item}"
    if option.get("format") == "path":
        return "path"
    return str(option.get("type", "value"))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value)

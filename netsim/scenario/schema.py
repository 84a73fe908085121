"""Every key of the scenario as rows, for `netsim validate --schema`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from netsim.scenario.model import Scenario


def schema_rows(section: type[BaseModel] = Scenario, prefix: str = "") -> Iterator[dict[str, str]]:
    """Rows with key, type, unit, default, equation and meaning, in the model's order."""
    for name, info in section.model_fields.items():
        inner, repeated = _section(info)
        key = f"{prefix}{name}"
        if inner is not None:
            yield from schema_rows(inner, f"{key}[]." if repeated else f"{key}.")
            continue
        extra: dict[str, Any] = (
            info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        )
        yield {
            "key": key,
            "type": _type_name(section, name),
            "unit": str(extra.get("unit", "")),
            "default": "" if info.is_required() or info.default is None else _shown(info.default),
            "equation": str(extra.get("equation", "")),
            "meaning": info.description or "",
        }


def _section(info: FieldInfo) -> tuple[type[BaseModel] | None, bool]:
    annotation = info.annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    for argument in get_args(annotation):
        if isinstance(argument, type) and issubclass(argument, BaseModel):
            return argument, True
    return None, False


def _type_name(section: type[BaseModel], name: str) -> str:
    schema = section.model_json_schema()["properties"][name]
    options = schema.get("anyOf", [schema])
    names = []
    for option in options:
        if "enum" in option:
            names.append(" | ".join(str(v) for v in option["enum"]))
        elif option.get("type") == "array":
            names.append(f"list of {option['items'].get('type', 'value')}")
        elif option.get("type") != "null":
            names.append(
                "path" if option.get("format") == "path" else str(option.get("type", "value"))
            )
    return " | ".join(names)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)

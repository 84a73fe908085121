"""Every key of a scenario, and the parameters of what a key chooses by name."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from netsim.cli.console import print_table
from netsim.errors import ScenarioError, did_you_mean
from netsim.plugins import Parameter, parameters, plugin_class, plugin_names
from netsim.scenario.choices import CHOICES, Choice
from netsim.scenario.schema import schema_rows

HEADERS = ("key", "type", "unit", "default", "equation", "meaning")
WHERE = "only with"
UNITS = {  # by the end of a parameter's name
    "_m_s": "m/s",
    "_db": "dB",
    "_dbm": "dBm",
    "_hz": "Hz",
    "_bits": "bit",
    "_s": "s",
    "_m": "m",
    "_j": "J",
    "_w": "W",
}
TYPES = {
    float: "number",
    int: "integer",
    bool: "boolean",
    str: "text",
}

Row = dict[str, str]


def print_schema(part: str | None, *, as_json: bool) -> None:
    """The keys, and the parameters of plug-ins, whose dotted name contains `part`.

    Those of the schemes are shown where `part` asks for them: there are many. Raises ScenarioError
    if nothing is called so.
    """
    keys = list(schema_rows())
    choices = [row for choice in CHOICES for row in parameter_rows(choice)]
    if part is not None:
        keys = [row for row in keys if _matches(row, part)]
        choices = [row for row in choices if _matches(row, part)]
    elif not as_json:
        choices = [row for row in choices if not row["key"].startswith("scheme.")]
    if not keys and not choices:
        sections = {row["key"].partition(".")[0].removesuffix("[]") for row in schema_rows()}
        rule = f"no key is called so{did_you_mean(part, sections)}"
        raise ScenarioError(
            rule,
            where="--schema",
            value=part,
        )
    if as_json:
        sys.stdout.write(json.dumps({"keys": keys, "parameters": choices}, indent=1) + "\n")
        return
    _print(keys, HEADERS)
    _print(choices, ("key", "type", "unit", "default", WHERE, "meaning"))


def _matches(row: Row, part: str) -> bool:
    key = row["key"].replace("[]", "")
    return key == part or f".{part}." in f".{key}." or part in key


def _print(rows: list[Row], headers: tuple[str, ...]) -> None:
    if rows:
        print_table(
            headers,
            [[row[h] for h in headers] for row in rows],
            whole=(0,),
        )


def parameter_rows(choice: Choice) -> Iterator[Row]:
    """One row for each parameter of each plug-in that the choice offers."""
    for name in plugin_names(choice.group):
        for parameter in parameters(
            plugin_class(
                choice.group,
                name,
                choice.name_key,
            )
        ):
            yield {
                "key": f"{choice.section}.{parameter.name}",
                "type": _type_in_words(parameter.type),
                "unit": _unit(parameter.name),
                "default": _default(parameter),
                WHERE: f"{choice.key} = {name}",
                "meaning": parameter.meaning,
            }


def _unit(name: str) -> str:
    for ending, unit in UNITS.items():
        if name.endswith(ending):
            return unit
    return ""


def _type_in_words(annotation: Any) -> str:
    """A type as somebody who writes a scenario would call it."""
    origin = get_origin(annotation)
    inner = get_args(annotation)
    if origin is Literal:
        return " | ".join(map(str, inner))
    if origin in (Union, UnionType):
        return " | ".join(_type_in_words(item) for item in inner if item is not NoneType)
    if origin in (tuple, list):
        return f"list of {_type_in_words(inner[0])}"
    return TYPES.get(annotation, "value")


def _default(parameter: Parameter) -> str:
    default = parameter.default
    if default is ...:
        return "(required)"
    if default is None or default == "":
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple | list):
        return ", ".join(map(str, default))
    return f"{default:g}" if isinstance(default, float) else str(default)

"""TOML text as tables of a sane size and depth, and paths as absolute ones."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from netsim.errors import ScenarioError
from netsim.plain import resolved

MOST_BYTES = 4 * 2**20
DEEPEST = 16
"""Tables and lists within each other, far below what Python's own recursion can take."""


def parsed(toml: str, where: str) -> dict[str, Any]:
    """TOML text as tables. Raises ScenarioError."""
    try:
        return tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"not a TOML file: {error}", where=where) from None
    except RecursionError:
        rule = f"at most {DEEPEST} lists or tables may be within each other"
        raise ScenarioError(rule, where=where) from None
    except ValueError:  # Python converts no longer one
        raise ScenarioError(
            "not a TOML file: an integer has too many digits", where=where
        ) from None


def absolute(path: Path, where: str) -> str:
    """An absolute path. Raises ScenarioError."""
    try:
        return str(resolved(path))
    except ValueError as error:
        raise ScenarioError(str(error), where=where) from None


def check_depth(raw: Mapping[str, Any], where: str) -> None:
    """Raises ScenarioError for tables and lists that no one could follow, and no program."""
    level: list[Any] = [raw]
    for _ in range(DEEPEST):
        level = [item for value in level for item in _items(value)]
        if not level:
            return
    rule = f"at most {DEEPEST} lists or tables may be within each other"
    raise ScenarioError(rule, where=where)


def _items(value: Any) -> Iterable[Any]:
    """Tables and lists right inside a value."""
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return ()
    return [item for item in value if isinstance(item, Mapping | list | tuple)]

"""Classes that packages register by entry point: the frozen dataclasses behind a `kind` key."""

from __future__ import annotations

import dataclasses
from importlib.metadata import entry_points
from typing import Any

from netsim.errors import ScenarioError


def plugin_class(group: str, kind: str, where: str) -> type[Any]:
    """The dataclass registered as `kind` in `group`; its fields are its parameters.

    `where` is the scenario key that named it. Raises ScenarioError with the known names.
    """
    found = {e.name: e for e in entry_points(group=group)}
    if kind not in found:
        raise ScenarioError(f"must be one of {', '.join(sorted(found))}", where=where, value=kind)
    try:
        loaded = found[kind].load()
    except (ImportError, AttributeError) as error:
        raise ScenarioError(
            f"entry point {found[kind].value} cannot be loaded: {error}", where=where, value=kind
        ) from None
    if not dataclasses.is_dataclass(loaded) or not isinstance(loaded, type):
        raise ScenarioError("what is registered must be a dataclass", where=where, value=kind)
    return loaded


def plugin_names(group: str) -> list[str]:
    """Registered names, sorted."""
    return sorted({e.name for e in entry_points(group=group)})

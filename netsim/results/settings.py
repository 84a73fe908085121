"""What runs were given: their scenarios as dotted keys, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from netsim.results.plain_files import read_toml
from netsim.results.run_folder import SCENARIO
from netsim.results.tables import RunTables

Settings = dict[str, Any]  # dotted key -> value
UNSET = None  # a key that a scenario does not have


def settings_of(run: RunTables) -> Settings:
    """The resolved scenario of a run. Raises DataError."""
    return settings_below(run.path)


def settings_below(folder: Path) -> Settings:
    """The resolved scenario in the folder of a run or a sweep. Raises DataError."""
    return flat(read_toml(folder / SCENARIO))


def flat(tree: Mapping[str, Any]) -> Settings:
    """Nested tables as dotted keys: {"round": {"deadline_s": 4}} as {"round.deadline_s": 4}."""
    return dict(_leaves(tree, ""))


def _leaves(node: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, Mapping):
        items = list(node.items())
    elif isinstance(node, list) and any(isinstance(item, Mapping) for item in node):
        items = [(str(index), item) for index, item in enumerate(node)]
    else:
        yield prefix, node
        return
    for key, value in items:
        yield from _leaves(value, f"{prefix}.{key}" if prefix else key)


def differing(settings: Sequence[Settings]) -> dict[str, list[Any]]:
    """{key: its value in each} of the keys that are not the same in all, in their first order."""
    keys: dict[str, None] = {}
    for one in settings:
        keys.update(dict.fromkeys(one))
    found = {}
    for key in keys:
        values = [one.get(key, UNSET) for one in settings]
        if any(value != values[0] for value in values):
            found[key] = values
    return found


def changes(settings: Settings, base: Settings) -> Settings:
    """Keys whose value is not that of `base`, the ones it does not have included."""
    changed = {}
    for key, value in settings.items():
        if base.get(key, UNSET) != value:
            changed[key] = value
    return changed

"""A scenario by its dotted keys: to look a value up, to complete a key, and as a card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from netsim.cards import card
from netsim.errors import ScenarioError, did_you_mean
from netsim.scenario.section import Section

SHOWN = 12
"""Keys that a card shows; a scenario may have hundreds."""


def dotted_values(section: Section) -> dict[str, Any]:
    """{dotted key: value} of all keys that have one; items of lists by their number."""
    return dict(_walk(section.model_dump(mode="python", exclude_none=True), ""))


def _walk(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    inner: Iterator[tuple[Any, Any]]
    if isinstance(value, Mapping):
        inner = iter(value.items())
    elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
        inner = enumerate(value)
    else:
        yield key, value
        return
    for name, item in inner:
        yield from _walk(item, f"{key}.{name}" if key else str(name))


def value_of(section: Section, key: str) -> Any:
    """The value of a dotted key. Raises ScenarioError for a key that is not set."""
    values = dotted_values(section)
    if key not in values:
        raise ScenarioError(f"is not set{did_you_mean(key, values)}", where=f"scenario: {key}")
    return values[key]


def scenario_card(section: Section, usual: Section, title: str) -> str:
    """The keys that differ from the usual ones, as HTML for notebooks."""
    before = dotted_values(usual)
    changed = [
        (key, f"{value:g}" if isinstance(value, float) else str(value))
        for key, value in dotted_values(section).items()
        if before.get(key) != value and key != "name"
    ]
    more = len(changed) - SHOWN
    note = f"and {more} more; all other keys have their defaults" if more > 0 else ""
    return card(title, changed[:SHOWN], note=note or "all other keys have their defaults")

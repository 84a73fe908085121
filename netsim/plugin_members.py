"""What a plug-in must have: the members of its protocol, callable as the protocol calls them."""

from __future__ import annotations

import inspect
from typing import Any

from netsim.errors import ScenarioError


def check_members(plugin: type[Any], protocol: type[Any], where: str) -> None:
    """Raises ScenarioError unless `plugin` has all members of `protocol`.

    The message lists what is missing, and what cannot be called as the protocol calls it.
    """
    wrong = [text for name in _members(protocol) if (text := _wrong(plugin, protocol, name))]
    if not wrong:
        return
    name = f"{plugin.__module__}.{plugin.__qualname__}"
    rule = f"{name} is no {protocol.__name__}: {'; '.join(wrong)}"
    if _has_defaults(protocol):
        rule += f". A subclass of netsim.{protocol.__name__} has defaults for the others"
    raise ScenarioError(rule, where=where)


def _members(protocol: type[Any]) -> list[str]:
    """Public names that the protocol itself declares."""
    declared = [*protocol.__dict__, *inspect.get_annotations(protocol)]
    return [name for name in dict.fromkeys(declared) if not name.startswith("_")]


def _has_defaults(protocol: type[Any]) -> bool:
    """Members that a subclass inherits, besides those that are abstract."""
    abstract: frozenset[str] = protocol.__abstractmethods__
    methods = {name for name in _members(protocol) if callable(protocol.__dict__.get(name))}
    return bool(methods - abstract)


def _wrong(plugin: type[Any], protocol: type[Any], name: str) -> str:
    """What is wrong with a member; nothing if it is as it should be."""
    wanted = inspect.getattr_static(protocol, name, None)
    found = inspect.getattr_static(plugin, name, None)
    if found is None or (found is wanted and name in protocol.__abstractmethods__):
        return f"it lacks {name}{_arguments(wanted)}"
    if not inspect.isfunction(wanted):
        return ""
    if not inspect.isfunction(found):
        return ""
    given = list(inspect.signature(wanted).parameters.values())
    by_place = [one.name for one in given if one.kind is not one.KEYWORD_ONLY]
    by_name = {one.name: None for one in given if one.kind is one.KEYWORD_ONLY}
    try:
        inspect.signature(found).bind(*by_place, **by_name)
    except TypeError:
        return f"it must take {name}{_arguments(wanted)}"
    return ""


def _arguments(member: Any) -> str:
    """(self, round) as (round); nothing of what is no method."""
    if not inspect.isfunction(member):
        return ""
    names = [name for name in inspect.signature(member).parameters if name != "self"]
    return f"({', '.join(names)})"

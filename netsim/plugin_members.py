"""What a plug-in must have: the members of its protocol, callable as the protocol calls them."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

from netsim.errors import ScenarioError


def check_members(plugin: type[Any], protocol: type[Any], where: str) -> None:
    """Raises ScenarioError unless `plugin` has all members of `protocol`.

    The message lists what is missing, and what cannot be called as the protocol calls it.
    """
    lacking, unlike = _faults(plugin, protocol)  # type: ignore[arg-type]  # classes are hashable
    if not lacking and not unlike:
        return
    wrong = []
    if lacking:
        wrong.append(f"it lacks {', '.join(lacking)}")
    if unlike:
        wrong.append(f"it must take {', '.join(unlike)}")
    name = f"{plugin.__module__}.{plugin.__qualname__}"
    rule = f"{name} is no {protocol.__name__}: {'; '.join(wrong)}"
    if _has_defaults(protocol):
        rule += f"; a subclass of netsim.{protocol.__name__} has defaults"
    raise ScenarioError(rule, where=where)


@cache
def _faults(plugin: type[Any], protocol: type[Any]) -> tuple[list[str], list[str]]:
    """Members that `plugin` lacks, and those that cannot be called as the protocol calls them."""
    lacking = []
    unlike = []
    for name in _members(protocol):
        wanted = inspect.getattr_static(protocol, name, None)
        found = inspect.getattr_static(plugin, name, None)
        if found is None or (found is wanted and name in protocol.__abstractmethods__):
            lacking.append(f"{name}{_arguments(wanted)}")
        elif not _takes_the_same(found, wanted):
            unlike.append(f"{name}{_arguments(wanted)}")
    return lacking, unlike


def _members(protocol: type[Any]) -> list[str]:
    """Public names that the protocol itself declares."""
    declared = [*protocol.__dict__, *inspect.get_annotations(protocol)]
    return [name for name in dict.fromkeys(declared) if not name.startswith("_")]


def _has_defaults(protocol: type[Any]) -> bool:
    """Members that a subclass inherits, besides those that are abstract."""
    abstract: frozenset[str] = protocol.__abstractmethods__
    methods = {name for name in _members(protocol) if callable(protocol.__dict__.get(name))}
    return bool(methods - abstract)


def _takes_the_same(found: Any, wanted: Any) -> bool:
    """A method can be called as the protocol calls its own; what is no method need not be."""
    if not inspect.isfunction(wanted) or not inspect.isfunction(found):
        return True
    given = list(inspect.signature(wanted).parameters.values())
    by_place = [one.name for one in given if one.kind is not one.KEYWORD_ONLY]
    by_name = {one.name: None for one in given if one.kind is one.KEYWORD_ONLY}
    try:
        inspect.signature(found).bind(*by_place, **by_name)
    except TypeError:
        return False
    return True


def _arguments(member: Any) -> str:
    """(self, round) as (round); nothing of what is no method."""
    if not inspect.isfunction(member):
        return ""
    names = [name for name in inspect.signature(member).parameters if name != "self"]
    return f"({', '.join(names)})"

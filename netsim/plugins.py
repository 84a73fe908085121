"""Classes that packages register by entry point: the dataclasses behind a `kind` key.

The fields of a plug-in are its parameters. A field made by `part` holds another dataclass, whose
parameters then count as the plug-in's own: so several schemes share parameters, and a variant fixes
some of another scheme's, without copying any.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar, get_type_hints

from netsim.errors import ScenarioError, did_you_mean


def registered(group: str) -> Mapping[str, EntryPoint]:
    """What installed packages register in a group, by name."""
    return _registered(group, tuple(sys.path))


@cache
def _registered(group: str, _search_path: tuple[str, ...]) -> Mapping[str, EntryPoint]:
    """Looked up once: to read it from disk takes longer than many a short run."""
    return {point.name: point for point in entry_points(group=group)}


def plugin_class(
    group: str,
    kind: str,
    where: str,
) -> type[Any]:
    """The dataclass registered as `kind` in `group`; its fields are its parameters.

    `where` is the scenario key that named it. Raises ScenarioError with the known names.
    """
    found = registered(group)
    if kind not in found:
        rule = f"must be one of {', '.join(sorted(found))}{did_you_mean(kind, found)}"
        raise ScenarioError(rule, where=where, value=kind)
    loaded = _loaded(found[kind], where)
    if not dataclasses.is_dataclass(loaded) or not isinstance(loaded, type):
        raise ScenarioError(
            "what is registered must be a dataclass",
            where=where,
            value=kind,
        )
    return loaded


def _loaded(point: EntryPoint, where: str) -> Any:
    """What an entry point names. Raises ScenarioError, whatever its package raises."""
    try:
        return point.load()
    except Exception as error:
        rule = f"entry point {point.value} cannot be loaded: {type(error).__name__}: {error}"
        raise ScenarioError(rule, where=where, value=point.name) from error


def plugin_names(group: str) -> list[str]:
    """Registered names, sorted."""
    return sorted(registered(group))


# -- parameters ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Limits:
    """Range that a number must lie in; None: no limit on that side."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    def broken_rule(self, value: Any) -> str | None:
        """The first rule that `value` breaks, in words. A parameter that is not set breaks none."""
        if value is None:
            return None
        if self.ge is not None and not value >= self.ge:
            return f"must be at least {self.ge:g}"
        if self.gt is not None and not value > self.gt:
            return f"must be above {self.gt:g}"
        if self.le is not None and not value <= self.le:
            return f"must be at most {self.le:g}"
        if self.lt is not None and not value < self.lt:
            return f"must be below {self.lt:g}"
        return None

    def check(self, value: Any, where: str) -> None:
        """Raises ScenarioError, which names the key `where`, if `value` is out of range."""
        rule = self.broken_rule(value)
        if rule is not None:
            raise ScenarioError(rule, where=where, value=value)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a plug-in."""

    name: str
    type: Any
    default: Any  # `...` if it must be given
    meaning: str
    part: type[Any] | None  # the class it belongs to, where that is not the plug-in itself
    limits: Limits


def parameter(
    default: Any,
    meaning: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
) -> Any:
    """A field that is a parameter, with its meaning for `netsim schemes` and its range.

    A scenario's values are checked against the range; a dataclass that derives from `Limited`
    checks those given to its constructor too. Raises nothing itself.
    """
    metadata = {"meaning": meaning, "limits": Limits(ge=ge, gt=gt, le=le, lt=lt)}
    return dataclasses.field(default=default, metadata=metadata)


class Limited:
    """Base of dataclasses that check the ranges of their parameters when they are made."""

    section: ClassVar[str] = "scheme"  # of the scenario, for messages

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):  # type: ignore[arg-type]
            where = f"scenario: {self.section}.{item.name}"
            _limits(item).check(getattr(self, item.name), where)


def part(plugin: type[Any], *, fixed: Mapping[str, Any] | None = None, **defaults: Any) -> Any:
    """A field that holds a `plugin`, with other defaults and with parameters that are `fixed`.

    Raises ScenarioError, when it is made, for a default out of the range of its parameter.
    """
    given = {**defaults, **(fixed or {})}

    def make() -> Any:
        usual = {p.name: p.default for p in parameters(plugin)}
        values = {**usual, **given}
        return plugin(**arguments(plugin, values))

    metadata = {
        "part": plugin,
        "fixed": dict(fixed or {}),
        "defaults": defaults,
    }
    return dataclasses.field(default_factory=make, metadata=metadata)


def parameters(plugin: type[Any]) -> tuple[Parameter, ...]:
    """All parameters of a plug-in, including those of its parts."""
    return _parameters(plugin)  # type: ignore[arg-type]  # a class is hashable


@cache
def _parameters(plugin: type[Any]) -> tuple[Parameter, ...]:
    hints = get_type_hints(plugin)
    found: list[Parameter] = []
    for item in _fields(plugin):
        if "part" in item.metadata:
            found += _parameters_of_part(item)
            continue
        found.append(
            Parameter(
                name=item.name,
                type=hints[item.name],
                default=_default(item),
                meaning=_meaning(item),
                part=None,
                limits=_limits(item),
            )
        )
    return tuple(found)


def _parameters_of_part(item: dataclasses.Field[Any]) -> list[Parameter]:
    """Parameters of the part that a field holds, but those that are fixed."""
    inner = item.metadata["part"]
    fixed = item.metadata["fixed"]
    defaults = item.metadata["defaults"]
    return [
        dataclasses.replace(
            p,
            default=defaults.get(p.name, p.default),
            part=p.part or inner,
        )
        for p in parameters(inner)
        if p.name not in fixed
    ]


def arguments(plugin: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of the constructor, its parts made, from the values of all `parameters`."""
    made: dict[str, Any] = {}
    for item in _fields(plugin):
        if "part" not in item.metadata:
            made[item.name] = values[item.name]
            continue
        inner = item.metadata["part"]
        fixed = item.metadata["fixed"]
        own = {p.name: values[p.name] for p in _parameters_of_part(item)}
        made[item.name] = inner(**arguments(inner, {**fixed, **own}))
    return made


def values_of(plugin: Any) -> dict[str, Any]:
    """The parameters of a made plug-in as a scenario holds them; those that TOML cannot are left
    out. Without a dataclass there are none.
    """
    found: dict[str, Any] = {}
    if not dataclasses.is_dataclass(plugin):
        return found
    for item in _fields(type(plugin)):
        value = getattr(plugin, item.name)
        if "part" in item.metadata:
            own = values_of(value)
            fixed = item.metadata["fixed"]
            found |= {name: inner for name, inner in own.items() if name not in fixed}
        elif _is_plain(value):
            found[item.name] = list(value) if isinstance(value, tuple) else value
    return found


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(_is_plain(item) for item in value)
    return isinstance(value, bool | int | float | str)


def _fields(plugin: type[Any]) -> list[dataclasses.Field[Any]]:
    """The fields that the constructor takes."""
    return [item for item in dataclasses.fields(plugin) if item.init]


def _default(item: dataclasses.Field[Any]) -> Any:
    if item.default_factory is not dataclasses.MISSING:
        return item.default_factory()
    return ... if item.default is dataclasses.MISSING else item.default


def _meaning(item: dataclasses.Field[Any]) -> str:
    return str(item.metadata.get("meaning", ""))


def _limits(item: dataclasses.Field[Any]) -> Limits:
    limits: Limits = item.metadata.get("limits", Limits())
    return limits

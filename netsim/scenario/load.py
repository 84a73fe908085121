"""A scenario from a file or a bundled name, with overrides; and back to TOML.

Scenario text is data: it is parsed as TOML, checked by the model, and never executed.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError

from netsim.errors import ScenarioError, did_you_mean
from netsim.plain import plain_text
from netsim.scenario.choices import check_choices, drop_old_parameters
from netsim.scenario.model import Scenario
from netsim.scenario.motion import REPLAY, MobilityChoice
from netsim.scenario.presets import apply_presets
from netsim.scenario.reading import DEEPEST, MOST_BYTES, absolute, check_depth, parsed
from netsim.scenario.refusals import first_error

WITH_PATH = ("topology", "model", "data", "mobility")
PATH_KEYS = (*((section, "path") for section in WITH_PATH), ("flower", "app"))
"""File values are relative to the scenario file, overrides to the working directory."""
RECORD = ("mobility", "channel")
"""Tables of a run that was recorded."""
ALL = "*"
"""In a key: every item of a list, as `modules.*.target_modules`."""
LISTS = ("devices", "modules")
"""Sections whose default is a list, which an override of one of its items starts from."""


def load_scenario(
    path_or_name: Scenario | str | Path = "quickstart",
    overrides: Mapping[str, Any] | None = None,
) -> Scenario:
    """Read, override and check a scenario.

    `path_or_name` is a TOML file, the folder of a recorded run, which is replayed, the name of a
    bundled scenario, or a scenario that is to be changed; `overrides` maps dotted keys
    ("radio.bandwidth_hz", "modules.0.rank", "modules.*.rank") to values, typed by the model. A
    dictionary as value says something of its own keys only: {"round": {"deadline_s": 3}} is
    {"round.deadline_s": 3}. An override that names another scheme, path loss, mobility or compute
    model drops the parameters of the old one. Raises ScenarioError, also for what is named and does
    not exist, and for parameters that it does not have.
    """
    raw, where = _read(path_or_name)
    changes = _changes(overrides)
    apply_presets(raw, changes)
    drop_old_parameters(raw, changes)
    for key, value in changes.items():
        _put(raw, key, value)
    scenario = check(raw, where)
    check_choices(scenario, where)
    return scenario


def _changes(overrides: Mapping[str, Any] | None) -> dict[str, Any]:
    """A copy of the overrides: later ones go into earlier ones. Raises ScenarioError."""
    given = overrides or {}
    if not isinstance(given, Mapping):
        rule = 'must map dotted keys to values, as {"rounds": 5}; a folder is given by out='
        raise ScenarioError(rule, where="overrides", value=given)
    return _by_key(_plain(given))


def overridden_keys(overrides: Mapping[str, Any] | None) -> list[str]:
    """The dotted keys that `load_scenario` replaces, in their order. Raises ScenarioError."""
    return list(_changes(overrides))


def stored_scenario(path: Path) -> Scenario:
    """The scenario of a run or a sweep, as it was written; its plug-ins need not be there."""
    return check(_read_file(path), str(path))


def load_text(toml: str, where: str = "scenario") -> Scenario:
    """A scenario from TOML text, as `to_toml` makes it. Raises ScenarioError."""
    return check(parsed(toml, where), where)


def bundled_names() -> list[str]:
    """Names of the scenarios that come with the package."""
    folder = resources.files("netsim.scenario")
    names = [file.name for file in folder.iterdir()]
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def bundled_text(name: str) -> str:
    """The TOML text of a bundled scenario, comments and all. Raises ScenarioError."""
    names = bundled_names()
    if name not in names:
        rule = f"no bundled scenario; there are {', '.join(names)}{did_you_mean(name, names)}"
        raise ScenarioError(rule, where=name)
    return resources.files("netsim.scenario").joinpath(f"{name}.toml").read_text(encoding="utf-8")


def check(raw: Mapping[str, Any], where: str = "scenario") -> Scenario:
    """A Scenario from nested dictionaries; the first broken rule is raised as a ScenarioError."""
    check_depth(raw, where)
    try:
        return Scenario.model_validate(raw)
    except ValidationError as error:
        raise first_error(error, where) from None


def to_toml(scenario: Scenario) -> str:
    """The fully resolved scenario; loading it gives the same scenario."""
    return tomli_w.dumps(_raw(scenario))


def _raw(scenario: Scenario) -> dict[str, Any]:
    """Nested dictionaries, with nothing for what is not set."""
    raw: dict[str, Any] = _plain(scenario.model_dump(mode="python", exclude_none=True))
    return raw


def parse_override(text: str) -> tuple[str, Any]:
    """`a.b=value` as (key, value); the value is read as TOML where it can be, else as text."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ScenarioError("an override has the form a.b=value", where="--set", value=text)
    return key.strip(), parse_value(value.strip())


def parse_value(text: str) -> Any:
    """A TOML value (number, true, [list], "text"), or the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _read(path_or_name: Scenario | str | Path) -> tuple[dict[str, Any], str]:
    """The raw scenario and its name for messages."""
    if isinstance(path_or_name, Scenario):
        return _raw(path_or_name), path_or_name.name
    path = Path(path_or_name)
    name = str(path_or_name)
    if os.path.isfile(path / "scenario.toml"):
        return _replay_of(path), name
    if os.path.exists(path) and not os.path.isdir(path):
        return _read_file(path), name
    if name in bundled_names():
        return tomllib.loads(bundled_text(name)), name
    known = ", ".join(bundled_names())
    near = did_you_mean(name, bundled_names())
    raise ScenarioError(f"no such file, and not a bundled scenario ({known}){near}", where=name)


def _read_file(path: Path) -> dict[str, Any]:
    raw = parsed(plain_text(path, MOST_BYTES, ScenarioError, follow=True), str(path))
    for section, key in PATH_KEYS:
        keys = raw.get(section)
        if isinstance(keys, dict) and isinstance(keys.get(key), str):
            keys[key] = absolute(path.parent / keys[key], f"{path}: {section}.{key}")
    _resolve_channels(raw.get("channel"), path.parent)
    return raw


def _replay_of(folder: Path) -> dict[str, Any]:
    """The scenario of a recorded run, with its record in place of its mobility and channel models.

    Traces of rates and SNR that it replayed itself, which the record does not hold, stay.
    """
    file = folder / "scenario.toml"
    scenario = check(_read_file(file), str(file))
    if not all((folder / table).is_dir() for table in RECORD):
        rule = "was not recorded (record = true), to run it again give its scenario.toml"
        raise ScenarioError(rule, where=folder)
    mobility, channel = (absolute(folder / table, str(folder)) for table in RECORD)
    raw = _raw(scenario)
    common = {}
    for key, value in raw["mobility"].items():
        if key in MobilityChoice.model_fields:
            common[key] = value
    raw["record"] = False
    raw["mobility"] = {**common, "kind": REPLAY, "path": mobility}
    raw["channel"] = [*raw["channel"], {"path": channel}]
    return raw


def _resolve_channels(value: Any, folder: Path) -> None:
    """Paths of `[[channel]]` entries are relative to `folder`."""
    if not isinstance(value, list):
        return
    for number, entry in enumerate(value):
        if isinstance(entry, dict) and isinstance(entry.get("path"), str):
            entry["path"] = absolute(folder / entry["path"], f"channel.{number}.path")


def _by_key(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The same overrides without dictionaries as values but empty ones, which make a section."""
    found: dict[str, Any] = {}
    for key, value in overrides.items():
        if not isinstance(value, Mapping) or not value:
            found[key] = value
            continue
        for inner, item in _by_key(value).items():
            found[f"{key}.{inner}"] = item
    return found


def _put(
    raw: dict[str, Any],
    key: str,
    value: Any,
) -> None:
    """Set the value of a dotted key, which may lead through lists. Raises ScenarioError."""
    parts = key.split(".")
    if len(parts) > DEEPEST:
        raise ScenarioError(f"a key has at most {DEEPEST} parts", where=key)
    if parts == ["channel"]:
        _resolve_channels(value, Path())
    if tuple(parts) in PATH_KEYS and isinstance(value, str | Path):
        value = absolute(Path(value), key)
    if len(parts) > 1 and parts[0] in LISTS and parts[0] not in raw:
        default = Scenario.model_fields[parts[0]].default
        raw[parts[0]] = [_plain(item.model_dump(exclude_none=True)) for item in default]
    if ALL in parts:
        for one in _each(raw, parts):
            _put(raw, one, value)
        return
    node = _owner(raw, parts)
    last = parts[-1]
    if isinstance(node, list):
        node[_index(node, last, key)] = value
    elif value == {} and isinstance(node.get(last), dict):
        return  # says nothing of a section that is there
    else:
        node[last] = value


def _owner(raw: dict[str, Any], parts: list[str]) -> Any:
    """The table or the list that holds a key; tables that are not there are made."""
    node: Any = raw
    for depth, part in enumerate(parts[:-1]):
        where = ".".join(parts[: depth + 1])
        node = (
            node[_index(node, part, where)] if isinstance(node, list) else node.setdefault(part, {})
        )
        if not isinstance(node, list | dict):
            raise ScenarioError("is not a section", where=where, value=node)
    return node


def _each(raw: dict[str, Any], parts: list[str]) -> list[str]:
    """The keys that `modules.*.rank` stands for, one for each item. Raises ScenarioError."""
    at = parts.index(ALL)
    items = raw.get(parts[0]) if at == 1 else None
    if not isinstance(items, list):
        known = ", ".join((*LISTS, "channel"))
        rule = f"{ALL} stands for every item of a list ({known})"
        raise ScenarioError(rule, where=".".join(parts))
    return [".".join([parts[0], str(index), *parts[2:]]) for index in range(len(items))]


def _index(
    items: list[Any],
    text: str,
    where: str,
) -> int:
    """The index of an item. Raises ScenarioError."""
    is_index = text.isascii() and text.isdigit() and len(text) < 10
    if not is_index or int(text) >= len(items):
        raise ScenarioError(
            f"must be an index below {len(items)}",
            where=where,
            value=text,
        )
    return int(text)


def _plain(value: Any) -> Any:
    """A copy made of dictionaries, lists and scalars; paths become text."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value

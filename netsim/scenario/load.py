"""A scenario from a file or a bundled name, with overrides; and back to TOML.

Scenario text is data: it is parsed as TOML, checked by the model, and never executed.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, get_args

import tomli_w
from pydantic import BaseModel, ValidationError

from netsim.errors import ScenarioError
from netsim.scenario.model import Scenario
from netsim.scenario.motion import REPLAY, MobilityChoice

PATH_KEYS = (("topology", "path"), ("model", "path"), ("data", "path"), ("mobility", "path"))
"""File values are relative to the scenario file, overrides to the working directory."""
RECORD = ("mobility", "channel")
"""Tables of a run that was recorded."""


def load_scenario(
    path_or_name: str | Path = "quickstart", overrides: Mapping[str, Any] | None = None
) -> Scenario:
    """Read, override and check a scenario.

    `path_or_name` is a TOML file, the folder of a recorded run, which is replayed, or the name of a
    bundled scenario; `overrides` maps dotted keys ("radio.bandwidth_hz", "modules.0.rank") to
    values, typed by the model. Raises ScenarioError.
    """
    raw, where = _read(path_or_name)
    for key, value in _plain(overrides or {}).items():  # a copy: later ones go into earlier ones
        _put(raw, key, value)
    return check(raw, where)


def load_text(toml: str, where: str = "scenario") -> Scenario:
    """A scenario from TOML text, as `to_toml` makes it. Raises ScenarioError."""
    try:
        return check(tomllib.loads(toml), where)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"not TOML: {error}", where=where) from None


def bundled_names() -> list[str]:
    """Names of the scenarios that come with the package."""
    folder = resources.files("netsim.scenario")
    return sorted(
        f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")
    )


def check(raw: Mapping[str, Any], where: str = "scenario") -> Scenario:
    """A Scenario from nested dictionaries; the first broken rule is raised as a ScenarioError."""
    try:
        return Scenario.model_validate(raw)
    except ValidationError as error:
        raise _first_error(error, where) from None


def to_toml(scenario: Scenario) -> str:
    """The fully resolved scenario; loading it gives the same scenario."""
    return tomli_w.dumps(_plain(scenario.model_dump(mode="python", exclude_none=True)))


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
    except tomllib.TOMLDecodeError:
        return text


def _read(path_or_name: str | Path) -> tuple[dict[str, Any], str]:
    path = Path(path_or_name)
    if (path / "scenario.toml").is_file():
        return _replay_of(path), str(path)
    if path.is_file():
        return _read_file(path), str(path)
    name = str(path_or_name)
    if name in bundled_names():
        text = (
            resources.files("netsim.scenario").joinpath(f"{name}.toml").read_text(encoding="utf-8")
        )
        return tomllib.loads(text), name
    raise ScenarioError(
        f"no such file, and not a bundled scenario ({', '.join(bundled_names())})", where=name
    )


def _read_file(path: Path) -> dict[str, Any]:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"not a TOML file: {error}", where=path) from None
    for section, key in PATH_KEYS:
        value = raw.get(section, {}).get(key) if isinstance(raw.get(section), dict) else None
        if isinstance(value, str):
            raw[section][key] = str((path.parent / value).resolve())
    _resolve_channels(raw.get("channel"), path.parent)
    return raw


def _replay_of(folder: Path) -> dict[str, Any]:
    """The scenario of a recorded run with its record in place of what moved its UEs and of its
    channel model.

    Traces of rates and SNR that it replayed itself, which the record does not hold, stay.
    """
    scenario = check(_read_file(folder / "scenario.toml"), str(folder / "scenario.toml"))
    if not all((folder / table).is_dir() for table in RECORD):
        rule = "was not recorded (record = true), to run it again give its scenario.toml"
        raise ScenarioError(rule, where=folder)
    raw: dict[str, Any] = _plain(scenario.model_dump(mode="python", exclude_none=True))
    mobility, channel = (str((folder / table).resolve()) for table in RECORD)
    kept = {
        key: value for key, value in raw["mobility"].items() if key in MobilityChoice.model_fields
    }
    raw["record"] = False
    raw["mobility"] = {**kept, "kind": REPLAY, "path": mobility}
    raw["channel"] = [*raw["channel"], {"path": channel}]
    return raw


def _resolve_channels(value: Any, folder: Path) -> None:
    """Paths of `[[channel]]` entries are relative to `folder`."""
    for entry in value if isinstance(value, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("path"), str):
            entry["path"] = str((folder / entry["path"]).resolve())


def _put(raw: dict[str, Any], key: str, value: Any) -> None:
    parts = key.split(".")
    if parts == ["channel"]:
        _resolve_channels(value, Path())
    if tuple(parts) in PATH_KEYS and isinstance(value, str | Path):
        value = str(Path(value).resolve())
    node: Any = raw
    for depth, part in enumerate(parts):
        last = depth == len(parts) - 1
        if isinstance(node, list):
            if not part.isdigit() or int(part) >= len(node):
                raise ScenarioError(
                    f"must be an index below {len(node)}",
                    where=".".join(parts[: depth + 1]),
                    value=part,
                )
            index = int(part)
            if last:
                node[index] = value
            else:
                node = node[index]
        elif isinstance(node, dict):
            if last:
                node[part] = value
            else:
                if part not in node and depth == 0 and part in ("devices", "modules"):
                    default = Scenario.model_fields[part].default
                    node[part] = [_plain(item.model_dump(exclude_none=True)) for item in default]
                node = node.setdefault(part, {})
        else:
            raise ScenarioError("is not a section", where=".".join(parts[:depth]), value=node)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def _first_error(error: ValidationError, where: str) -> ScenarioError:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(p) for p in first["loc"])
    rule = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        return ScenarioError(f"unknown key{_suggestion(first['loc'])}", where=f"{where}: {key}")
    value = first["input"]
    shown = None if isinstance(value, Mapping | BaseModel) else value
    return ScenarioError(
        rule[0].lower() + rule[1:], where=f"{where}: {key}" if key else where, value=shown
    )


def _suggestion(loc: tuple[int | str, ...]) -> str:
    """The known key nearest to an unknown one."""
    section: type[BaseModel] = Scenario
    for part in loc[:-1]:
        if isinstance(part, str) and part in section.model_fields:
            annotation = section.model_fields[part].annotation
            inner = next((a for a in get_args(annotation) if _is_model(a)), annotation)
            if _is_model(inner):
                section = inner  # type: ignore[assignment]
    near = difflib.get_close_matches(str(loc[-1]), section.model_fields, n=1)
    return (
        f"; did you mean {near[0]}?" if near else f"; known keys: {', '.join(section.model_fields)}"
    )


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)

"""A ServerApp and a ClientApp: from a folder with a pyproject.toml, or from Python."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

from flwr.clientapp import ClientApp
from flwr.serverapp import ServerApp

from netsim.errors import DataError, ScenarioError, did_you_mean
from netsim.results.plain_files import read_toml

PROJECT = "pyproject.toml"
KEY = "tool.flwr.app"
OVERRIDE = re.compile(r"""\s*([\w.-]+)\s*=\s*("[^"]*"|'[^']*'|\S+)""")
NETSIM = Path(__file__).parents[1]
Config = dict[str, Any]


@dataclass(frozen=True)
class Apps:
    """What is run."""

    server: ServerApp
    client: ClientApp
    config: Config = field(default_factory=dict)  # `context.run_config`


@contextmanager
def apps_of(folder: Path, run_config: str) -> Iterator[Apps]:
    """The apps of a folder, importable while the block runs.

    What was imported from the folder is forgotten afterwards, so that the next run begins anew and
    another app may have modules of the same names. Raises DataError and ScenarioError.
    """
    folder = folder.resolve()
    file = folder / PROJECT
    components = _section(file).get("components", {})
    config = config_of(folder, run_config)
    sys.path.insert(0, str(folder))
    try:
        yield Apps(
            server=_component(file, components, "serverapp", ServerApp),
            client=_component(file, components, "clientapp", ClientApp),
            config=config,
        )
    finally:
        sys.path.remove(str(folder))
        _forget(folder)


def config_of(folder: Path, run_config: str) -> Config:
    """What the app of a folder is configured with. Raises DataError and ScenarioError."""
    config = _section(folder / PROJECT).get("config", {})
    return _with_overrides(_flat(config), run_config)


def _section(file: Path) -> dict[str, Any]:
    """tool.flwr.app of a pyproject.toml."""
    try:
        project = read_toml(file)
    except DataError as error:
        raise DataError(
            f"must be the pyproject.toml of a Flower app: {error.rule}", where=file
        ) from None
    node: Any = project
    for part in KEY.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    if not isinstance(node, dict):
        raise DataError(f"must have a section [{KEY}]", where=file)
    return node


def _component(
    file: Path,
    components: Mapping[str, Any],
    name: str,
    kind: type[Any],
) -> Any:
    """The object that `module:attribute` names. Raises DataError."""
    where = f"{file}: {KEY}.components.{name}"
    reference = components.get(name)
    module, colon, attribute = str(reference).partition(":")
    if reference is None or not colon or not attribute:
        raise DataError("must have the form module:attribute", where=where, value=reference)
    try:
        found = attrgetter(attribute)(import_module(module))
    except Exception as error:
        raise DataError(f"cannot be loaded: {told(error)}", where=where, value=reference) from error
    if not isinstance(found, kind):
        raise DataError(f"must be a {kind.__name__}", where=where, value=type(found).__name__)
    return found


def told(error: BaseException) -> str:
    """An exception in one line, with the place in the app that raised it."""
    text = " ".join(str(error).split())
    name = f"{type(error).__name__}: {text}" if text else type(error).__name__
    trace = error.__traceback__
    place = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        file = Path(code.co_filename)
        installed = "site-packages" in file.parts or not file.is_file()
        if not installed and NETSIM not in file.parents:
            place = f" ({file.name}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return f"{name}{place}"


def _flat(config: Mapping[str, Any], prefix: str = "") -> Config:
    """Nested tables as dotted keys."""
    found: Config = {}
    for name, value in config.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def _with_overrides(config: Config, text: str) -> Config:
    """Values replaced as `name=value name="value"` says; only names that the app has."""
    changed = dict(config)
    where = "scenario: flower.run_config"
    for name, written in OVERRIDE.findall(text):
        if name not in config:
            rule = f"the app has no {name}{did_you_mean(name, config)}"
            raise ScenarioError(f"{rule}; it has {', '.join(sorted(config))}", where=where)
        changed[name] = _value(written)
    if OVERRIDE.sub("", text).strip():
        raise ScenarioError("must have the form name=value name=value", where=where, value=text)
    return changed


def _value(written: str) -> Any:
    try:
        return tomllib.loads(f"value = {written}")["value"]
    except tomllib.TOMLDecodeError:
        return written


def _forget(folder: Path) -> None:
    """Drop the modules that lie in a folder."""
    inside = f"{folder}{os.sep}"
    for name, module in list(sys.modules.items()):
        spec = module.__spec__ if isinstance(module, ModuleType) else None
        if spec is None:
            continue
        places = [spec.origin, *(spec.submodule_search_locations or ())]
        # Some loaders give paths where others give text.
        if any(str(place).startswith(inside) for place in places if place):
            del sys.modules[name]

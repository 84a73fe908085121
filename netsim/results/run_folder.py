"""The run folder: its layout, its metadata, and how it comes to be."""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, BinaryIO

from netsim.errors import DataError, OutputError, RunError
from netsim.plain import check_plain_file
from netsim.records import TABLES
from netsim.results.plain_files import UNFINISHED, read_json, write_text
from netsim.version import __version__

try:
    import fcntl
except ImportError:  # not on Windows, where nobody is kept from what another process works on
    fcntl = None  # type: ignore[assignment]

SCENARIO = "scenario.toml"
METADATA = "metadata.json"
ADAPTERS = "adapters"
CHECKPOINT = "checkpoint"
LET_GO_S = 3.0  # the workers of a process that was killed end within a second
LOOK_AGAIN_S = 0.05
PACKAGES = ("numpy", "scipy", "simpy", "polars", "torch", "transformers", "peft")
KINDS: dict[str, type | tuple[type, ...]] = {  # of the metadata that others rely on
    "name": str,
    "scheme": str,
    "seed": int,
    "schema": int,
    "error": str,
    "stop_reason": str,
    "rounds": int,
    "wall_time_s": (int, float),
    "simulated_s": (int, float),
    "energy_j": (int, float),
    "records": dict,
    "warnings": list,
    "overridden": list,
}
KIND_NAMES = {
    str: "text",
    int: "a whole number",
    (int, float): "a number",
    dict: "an object",
    list: "a list",
}
STATUSES = ("running", "done", "failed", "interrupted")


@dataclass(frozen=True)
class RunFolder:
    """A run's folder on disk."""

    path: Path

    @classmethod
    def create(cls, path: Path, scenario_toml: str) -> RunFolder:
        """A new folder with its scenario.

        Raises OutputError if `path` is taken or cannot be written.
        """
        try:
            if path.exists() and not _is_empty(path):
                raise OutputError("the output folder must be new or empty", where=path)
            path.mkdir(parents=True, exist_ok=True)
            write_text(path / SCENARIO, scenario_toml)
        except OSError as error:
            raise OutputError(f"cannot be written: {error.strerror or error}", where=path) from None
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """The folder of a run that was begun, if only just. Raises DataError if it is none."""
        folder = cls(path)
        if not path.exists():
            raise DataError("does not exist", where=path)
        try:
            names = _names(path)
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror or error}", where=path) from None
        has_scenario = os.path.lexists(path / SCENARIO)
        if has_scenario:
            check_plain_file(path / SCENARIO)
        if has_scenario and names <= {SCENARIO, METADATA + UNFINISHED}:
            return folder
        folder.metadata()
        if not has_scenario:
            raise DataError("is not a whole run folder: it has no scenario.toml", where=path)
        return folder

    @property
    def status(self) -> str:
        """`running` of a run that was killed before it could say so."""
        if not (self.path / METADATA).exists():
            return "running"
        status: str = self.metadata()["status"]
        return status

    @property
    def in_progress(self) -> bool:
        """A process is at work on it just now."""
        with locked(self.path / SCENARIO) as free:
            return not free

    @contextmanager
    def claim(self) -> Iterator[None]:
        """The run is this process's until the end of the block.

        Raises OutputError if another process is at work on it.
        """
        with locked(self.path / SCENARIO, LET_GO_S) as mine:
            if not mine:
                raise OutputError("another process is at work on this run", where=self.path)
            yield

    def clear(self) -> None:
        """Remove what a run has written, for it to start again. Raises RunError."""
        try:
            for name in (CHECKPOINT, ADAPTERS, *TABLES):
                if (self.path / name).exists():
                    shutil.rmtree(self.path / name)
        except OSError as error:
            raise RunError(f"{error.filename}: cannot be removed: {error.strerror}") from None

    def discard(self) -> None:
        """Remove the folder of a run that has written nothing, as far as it can be removed."""
        if not _names(self.path) <= {SCENARIO, METADATA}:
            return
        with suppress(OSError):
            (self.path / METADATA).unlink(missing_ok=True)
            (self.path / SCENARIO).unlink()
            self.path.rmdir()

    def write_metadata(self, metadata: dict[str, Any]) -> None:
        """Replace metadata.json. Raises RunError."""
        path = self.path / METADATA
        text = (
            json.dumps(
                metadata,
                indent=2,
                allow_nan=False,
            )
            + "\n"
        )
        try:
            write_text(path, text)
        except OSError as error:
            raise RunError(f"{path}: cannot be written: {error.strerror or error}") from None

    def metadata(self) -> dict[str, Any]:
        """metadata.json. Raises DataError if this is no run folder."""
        path = self.path / METADATA
        if not self.path.exists():
            raise DataError("does not exist", where=self.path)
        if not os.path.lexists(path):
            raise DataError("is not a run folder: it has no metadata.json", where=self.path)
        data = read_json(path)
        _check_metadata(data, path)
        return data


def _check_metadata(data: dict[str, Any], path: Path) -> None:
    """Raises DataError unless what others rely on is there, of the type it should be."""
    if data.get("status") not in STATUSES:
        raise DataError(f"status must be one of {', '.join(STATUSES)}", where=path)
    for key, kind in KINDS.items():
        value = data.get(key)
        if key in data and (not isinstance(value, kind) or isinstance(value, bool)):
            raise DataError(
                f"{key} must be {KIND_NAMES[kind]}",
                where=path,
                value=value,
            )
    for table, rows in data.get("records", {}).items():
        if type(rows) is not int or rows < 0:
            raise DataError(
                f"records.{table} must be a number of rows",
                where=path,
                value=rows,
            )
    if data["status"] == "done":
        missing = [key for key in ("records", "seed", "name", "scheme") if key not in data]
        if missing:
            raise DataError(f"{', '.join(missing)} missing", where=path)


def free_folder(base: Path) -> Path:
    """`base`, or `base-2`, `base-3`, ...: the first that is not taken."""
    candidate = base
    number = 1
    while candidate.exists():
        number += 1
        candidate = base.with_name(f"{base.name}-{number}")
    return candidate


@contextmanager
def locked(path: Path, wait_s: float = 0.0) -> Iterator[bool]:
    """While the block runs, a file's lock is this process's (True) or another's (False).

    The lock is the operating system's: it ends with the processes that hold it, however they end.
    """
    if fcntl is None:
        yield True
        return
    with path.open("rb") as file:
        yield _lock(file, wait_s)


def _lock(file: BinaryIO, wait_s: float) -> bool:
    """Take the lock of an open file; False if another process keeps it for `wait_s`."""
    assert fcntl is not None
    until_s = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until_s:
                return False
            time.sleep(LOOK_AGAIN_S)
        except OSError:  # a file system without locks
            return True
        else:
            return True


def _is_empty(path: Path) -> bool:
    """A folder with nothing in it but what a killed `create` may have left."""
    return path.is_dir() and _names(path) <= {SCENARIO + UNFINISHED}


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@cache
def package_versions() -> dict[str, str]:
    """Versions that a reader needs to get the same bytes."""
    found = {"python": platform.python_version(), "netsim": __version__}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found

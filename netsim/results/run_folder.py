"""The run folder: its layout, its metadata, and how it comes to be."""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from netsim.errors import DataError, OutputError, RunError

SCENARIO = "scenario.toml"
METADATA = "metadata.json"
ADAPTERS = "adapters"
STATUSES = ("running", "done", "failed", "interrupted")


@dataclass(frozen=True)
class RunFolder:
    """A run's folder on disk."""

    path: Path

    @classmethod
    def create(cls, path: Path, scenario_toml: str) -> RunFolder:
        """A new folder with its scenario. Raises OutputError if `path` is taken or cannot be written."""
        try:
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise OutputError("the output folder must be new or empty", where=path)
            path.mkdir(parents=True, exist_ok=True)
            write_text(path / SCENARIO, scenario_toml)
        except OSError as error:
            raise OutputError(f"cannot be written: {error.strerror or error}", where=path) from None
        return cls(path)

    def write_metadata(self, metadata: dict[str, Any]) -> None:
        """Replace metadata.json."""
        try:
            write_text(self.path / METADATA, json.dumps(metadata, indent=2, allow_nan=False) + "\n")
        except OSError as error:
            raise RunError(f"{self.path / METADATA}: cannot be written: {error.strerror or error}") from None

    def metadata(self) -> dict[str, Any]:
        """metadata.json. Raises DataError if this is no run folder."""
        path = self.path / METADATA
        if not path.is_file():
            raise DataError("is not a run folder: it has no metadata.json", where=self.path)
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise DataError(f"not JSON: {error}", where=path) from None
        if not isinstance(data, dict) or data.get("status") not in STATUSES:
            raise DataError(f"status must be one of {', '.join(STATUSES)}", where=path)
        return data


def free_folder(base: Path) -> Path:
    """`base`, or `base-2`, `base-3`, ...: the first that is not taken."""
    candidate, number = base, 1
    while candidate.exists():
        number += 1
        candidate = base.with_name(f"{base.name}-{number}")
    return candidate


def write_text(path: Path, text: str) -> None:
    """Write a text file so that it is either old or new, never half."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder survive a power cut (not on Windows, where a folder cannot be opened)."""
    with suppress(PermissionError):
        opened = os.open(path, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def package_versions() -> dict[str, str]:
    """Versions that a reader needs to get the same bytes."""
    found = {"python": platform.python_version()}
    for name in ("netsim", "numpy", "scipy", "simpy", "polars", "torch", "transformers", "peft"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found

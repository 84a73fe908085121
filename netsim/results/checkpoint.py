"""Checkpoints: what a run must remember at the end of a round, on disk so that a power cut cannot
hurt it.

    checkpoint/00000020/     the last one
        state.json           numbers, text, lists and tables; where an array stood, its name
        arrays.npz           the arrays, uncompressed, never pickled
        ...                  files that others add (the learner's safetensors)
        manifest.json        version, round, and length and SHA-256 of every file
    checkpoint/00000010/     the one before

A checkpoint is written under a temporary name, synced, and renamed; the one before is removed only
when a third is whole. Reading believes nothing: what does not match its manifest is refused with
the reason, and the one before is taken.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.lib import format as npy

from netsim.errors import DataError, InputError, RunError
from netsim.results.run_folder import sync_folder

VERSION = 1
KEPT = 2
STATE, ARRAYS, MANIFEST = "state.json", "arrays.npz", "manifest.json"
ARRAY = "$array"  # {"$array": name} stands for an array
UNFINISHED, OLD = ".new-", ".old-"
LEAST_S = 10.0  # between two checkpoints that are made by the time
LEAST_WORK = 20  # times the last one's own time, so that they cost at most a twentieth

T = TypeVar("T")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was found whole."""

    path: Path
    round: int
    state: dict[str, Any]
    refused: tuple[str, ...] = ()  # newer ones, each with the reason


def save_checkpoint(
    folder: Path, round: int, state: Mapping[str, Any], add: Callable[[Path], None] | None = None
) -> None:
    """Write the checkpoint of `round` below `folder`; the one before stays, older ones go.

    `state` holds arrays, JSON values, and lists and tables of them; `add` writes further files (no
    folders) into the folder it is given. Raises RunError; what was there before is then still
    there.
    """
    target = folder / f"{round:08d}"
    unfinished = folder / f"{UNFINISHED}{target.name}"
    try:
        folder.mkdir(exist_ok=True)
        _sweep_up(folder)
        unfinished.mkdir()
        _write_state(unfinished, state)
        if add is not None:
            add(unfinished)
        files = sorted(unfinished.iterdir())
        manifest = {
            "version": VERSION,
            "round": round,
            "files": {
                file.name: {"bytes": file.stat().st_size, "sha256": _sha256(file)} for file in files
            },
        }
        (unfinished / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        for file in (*files, unfinished / MANIFEST):
            with file.open("rb+") as opened:
                os.fsync(opened.fileno())
        sync_folder(unfinished)
        if target.exists():  # refused when it was read, and made again
            _remove(target)
        unfinished.replace(target)
        sync_folder(folder)
        for old in _found(folder)[KEPT:]:
            _remove(old)
    except OSError as error:
        with suppress(OSError):
            shutil.rmtree(unfinished)
        raise RunError(f"{target}: cannot be written: {error.strerror or error}") from None


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """The newest checkpoint that is whole; None if there never was one. Raises DataError as
    below.
    """
    return use_checkpoint(folder, lambda found: found)


def use_checkpoint(folder: Path, use: Callable[[Checkpoint], T]) -> T | None:
    """What `use` makes of the newest checkpoint that is whole and that `use` does not refuse.

    None if there never was one. Raises DataError, with the reasons, if there are some and none can
    be used.
    """
    refused: list[str] = []
    for path in _found(folder):
        try:
            round, state = _read(path)
            return use(Checkpoint(path, round, state, tuple(refused)))
        except InputError as error:
            refused.append(str(error))
        except (
            OSError,
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            zipfile.BadZipFile,
        ) as error:
            refused.append(f"{path}: cannot be read: {type(error).__name__}: {error}")
    if refused:
        raise DataError(f"no checkpoint can be used: {'; '.join(refused)}", where=folder)
    return None


@dataclass
class Pace:
    """When a checkpoint is due: at every so many rounds, or (None) by the time that has gone by."""

    every: int | None
    _last_s: float = field(default_factory=lambda: time.monotonic(), init=False)
    _cost_s: float = field(default=0.0, init=False)

    def due(self, round: int) -> bool:
        """One is due at the end of `round`."""
        if self.every is not None:
            return round > 0 and round % self.every == 0
        return time.monotonic() - self._last_s >= max(LEAST_S, LEAST_WORK * self._cost_s)

    def made(self, begun_s: float) -> None:
        """One was made; work on it began at `begun_s` of the monotonic clock."""
        self._last_s = time.monotonic()
        self._cost_s = self._last_s - begun_s


def _found(folder: Path) -> list[Path]:
    """Checkpoints by round, the newest first."""
    if not folder.is_dir():
        return []
    return sorted(
        (p for p in folder.iterdir() if p.is_dir() and p.name.isdecimal()),
        key=lambda p: -int(p.name),
    )


def _remove(path: Path) -> None:
    """Remove a checkpoint; half of one must not look like one."""
    away = path.with_name(f"{OLD}{path.name}")
    path.replace(away)
    shutil.rmtree(away)


def _sweep_up(folder: Path) -> None:
    """Remove what a process that was killed left half made or half removed."""
    for path in folder.iterdir():
        if path.name.startswith((UNFINISHED, OLD)):
            shutil.rmtree(path)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


# -- state ---------------------------------------------------------------------------------------


def _write_state(folder: Path, state: Mapping[str, Any]) -> None:
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    tree = _plain(state, arrays)
    (folder / STATE).write_text(json.dumps(tree) + "\n", encoding="utf-8")
    with zipfile.ZipFile(folder / ARRAYS, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                npy.write_array(file, array, allow_pickle=False)


def _plain(value: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    """`value` as JSON, its arrays moved to `arrays`."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biuf":
            raise TypeError(f"an array of a checkpoint must hold numbers, found {value.dtype}")
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {ARRAY: name}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        if ARRAY in value or not all(isinstance(key, str) for key in value):
            raise TypeError(
                f"keys of a checkpoint must be text other than {ARRAY}, found {list(value)}"
            )
        return {key: _plain(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, arrays) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a checkpoint holds arrays and JSON values, found {type(value).__name__}")


def _read(path: Path) -> tuple[int, dict[str, Any]]:
    manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    if manifest["version"] != VERSION:
        raise DataError(f"must be of version {VERSION}", where=path, value=manifest["version"])
    if manifest["round"] != int(path.name):
        raise DataError(
            "must be of the round it is named after", where=path, value=manifest["round"]
        )
    found = {file.name for file in path.iterdir()} - {MANIFEST}
    if found != manifest["files"].keys():
        odd = sorted(found ^ manifest["files"].keys())
        raise DataError("files and manifest differ", where=path, value=odd)
    for name, told in manifest["files"].items():
        file = path / name
        if file.is_symlink() or not file.is_file():
            raise DataError("must be a plain file", where=file)
        if file.stat().st_size != told["bytes"] or _sha256(file) != told["sha256"]:
            raise DataError("is not what was written", where=file)
    state = json.loads((path / STATE).read_text(encoding="utf-8"))
    with zipfile.ZipFile(path / ARRAYS) as archive:
        whole = _whole(state, archive)
    if not isinstance(whole, dict):
        raise DataError("must be a table", where=path / STATE)
    return manifest["round"], whole


def _whole(value: Any, archive: zipfile.ZipFile) -> Any:
    """What `_plain` took apart."""
    if isinstance(value, dict):
        if ARRAY in value:
            return _array(archive, f"{value[ARRAY]}.npy")
        return {key: _whole(item, archive) for key, item in value.items()}
    return [_whole(item, archive) for item in value] if isinstance(value, list) else value


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray[Any, Any]:
    """One array. A header may not ask for more than the file holds."""
    entry = archive.getinfo(name)
    with archive.open(entry) as file:
        npy.read_magic(file)
        shape, _, dtype = npy.read_array_header_1_0(file)
        held = entry.file_size - file.tell()
    if entry.compress_type != zipfile.ZIP_STORED or dtype.kind not in "biuf":
        raise DataError(
            "must be numbers, not compressed", where=f"{archive.filename}: {name}", value=dtype.str
        )
    if math.prod(shape) * dtype.itemsize != held:
        raise DataError(
            "is not as long as it says", where=f"{archive.filename}: {name}", value=shape
        )
    with archive.open(entry) as file:
        found: np.ndarray[Any, Any] = npy.read_array(file, allow_pickle=False)
        return found

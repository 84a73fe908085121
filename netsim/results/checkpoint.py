"""Checkpoints: what a run must remember at the end of a round, safe from a power cut.

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
import os
import shutil
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from netsim.errors import DataError, InputError, RunError
from netsim.plain import check_plain_file, check_plain_folder
from netsim.results.plain_files import read_json, sync_folder
from netsim.results.state_file import read_state, write_state

VERSION = 2
KEPT = 2
MANIFEST = "manifest.json"
UNFINISHED = ".new-"
OLD = ".old-"
LEAST_S = 10.0  # between two checkpoints that are made by the time
LEAST_WORK = 20  # times the last one's own time, so that they cost at most a twentieth
UNREADABLE = (  # what reading a file that is not what it should be may raise
    OSError,
    RecursionError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    zipfile.BadZipFile,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was found whole."""

    path: Path
    round: int
    state: dict[str, Any]
    refused: tuple[str, ...] = ()  # newer ones, each with the reason


def save_checkpoint(
    folder: Path,
    round: int,
    state: Mapping[str, Any],
    add: Callable[[Path], None] | None = None,
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
        _remove_leftovers(folder)
        unfinished.mkdir()
        write_state(unfinished, state)
        if add is not None:
            add(unfinished)
        _write_manifest(unfinished, round)
        _sync_files(unfinished)
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


def _write_manifest(folder: Path, round: int) -> None:
    files = {}
    for file in sorted(folder.iterdir()):
        files[file.name] = {"bytes": file.stat().st_size, "sha256": _sha256(file)}
    manifest = {
        "version": VERSION,
        "round": round,
        "files": files,
    }
    text = json.dumps(manifest, indent=1) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def _sync_files(folder: Path) -> None:
    for file in sorted(folder.iterdir()):
        with file.open("rb+") as opened:
            os.fsync(opened.fileno())
    sync_folder(folder)


def use_checkpoint(folder: Path, use: Callable[[Checkpoint], T]) -> T | None:
    """Result of `use` for the newest checkpoint that is whole and that `use` does not refuse.

    None if there never was one. Raises DataError, with the reasons, if there are some and none can
    be used.
    """
    refused: list[str] = []
    for path in _found(folder):
        try:
            round, state = _read(path)
            return use(
                Checkpoint(
                    path,
                    round,
                    state,
                    tuple(refused),
                )
            )
        except InputError as error:
            refused.append(str(error))
        except UNREADABLE as error:
            refused.append(f"{path}: cannot be read: {_told(error)}")
    if refused:
        reasons = "; ".join(refused).replace(f"{folder}{os.sep}", "")
        raise DataError(f"no checkpoint can be used: {reasons}", where=folder)
    return None


@dataclass
class Pace:
    """When a checkpoint is due: every so many rounds, or (None) by the wall time since the last."""

    every: int | None
    _last_s: float = field(default_factory=lambda: time.monotonic(), init=False)
    _cost_s: float = field(default=0.0, init=False)

    def due(self, round: int) -> bool:
        """One is due at the end of `round`."""
        if self.every is not None:
            return round > 0 and round % self.every == 0
        since_last_s = time.monotonic() - self._last_s
        return since_last_s >= max(LEAST_S, LEAST_WORK * self._cost_s)

    def made(self, begun_s: float) -> None:
        """One was made; work on it began at `begun_s` of the monotonic clock."""
        self._last_s = time.monotonic()
        self._cost_s = self._last_s - begun_s


def _told(error: BaseException) -> str:
    """Why a checkpoint cannot be read, in words of ours."""
    if isinstance(error, OSError):
        return error.strerror or "the disk fails"
    if isinstance(error, zipfile.BadZipFile):
        return "its arrays are no whole archive"
    return f"it does not hold what a run saves ({type(error).__name__})"


def _found(folder: Path) -> list[Path]:
    """Checkpoints by round, the newest first."""
    if not os.path.lexists(folder):
        return []
    check_plain_folder(folder)
    found = []
    for path in folder.iterdir():
        if path.name.isdecimal() and path.is_dir():
            found.append(path)
    return sorted(
        found,
        key=lambda path: int(path.name),
        reverse=True,
    )


def _remove(path: Path) -> None:
    """Remove a checkpoint; half of one must not look like one."""
    away = path.with_name(f"{OLD}{path.name}")
    path.replace(away)
    shutil.rmtree(away)


def _remove_leftovers(folder: Path) -> None:
    """Remove what a killed process left half made or half removed."""
    for path in folder.iterdir():
        if path.name.startswith((UNFINISHED, OLD)):
            shutil.rmtree(path)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _read(path: Path) -> tuple[int, dict[str, Any]]:
    """Round and state of a checkpoint. Raises DataError, or one of UNREADABLE."""
    check_plain_folder(path)
    manifest = read_json(path / MANIFEST)
    version = manifest["version"]
    round = manifest["round"]
    if version != VERSION:
        raise DataError(
            f"must be of version {VERSION}",
            where=path,
            value=version,
        )
    if round != int(path.name):
        raise DataError(
            "must be of the round it is named after",
            where=path,
            value=round,
        )
    _check_files(path, manifest["files"])
    return round, read_state(path)


def _check_files(path: Path, listed: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises DataError if the files are not those of the manifest, byte for byte."""
    found = {file.name for file in path.iterdir()} - {MANIFEST}
    if found != listed.keys():
        odd = sorted(found ^ listed.keys())
        raise DataError(
            "files and manifest differ",
            where=path,
            value=odd,
        )
    for name, expected in listed.items():
        file = path / name
        check_plain_file(file)
        same_length = file.stat().st_size == expected["bytes"]
        if not same_length or _sha256(file) != expected["sha256"]:
            raise DataError("is not what was written", where=file)

"""Files that others may have put there: plain ones only, read with limits; written whole.

A link, a pipe or a device in a run folder is neither followed nor read: it may lead out of the
folder, or never end.
"""

from __future__ import annotations

import json
import os
import tomllib
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from netsim.errors import DataError
from netsim.plain import plain_text

UNFINISHED = ".tmp"  # files that are being written end so
MOST_BYTES = 64 * 2**20  # of a text file; tables and weights have no limit


# -- reading -------------------------------------------------------------------------------------


def read_text(path: Path) -> str:
    """The text of a plain file of at most MOST_BYTES. Raises DataError."""
    return plain_text(path, MOST_BYTES)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of finite numbers and proper text from a plain file. Raises DataError."""
    text = read_text(path)
    try:
        data = json.loads(text, parse_constant=_refuse)
        # 1e999 is read as infinity; half a surrogate pair has no UTF-8
        json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError:
        raise DataError("not JSON of a sane depth", where=path) from None
    except ValueError as error:
        raise DataError(f"not JSON: {error}", where=path) from None
    if not isinstance(data, dict):
        raise DataError("must be a JSON object", where=path)
    return data


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML table from a plain file. Raises DataError."""
    text = read_text(path)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise DataError("not TOML of a sane depth", where=path) from None
    except ValueError as error:
        raise DataError(f"not TOML: {error}", where=path) from None


# -- writing -------------------------------------------------------------------------------------


def write_text(path: Path, text: str) -> None:
    """Write a text file so that it is either old or new, never half."""
    temporary = path.with_name(path.name + UNFINISHED)
    _write_and_sync(temporary, text)
    temporary.replace(path)
    sync_folder(path.parent)


def create_text(path: Path, text: str) -> None:
    """Write a text file unless it is there, whole or not at all; any number may try at once."""
    if path.exists():
        return
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}{UNFINISHED}")
    try:
        _write_and_sync(temporary, text)
        _link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def _link(source: Path, target: Path) -> None:
    """Give a file a name, unless the name is taken."""
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not target.exists():
            source.replace(target)


def _write_and_sync(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Make the names in a folder survive a power cut."""
    with suppress(PermissionError):  # on Windows a folder cannot be opened
        opened = os.open(path, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)

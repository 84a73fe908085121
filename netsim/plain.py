"""Files that others may have put there: plain ones only, none that leads away or never ends.

A link, a pipe or a device among the files of a folder that came from elsewhere is neither followed
nor read: it may lead to what was not meant to be shown, or never end.
"""

from __future__ import annotations

import errno
import gzip
import os
import stat
import zipfile
import zlib
from pathlib import Path

from netsim.errors import DataError, InputError, OutputError
from netsim.parquet import begins_as_parquet, parquet_fault

PLAIN_ONLY = "must be a plain file, not a link, a pipe or a device"
PLAIN_FOLDER_ONLY = "must be a folder, not a link"


def check_plain_file(path: Path, kind: type[InputError] = DataError) -> None:
    """Raises an error of `kind` unless `path` is a plain file."""
    if not stat.S_ISREG(_mode(path, kind)):
        raise kind(PLAIN_ONLY, where=path)


def check_plain_folder(path: Path, kind: type[InputError] = DataError) -> None:
    """Raises an error of `kind` unless `path` is a folder itself, no link to one."""
    if not stat.S_ISDIR(_mode(path, kind)):
        raise kind(PLAIN_FOLDER_ONLY, where=path)


def check_plain(path: Path, kind: type[InputError] = DataError) -> None:
    """Raises an error of `kind` unless `path` is a plain file, or a folder itself."""
    mode = _mode(path, kind)
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise kind(PLAIN_ONLY, where=path)


def check_plain_or_cached(path: Path, kind: type[InputError] = DataError) -> None:
    """Raises an error of `kind` unless `path` is a plain file, or a link within the hub's cache.

    There a snapshot of a repository is made of links, `snapshots/REVISION/FILE`, and what they lead
    to are plain files in the repository's own folder `blobs`.
    """
    if not stat.S_ISLNK(_mode(path, kind)):
        check_plain_file(path, kind)
        return
    where = path.absolute()
    repository = next((p.parent for p in where.parents if p.name == "snapshots"), None)
    try:
        target = where.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise kind(f"cannot be read: {_reason(error)}", where=path) from None
    if repository is None or target.parent != repository.resolve() / "blobs":
        raise kind(f"{PLAIN_ONLY} (links of the hub's cache are followed)", where=path)
    check_plain_folder(repository / "blobs", kind)
    check_plain_file(target, kind)


def _mode(path: Path, kind: type[InputError]) -> int:
    try:
        return path.lstat().st_mode
    except (OSError, ValueError) as error:
        raise kind(f"cannot be read: {_reason(error)}", where=path) from None


def check_may_be_replaced(path: Path) -> None:
    """Raises OutputError if at `path` there is what a new file must not take the place of.

    A device or a pipe, whose name a user may well give, would be gone for the whole machine.
    """
    try:
        mode = path.lstat().st_mode
    except (OSError, ValueError):  # nothing is there, or it cannot be: who writes will see
        return
    if stat.S_ISDIR(mode):
        raise OutputError("must be a file, not a folder", where=path)
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        raise OutputError("must be a new or a plain file, not a pipe or a device", where=path)


def plain_text(
    path: Path,
    most_bytes: int,
    kind: type[InputError] = DataError,
    *,
    follow: bool = False,
) -> str:
    """The UTF-8 text of a plain file; with `follow` a link that the user names may lead to it.

    Raises an error of `kind`, also for more than `most_bytes`.
    """
    try:
        target = path.resolve(strict=True) if follow else path
        check_plain_file(target, kind)
        if target.stat().st_size > most_bytes:
            raise kind(f"must be at most {most_bytes} bytes long", where=path)
        return target.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise kind("must be UTF-8 text", where=path) from None
    except (OSError, RuntimeError, ValueError) as error:
        raise kind(f"cannot be read: {_reason(error)}", where=path) from None


def resolved(path: Path) -> Path:
    """The absolute path. Raises ValueError, with words for a message, if there can be none."""
    try:
        return path.resolve()
    except ValueError:
        raise ValueError("a path must not hold a zero byte") from None
    except (OSError, RuntimeError) as error:  # links in a circle
        raise ValueError(f"is no path: {_reason(error)}") from None


def exists(path: Path) -> bool:
    """Whether there is something; what cannot be a name does not exist."""
    return os.path.exists(path)


def why_unreadable(path: Path, error: BaseException) -> str:
    """Why a file of a table or an archive cannot be read.

    In words of ours: what the libraries inside say is meant for who calls them.
    """
    if isinstance(error, gzip.BadGzipFile):
        return "is no gzip file, or its content is damaged"
    if isinstance(error, OSError) and error.strerror and error.errno != errno.EINVAL:
        return f"cannot be read: {error.strerror}"
    if isinstance(error, EOFError | OSError | zlib.error | zipfile.BadZipFile):
        return "cannot be read: it is cut off or damaged"
    if path.suffix == ".parquet" or begins_as_parquet(path):
        return f"cannot be read: {parquet_fault(path)}"
    return "cannot be read: it is damaged, or of a kind that is not read"


def _reason(error: BaseException) -> str:
    said = error.strerror if isinstance(error, OSError) else None
    return said or str(error)

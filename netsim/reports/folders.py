"""Where exports go."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from netsim.errors import OutputError
from netsim.plain import check_may_be_replaced


@contextmanager
def export_folder(path: Path, own: re.Pattern[str]) -> Iterator[None]:
    """Make a folder for an export; it is removed again if the block fails.

    An earlier export, a folder with nothing in it but names that match `own`, is replaced. Raises
    OutputError if `path` is something else, or if it or its files cannot be written.
    """
    try:
        if path.exists():
            _remove_earlier(path, own)
        path.mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", where=path) from None
    try:
        yield
    except BaseException as error:
        shutil.rmtree(path, ignore_errors=True)
        if isinstance(error, OSError):
            reason = error.strerror or error
            raise OutputError(f"cannot be written: {reason}", where=path) from None
        raise


def _remove_earlier(path: Path, own: re.Pattern[str]) -> None:
    rule = "the output folder must be new or empty, or hold an earlier export of this kind"
    if path.is_symlink() or not path.is_dir():
        raise OutputError(rule, where=path)
    for entry in path.iterdir():
        if own.fullmatch(entry.name) is None:
            raise OutputError(f"{rule}; it has {entry.name}", where=path)
    shutil.rmtree(path)


@contextmanager
def export_file(path: Path) -> Iterator[Path]:
    """A temporary file that becomes `path` if the block succeeds, and is removed if not.

    Raises OutputError if it cannot be written.
    """
    if not path.name:
        raise OutputError("must be a file, not a folder", where=path)
    check_may_be_replaced(path)
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", where=path) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def beside(folder: Path, ending: str) -> Path:
    """A path next to a folder, named after it."""
    has_name = folder.name not in ("", "..")
    path = folder if has_name else folder.resolve()
    return path.with_name(path.name + ending)

"""Arrays in NumPy files: never objects, and sizes are looked at before anything is unpacked."""

from __future__ import annotations

import errno
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from netsim.errors import DataError
from netsim.plain import why_unreadable
from netsim.traces.files import bomb, most_unpacked

MAX_BYTES = 4 * 2**30

Arrays = Mapping[str, Any]


def read_npz(path: Path) -> Arrays:
    """Arrays of an npz file. Raises DataError."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_BYTES:
            raise DataError(f"may unpack to at most {MAX_BYTES} bytes", where=path, value=size)
        if size > most_unpacked(path):
            raise bomb(path)
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except DataError:
        raise
    except Exception as error:  # zipfile and numpy raise what they stumble over
        raise _unreadable(path, "npz", error) from None


def read_npy(path: Path) -> Any:
    """The array of an npy file. Raises DataError."""
    try:
        return np.array(np.load(path, mmap_mode="r", allow_pickle=False))
    except Exception as error:
        raise _unreadable(path, "npy", error) from None


def _unreadable(
    path: Path,
    kind: str,
    error: Exception,
) -> DataError:
    """Also for arrays of objects, which would be pickles: they are never read."""
    rule = f"not a readable {kind} file: it is cut off, damaged, or holds objects"
    told = isinstance(error, OSError) and error.errno in (errno.ENOENT, errno.EACCES, errno.EISDIR)
    return DataError(why_unreadable(path, error) if told else rule, where=path)

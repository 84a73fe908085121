"""Arrays in NumPy files: never objects, and sizes are looked at before anything is unpacked."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from netsim.errors import DataError
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
    reason = " ".join(str(error).split())[:120]
    return DataError(f"not a readable {kind} file: {reason}", where=path)

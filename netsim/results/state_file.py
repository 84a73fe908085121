"""The state of a run as two files: JSON, and the arrays beside it.

state.json      numbers, text, lists and tables; where an array stood, its name
arrays.npz      the arrays, uncompressed, never pickled
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from netsim.errors import DataError

STATE = "state.json"
ARRAYS = "arrays.npz"
ARRAY = "$array"  # {"$array": name} stands for an array
NUMBERS = "biuf"  # kinds of NumPy types that a state may hold

Arrays = dict[str, np.ndarray[Any, Any]]


def write_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write state.json and arrays.npz. Raises TypeError for what neither can hold."""
    arrays: Arrays = {}
    tree = _plain(state, arrays)
    (folder / STATE).write_text(json.dumps(tree) + "\n", encoding="utf-8")
    with zipfile.ZipFile(
        folder / ARRAYS,
        "w",
        zipfile.ZIP_STORED,
    ) as archive:
        for name, array in arrays.items():
            with archive.open(
                f"{name}.npy",
                "w",
                force_zip64=True,
            ) as file:
                npy.write_array(
                    file,
                    array,
                    allow_pickle=False,
                )


def _plain(value: Any, arrays: Arrays) -> Any:
    """`value` as JSON, its arrays moved to `arrays`."""
    if isinstance(value, np.ndarray):
        return _moved(value, arrays)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        _check_keys(value)
        return {key: _plain(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, arrays) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a checkpoint holds arrays and JSON values, found {type(value).__name__}")


def _moved(array: np.ndarray[Any, Any], arrays: Arrays) -> dict[str, str]:
    """What stands for an array, once it is among `arrays`."""
    if array.dtype.kind not in NUMBERS:
        raise TypeError(f"an array of a checkpoint must hold numbers, found {array.dtype}")
    name = f"a{len(arrays)}"
    arrays[name] = array
    return {ARRAY: name}


def _check_keys(table: Mapping[Any, Any]) -> None:
    if ARRAY in table or not all(isinstance(key, str) for key in table):
        found = list(table)
        raise TypeError(f"keys of a checkpoint must be text other than {ARRAY}, found {found}")


def read_state(folder: Path) -> dict[str, Any]:
    """What `write_state` wrote.

    Raises DataError, or what `json`, `zipfile` and NumPy raise for files that are none of theirs.
    """
    tree = json.loads((folder / STATE).read_text(encoding="utf-8"))
    with zipfile.ZipFile(folder / ARRAYS) as archive:
        state = _whole(tree, archive)
    if not isinstance(state, dict):
        raise DataError("must be a table", where=folder / STATE)
    return state


def _whole(value: Any, archive: zipfile.ZipFile) -> Any:
    """What `_plain` took apart."""
    if isinstance(value, dict):
        if ARRAY in value:
            return _array(archive, f"{value[ARRAY]}.npy")
        return {key: _whole(item, archive) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item, archive) for item in value]
    return value


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray[Any, Any]:
    """One array. A header may not ask for more than the file holds."""
    entry = archive.getinfo(name)
    with archive.open(entry) as file:
        npy.read_magic(file)
        shape, _, dtype = npy.read_array_header_1_0(file)
        held = entry.file_size - file.tell()
    where = f"{archive.filename}: {name}"
    if entry.compress_type != zipfile.ZIP_STORED or dtype.kind not in NUMBERS:
        raise DataError(
            "must be numbers, not compressed",
            where=where,
            value=dtype.str,
        )
    if math.prod(shape) * dtype.itemsize != held:
        raise DataError(
            "is not as long as it says",
            where=where,
            value=shape,
        )
    with archive.open(entry) as file:
        found: np.ndarray[Any, Any] = npy.read_array(file, allow_pickle=False)
        return found

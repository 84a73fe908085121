"""DeepMIMO v4 scenarios: a folder (or any file of it) of ray-traced paths, as matrices.

Files are `power_t001_tx000_r000.npz` (or .mat, .npy: what DeepMIMO itself loads), `rx_pos_...`,
`tx_pos_...`; sets of transmitters and receivers are in the names. Power is in dBW for 0 dBW sent,
that is, a gain in dB. Powers of paths are summed. A folder of such folders is a scene for each
time. `params.json`, beside the matrices or above the scenes, says which sets of receivers are
transmitters too, as gNBs in DeepMIMO are: these are no users.

Layout: DeepMIMO 4's own specification and loader (datasets/load.py: names of files, order of
scenes, `rx_only`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.results.plain_files import read_text
from netsim.traces.files import present
from netsim.traces.mat5 import read_matrix
from netsim.traces.missing import check_missing, count
from netsim.traces.npz import read_npy, read_npz
from netsim.traces.trace import UNUSED_MATRICES, Trace
from netsim.units import FloatArray, to_db

MAX_GAIN_DB = 100.0
PARAMETERS = "params.json"
USED = ("power", "rx_pos")
_FILE = re.compile(r"^(\w+?)_(t\d+_tx\d+)_(r\d+)\.(mat|npz|npy)$")
_FORMATS = ("mat", "npz", "npy")
_OF_VERSION_3 = re.compile(r"^BS\d+_(BS|UE_.*)\.mat$")
_PLACELESS = "receivers without a place, left out of mobility"


class _Pair(NamedTuple):
    """The matrices of a transmitter and a set of receivers."""

    transmitter: str
    receivers: str
    files: dict[str, Path]  # by name of the matrix


def is_matrix_of_deepmimo(path: Path) -> bool:
    """Whether a file is named as a matrix of a scenario."""
    return _FILE.match(path.name) is not None


def read_deepmimo(
    path: Path,
    detail: str = "",
    origin: Origin | None = None,
) -> Trace:
    """Gains of every receiver to every transmitter, and the receivers' places.

    A folder of scenes is a scene for each time: they come in the order of the number in their
    folder's name, so many seconds apart as `deepmimo:STEP_S` says. Raises DataError.
    """
    folder = path if path.is_dir() else path.parent
    notes: dict[str, int] = {}
    scenes = _scenes(folder, notes)
    step_s = _step_s(detail, len(scenes), path)
    parameters = _parameters(folder) or _parameters(folder.parent) or _parameters(scenes[0])
    _check_number(scenes, parameters, folder)
    links: list[pl.DataFrame] = []
    places: list[pl.DataFrame] = []
    for number, scene in enumerate(scenes):
        pairs = _of_users(_pairs(scene), parameters, notes)
        _note_unused(pairs, notes)
        found = _read_scene(pairs, number * step_s, notes)
        links += found.links
        places += found.places
    tables = {}
    if places:
        every = pl.concat(places)
        check_missing(path, "a place", notes.get(_PLACELESS, 0), rows=_places_asked(every, notes))
        tables["mobility"] = every.lazy()
    tables["channel"] = pl.concat(links).lazy()
    return Trace(path, "deepmimo", tables, {"gain_kind": "large_scale"}, notes)


def _places_asked(placed: pl.DataFrame, notes: Mapping[str, int]) -> int:
    return len(placed) + notes.get(_PLACELESS, 0)


def _scenes(folder: Path, notes: dict[str, int]) -> list[Path]:
    """Folders with power matrices: this one, or those in it by number. Raises DataError."""
    if _pairs(folder):
        return [folder]
    inner = [entry for entry in sorted(folder.iterdir()) if entry.is_dir() and _pairs(entry)]
    if not inner:
        raise _no_scenario(folder)
    by_number = sorted(map(present, inner), key=_number_and_name)
    if by_number != inner:
        notes["scenes are in the order of their numbers; DeepMIMO goes by their names"] = 0
    return by_number


def _no_scenario(folder: Path) -> DataError:
    if any(_OF_VERSION_3.match(entry.name) for entry in folder.iterdir()):
        rule = "is a scenario of DeepMIMO 3, which is not read; DeepMIMO 4 has it as matrices"
        return DataError(rule, where=folder)
    rule = "has no power_tXXX_txXXX_rXXX.npz (or .mat, .npy) of DeepMIMO v4"
    return DataError(rule, where=folder)


def _number_and_name(folder: Path) -> tuple[int, str]:
    numbers = re.findall(r"\d+", folder.name)
    return (int(numbers[-1]) if numbers else -1, folder.name)


def _step_s(
    detail: str,
    scenes: int,
    path: Path,
) -> float:
    """Seconds from scene to scene. Raises DataError."""
    if not detail and scenes == 1:
        return 0.0
    try:
        step_s = float(detail)
    except ValueError:
        step_s = 0.0
    if not 0 < step_s < np.inf:
        rule = f"has {scenes} scenes: say --format deepmimo:STEP_S, the seconds between them"
        raise DataError(rule, where=path, value=detail or None)
    return step_s


# -- params.json -----------------------------------------------------------------------------------


def _parameters(folder: Path) -> dict[str, Any]:
    """What a scenario says of itself; {} where it says nothing. Raises DataError."""
    path = folder / PARAMETERS
    if not path.exists():
        return {}
    try:
        found = json.loads(read_text(path))  # ray tracers leave NaN in it
    except (ValueError, RecursionError):
        raise DataError("must be JSON", where=path) from None
    if not isinstance(found, dict):
        raise DataError("must be a JSON object", where=path)
    return found


def _check_number(
    scenes: list[Path],
    parameters: Mapping[str, Any],
    folder: Path,
) -> None:
    """Raises DataError where scenes are missing."""
    scene = parameters.get("scene")
    said = scene.get("num_scenes") if isinstance(scene, dict) else None
    if isinstance(said, int) and said > 1 and said != len(scenes) and len(scenes) > 1:
        rule = f"{PARAMETERS} tells of {said} scenes"
        raise DataError(rule, where=folder, value=f"{len(scenes)} folders")


def _of_users(
    pairs: list[_Pair],
    parameters: Mapping[str, Any],
    notes: dict[str, int],
) -> list[_Pair]:
    """The pairs whose receivers are no transmitters, unless all are."""
    sets = parameters.get("txrx_sets")
    both = set()
    for one in sets.values() if isinstance(sets, dict) else ():
        if isinstance(one, dict) and one.get("is_tx") and one.get("is_rx"):
            both.add(one.get("id"))
    users = [pair for pair in pairs if int(pair.receivers[1:]) not in both]
    if users and len(users) < len(pairs):
        left_out = sorted({pair.receivers for pair in pairs if pair not in users})
        note = f"receivers that are transmitters too ({', '.join(left_out)}), left out"
        notes[note] = len(left_out)
    return users or pairs


# -- matrices --------------------------------------------------------------------------------------


def _pairs(folder: Path) -> list[_Pair]:
    """All transmitters and sets of receivers with powers, in order of their names."""
    pairs: dict[tuple[str, str], _Pair] = {}
    for path in sorted(folder.iterdir(), key=_by_format):
        if named := _FILE.match(path.name):
            matrix, transmitter, receivers, _ = named.groups()
            key = (transmitter, receivers)
            pair = pairs.setdefault(key, _Pair(transmitter, receivers, {}))
            pair.files.setdefault(matrix, path)
    return [pairs[key] for key in sorted(pairs) if "power" in pairs[key].files]


def _by_format(path: Path) -> tuple[int, str]:
    """Of two files with one matrix DeepMIMO loads the one whose format comes first."""
    suffix = path.suffix.removeprefix(".")
    return (_FORMATS.index(suffix) if suffix in _FORMATS else len(_FORMATS), path.name)


def _note_unused(pairs: Iterable[_Pair], notes: dict[str, int]) -> None:
    unused = sorted({name for pair in pairs for name in pair.files if name not in USED})
    if unused:
        notes[f"{UNUSED_MATRICES} ({', '.join(unused)})"] = len(unused)


class _Scene(NamedTuple):
    links: list[pl.DataFrame]
    places: list[pl.DataFrame]


def _read_scene(
    pairs: Iterable[_Pair],
    time_s: float,
    notes: dict[str, int],
) -> _Scene:
    """Rows of the channel and mobility tables at a time."""
    links: list[pl.DataFrame] = []
    places: dict[str, pl.DataFrame] = {}
    for pair in pairs:
        gain = _gains(pair.files["power"])
        names = [f"{pair.receivers}_{index}" for index in range(len(gain))]
        rows = _links(pair.transmitter, names, gain)
        links.append(rows.with_columns(time_s=pl.lit(time_s)))
        count(notes, "links without a path, left out", len(gain) - len(rows))
        if pair.receivers not in places and "rx_pos" in pair.files:
            at = _places(pair.files["rx_pos"], names)
            count(notes, _PLACELESS, len(gain) - len(at))
            places[pair.receivers] = at.with_columns(time_s=pl.lit(time_s))
    return _Scene(links, list(places.values()))


_READERS: dict[str, Callable[[Path], Any]] = {
    ".mat": read_matrix,
    ".npy": read_npy,
}


def _matrix(path: Path, columns: int | None) -> FloatArray:
    """The one matrix of a file, [rows, columns]. Raises DataError."""
    if path.suffix in _READERS:
        matrix = _READERS[path.suffix](path)
    else:
        arrays = read_npz(path)
        if len(arrays) != 1:
            raise DataError("must hold one matrix", where=path, value=f"{len(arrays)} matrices")
        (matrix,) = arrays.values()
    wide = columns is None or (matrix.ndim == 2 and matrix.shape[1] == columns)
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu" or not wide:
        shape = f"[receiver, {columns or 'path'}]"
        raise DataError(f"must be a matrix of numbers {shape}", where=path, value=matrix.shape)
    return np.asarray(matrix, dtype=np.float64)


def _gains(path: Path) -> FloatArray:
    """Linear gain of each receiver, 0 where no path reaches it. [R]."""
    power_db = _matrix(path, None)
    highest = float(np.nanmax(power_db, initial=-np.inf))
    if highest > MAX_GAIN_DB:
        rule = f"must be dB up to {MAX_GAIN_DB:g}"
        raise DataError(rule, where=path, value=highest)
    return np.asarray(np.nansum(10 ** (power_db / 10), axis=1))


def _links(
    transmitter: str,
    receivers: list[str],
    gain: FloatArray,
) -> pl.DataFrame:
    """Rows of the channel table, where there is a path."""
    rows = pl.DataFrame(
        {
            "time_s": 0.0,
            "ue": receivers,
            "gnb": transmitter,
            "gain_db": to_db(gain),
            "gain": gain,
        }
    )
    return rows.filter(pl.col("gain") > 0)


def _places(path: Path, receivers: list[str]) -> pl.DataFrame:
    """Rows of the mobility table, of the receivers that have a place."""
    points = _matrix(path, 3)
    if len(points) != len(receivers) or np.isinf(points).any():
        rule = f"must be {len(receivers)} finite points"
        raise DataError(rule, where=path, value=points.shape)
    x, y, z = points.T
    rows = pl.DataFrame({"time_s": 0.0, "node": receivers, "x_m": x, "y_m": y, "z_m": z})
    placed = pl.Series(~np.isnan(points).any(axis=1))
    return rows.filter(placed)

"""DeepMIMO v4 scenarios: a folder (or any file of it) of ray-traced paths, as MATLAB matrices.

Files are `power_t001_tx000_r000.mat`, `rx_pos_...`, `tx_pos_...`; sets of transmitters and
receivers are in the names. Power is in dBW for 0 dBW sent, that is, a gain in dB. Powers of paths
are summed. A folder of such folders is a scene for each time.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.traces.mat5 import read_matrix
from netsim.traces.trace import Trace
from netsim.units import FloatArray, to_db

MAX_GAIN_DB = 100.0
_POWER = re.compile(r"^power_(t\d+_tx\d+)_(r\d+)\.mat$")


class _PowerFile(NamedTuple):
    path: Path
    transmitter: str
    receivers: str


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
    scenes = _scenes(folder)
    step_s = _step_s(detail, len(scenes), path)
    links: list[pl.DataFrame] = []
    places: list[pl.DataFrame] = []
    without_path = 0
    for number, scene in enumerate(scenes):
        found = _read_scene(scene, number * step_s)
        links += found.links
        places += found.places
        without_path += found.without_path
    tables = {}
    if places:
        tables["mobility"] = pl.concat(places).lazy()
    tables["channel"] = pl.concat(links).lazy()
    notes = {"links without a path, left out": without_path} if without_path else {}
    return Trace(path, "deepmimo", tables, {"gain_kind": "large_scale"}, notes)


def _scenes(folder: Path) -> list[Path]:
    """Folders with power matrices: this one, or those in it by number. Raises DataError."""
    if _power_files(folder):
        return [folder]
    inner = [entry for entry in folder.iterdir() if entry.is_dir() and _power_files(entry)]
    if not inner:
        raise DataError("has no power_tXXX_txXXX_rXXX.mat of DeepMIMO v4", where=folder)
    return sorted(inner, key=_number_and_name)


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


class _Scene(NamedTuple):
    links: list[pl.DataFrame]
    places: list[pl.DataFrame]
    without_path: int


def _read_scene(folder: Path, time_s: float) -> _Scene:
    """Rows of the channel and mobility tables at a time."""
    links: list[pl.DataFrame] = []
    places: dict[str, pl.DataFrame] = {}
    without_path = 0
    for file in _power_files(folder):
        gain = _gains(file.path)
        names = [f"{file.receivers}_{index}" for index in range(len(gain))]
        rows = _links(file.transmitter, names, gain)
        links.append(rows.with_columns(time_s=pl.lit(time_s)))
        without_path += len(gain) - len(rows)
        beside = folder / f"rx_pos_{file.transmitter}_{file.receivers}.mat"
        if file.receivers not in places and beside.is_file():
            at = _places(beside, names)
            places[file.receivers] = at.with_columns(time_s=pl.lit(time_s))
    return _Scene(links, list(places.values()), without_path)


def _power_files(folder: Path) -> list[_PowerFile]:
    found = []
    for path in sorted(folder.iterdir()):
        if named := _POWER.match(path.name):
            found.append(_PowerFile(path, *named.groups()))
    return found


def _gains(path: Path) -> FloatArray:
    """Linear gain of each receiver, 0 where no path reaches it. [R]."""
    power_db = read_matrix(path)
    if power_db.ndim != 2 or np.nanmax(power_db, initial=-np.inf) > MAX_GAIN_DB:
        rule = f"must be dB up to {MAX_GAIN_DB:g}, [receiver, path]"
        raise DataError(rule, where=path, value=power_db.shape)
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
    """Rows of the mobility table."""
    points = read_matrix(path)
    if points.shape != (len(receivers), 3) or not np.isfinite(points).all():
        rule = f"must be {len(receivers)} finite points"
        raise DataError(rule, where=path, value=points.shape)
    x, y, z = points.T
    return pl.DataFrame({"time_s": 0.0, "node": receivers, "x_m": x, "y_m": y, "z_m": z})

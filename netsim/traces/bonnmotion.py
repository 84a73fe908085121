"""BonnMotion `.movements(.gz)`: a line per node, `t x y t x y ...`, and `.params` beside it.

Whether points are 2-D or 3-D is not in the file. (`dim` of the random waypoint model is no
dimension: 1 moves along x, 2 along x or y, 3 along both.) It is what makes all times of all lines
not decrease; where both do, `J` or `z` in .params, else the user says: bonnmotion:2 or
bonnmotion:3. DisasterArea has a status after y.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.traces.files import lines
from netsim.traces.missing import check_missing, count, filled_lines, is_missing
from netsim.traces.trace import Trace, format_option
from netsim.traces.tracks import Tracks
from netsim.units import FloatArray


class _Line(NamedTuple):
    """Numbers of one node."""

    where: str
    numbers: FloatArray


def read_bonnmotion(
    path: Path,
    detail: str = "",
    origin: Origin | None = None,
) -> Trace:
    """The mobility table; nodes are named by their line: 0, 1, ... Raises DataError."""
    if detail not in ("", "2", "3"):
        rule = "bonnmotion: must be bonnmotion:2 or bonnmotion:3"
        raise DataError(rule, where=path, value=detail)
    path = _movements(path)
    params = read_params(path)
    notes: dict[str, int] = {}
    found = _lines_of_numbers(path, notes)
    if not found:
        raise DataError("has no movements", where=path)
    if params.get("model") == "DisasterArea":
        notes["a status after each position, left out"] = 0
        width, axes = 4, ["x_m", "y_m"]
    else:
        width = int(detail) + 1 if detail else _width(found, params, path)
        axes = ["x_m", "y_m", "z_m"][: width - 1]
    nodes = [_points(line, width) for line in found]
    mobility = _mobility(nodes, ["time_s", *axes], _duration_s(params, path))
    samples = sum(len(points) for points in nodes)
    placed = [len(_placed(points)) for points in nodes]
    placeless = samples - sum(placed)
    check_missing(
        path,
        "a place",
        placeless,
        rows=samples,
    )
    count(notes, "points without a place, left out", placeless)
    count(notes, "nodes without a point, left out", placed.count(0))
    return Trace(
        path,
        "bonnmotion",
        {"mobility": mobility.lazy()},
        notes=notes,
        reading=format_option("bonnmotion", str(len(axes))),
    )


def _mobility(
    nodes: list[FloatArray],
    columns: list[str],
    until_s: float,
) -> pl.DataFrame:
    """The samples of all nodes, which are numbered, in `columns`; nodes stay until the end."""
    frames = []
    for node, points in enumerate(nodes):
        samples = _staying(_placed(points), until_s)
        named = dict(zip(columns, samples.T, strict=False))
        name = pl.lit(str(node)).alias("node")
        frames.append(pl.DataFrame(named).insert_column(1, name))
    return pl.concat(frames)


def _placed(points: FloatArray) -> FloatArray:
    """The points with a place."""
    return points[np.isfinite(points).all(axis=1)]


def _points(line: _Line, width: int) -> FloatArray:
    """The samples of a node: time, x, y and what else a point has. [N, width]."""
    if len(line.numbers) % width:
        rule = f"must have {width} numbers a point"
        raise DataError(
            rule,
            where=line.where,
            value=f"{len(line.numbers)} numbers",
        )
    points = line.numbers.reshape(-1, width)
    times = _placed(points)[:, 0]
    backwards = np.diff(times) < 0
    if backwards.any():
        first = float(times[1:][backwards][0])
        raise DataError("time must not go backwards", where=line.where, value=first)
    return points


def _duration_s(params: Mapping[str, str], path: Path) -> float:
    """How long the scenario lasts; -inf where the parameters do not say it. Raises DataError."""
    text = params.get("duration")
    if text is None:
        return -math.inf
    try:
        return float(text)
    except ValueError:
        where = f"{_params_path(path)}, duration"
        raise DataError("must be a number of seconds", where=where, value=text) from None


def _staying(points: FloatArray, until_s: float) -> FloatArray:
    """The samples of a node that stays at its last waypoint to the end of the scenario."""
    if not len(points) or points[-1, 0] >= until_s:
        return points
    last = points[-1].copy()
    last[0] = until_s
    return np.vstack([points, last])


def _movements(path: Path) -> Path:
    """The movements that a .params file belongs to; other files are movements themselves."""
    if path.suffix != ".params":
        return path
    for suffix in (".movements.gz", ".movements"):
        if path.with_suffix(suffix).is_file():
            return path.with_suffix(suffix)
    raise DataError("has no .movements beside it", where=path)


def read_params(path: Path) -> dict[str, str]:
    """`key=value` lines of the .params file beside the movements; empty if there is none."""
    beside = _params_path(path)
    if beside == path or not beside.is_file():
        return {}
    params = {}
    for _, line in lines(beside):
        key, equals, value = line.partition("=")
        if equals:
            params[key.strip()] = value.strip()
    return params


def _params_path(movements: Path) -> Path:
    stem = movements.name.removesuffix(".gz").removesuffix(".movements")
    return movements.with_name(f"{stem}.params")


def _lines_of_numbers(path: Path, notes: dict[str, int]) -> list[_Line]:
    """The lines that are not empty and no comment; a number that is missing is NaN."""
    found = []
    for number, line in filled_lines(path, notes):
        where = f"{path}, line {number}"
        words = line.split()
        try:
            numbers = np.array(words, dtype=np.float64)
        except ValueError:
            numbers = np.array([_number(word, where) for word in words])
        infinite = np.isinf(numbers)
        if infinite.any():
            first = float(numbers[infinite][0])
            raise DataError("must be finite numbers", where=where, value=first)
        found.append(_Line(where, numbers))
    return found


def _number(word: str, where: str) -> float:
    """A number; NaN of a word that stands for none. Raises DataError."""
    if is_missing(word):
        return math.nan
    try:
        return float(word)
    except ValueError:
        raise DataError("must be numbers", where=where, value=word) from None


def _width(
    found: list[_Line],
    params: Mapping[str, str],
    path: Path,
) -> int:
    """Numbers per point: 3 in the plane, 4 in space. Raises DataError where that is not seen."""
    fits = [width for width in (3, 4) if all(_times_ascend(line, width) for line in found)]
    if not fits:
        rule = "lines must be t x y t x y ... or t x y z t x y z ..., time not decreasing"
        raise DataError(rule, where=path)
    if len(fits) == 1:
        return fits[0]
    said = params.get("J", "").upper()
    if said == "3D" or (said != "2D" and "z" in params):
        return 4
    if params:
        return 3  # BonnMotion writes z, or J=3D, into the parameters of every model in space
    rule = "can be read in 2-D and in 3-D; say --format bonnmotion:2 or bonnmotion:3"
    raise DataError(rule, where=path)


def _times_ascend(line: _Line, width: int) -> bool:
    """Whether a line can have `width` numbers a point."""
    if len(line.numbers) % width:
        return False
    steps = np.diff(line.numbers[::width])
    return not (steps < 0).any()


def write_bonnmotion(tracks: Tracks) -> Iterator[bytes]:
    """A line per node, in order; names are lost."""
    for node in range(len(tracks.nodes)):
        begin, end = tracks.first[node : node + 2]
        time_s = tracks.time_s[begin:end]
        places_m = tracks.places_m[begin:end]
        points = np.column_stack([time_s, places_m])
        numbers = [repr(number) for number in points.ravel().tolist()]
        yield " ".join(numbers).encode() + b"\n"


def params_of(tracks: Tracks) -> bytes:
    """The .params file of written movements."""
    x, y = tracks.places_m.T[:2]
    values = {
        "model": "netsim",
        "nn": len(tracks.nodes),
        "duration": float(tracks.time_s.max()),
        "x": float(x.max()),
        "y": float(y.max()),
        "J": f"{tracks.places_m.shape[1]}D",
    }
    lines_of_params = [f"{key}={value}\n" for key, value in values.items()]
    return "".join(lines_of_params).encode()

"""BonnMotion `.movements(.gz)`: a line per node, `t x y t x y ...`, and `.params` beside it.

Whether points are 2-D or 3-D is not in the file. (`dim` of the random waypoint model is no
dimension: 1 moves along x, 2 along x or y, 3 along both.) It is what makes all times of all lines
not decrease; where both do, `J` or `z` in .params, else the user says: bonnmotion:2 or
bonnmotion:3. DisasterArea has a status after y.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.traces.files import lines
from netsim.traces.trace import Trace
from netsim.traces.tracks import Tracks
from netsim.units import FloatArray


def read_bonnmotion(path: Path, detail: str = "", origin: Origin | None = None) -> Trace:
    """The mobility table; nodes are named by their line: 0, 1, ..."""
    if detail not in ("", "2", "3"):
        raise DataError(
            "bonnmotion: must be bonnmotion:2 or bonnmotion:3", where=path, value=detail
        )
    path = _movements(path)
    params = read_params(path)
    rows = _rows(path)
    if not rows:
        raise DataError("has no movements", where=path)
    status = params.get("model") == "DisasterArea"
    width = 4 if status else _width(rows, detail, params, path)
    notes: dict[str, int] = {"a status after each position, left out": 0} if status else {}
    frames = []
    for number, (line, row) in enumerate(rows):
        if len(row) % width:
            raise DataError(
                f"must have {width} numbers a point",
                where=f"{path}, line {line}",
                value=f"{len(row)} numbers",
            )
        points = row.reshape(-1, width)
        if (np.diff(points[:, 0]) < 0).any():
            at = points[1:, 0][np.diff(points[:, 0]) < 0][0]
            raise DataError(
                "time must not go backwards", where=f"{path}, line {line}", value=float(at)
            )
        columns = {"time_s": points[:, 0], "x_m": points[:, 1], "y_m": points[:, 2]}
        if width == 4 and not status:
            columns["z_m"] = points[:, 3]
        frames.append(pl.DataFrame(columns).insert_column(1, pl.lit(str(number)).alias("node")))
    return Trace(path, "bonnmotion", {"mobility": pl.concat(frames).lazy()}, notes=notes)


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
    name = path.name.removesuffix(".gz").removesuffix(".movements") + ".params"
    beside = path.with_name(name)
    if beside == path or not beside.is_file():
        return {}
    pairs = (line.partition("=") for _, line in lines(beside))
    return {key.strip(): value.strip() for key, sep, value in pairs if sep}


def _rows(path: Path) -> list[tuple[int, FloatArray]]:
    rows = []
    for number, line in lines(path):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            row = np.array(line.split(), dtype=np.float64)
        except ValueError as error:
            raise DataError(
                "must be numbers", where=f"{path}, line {number}", value=str(error)[-60:]
            ) from None
        if not np.isfinite(row).all():
            bad = row[~np.isfinite(row)][0]
            raise DataError(
                "must be finite numbers", where=f"{path}, line {number}", value=float(bad)
            )
        rows.append((number, row))
    return rows


def _width(
    rows: list[tuple[int, FloatArray]], detail: str, params: dict[str, str], path: Path
) -> int:
    """Numbers per point: 3 in the plane, 4 in space."""
    if detail:
        return int(detail) + 1
    fits = [
        w for w in (3, 4) if all(len(r) % w == 0 and (np.diff(r[::w]) >= 0).all() for _, r in rows)
    ]
    if len(fits) == 1:
        return fits[0]
    said = params.get("J", "").upper()
    if fits and (said in ("2D", "3D") or "z" in params):
        return 3 if said == "2D" else 4
    if fits and params:
        return 3  # BonnMotion writes z, or J=3D, into the parameters of every model in space
    if not fits:
        raise DataError(
            "lines must be t x y t x y ... or t x y z t x y z ..., time not decreasing", where=path
        )
    raise DataError(
        "can be read in 2-D and in 3-D; say --format bonnmotion:2 or bonnmotion:3", where=path
    )


def write_bonnmotion(tracks: Tracks) -> Iterator[bytes]:
    """A line per node, in order; names are lost."""
    for index in range(len(tracks.nodes)):
        part = slice(tracks.first[index], tracks.first[index + 1])
        points = np.column_stack([tracks.time_s[part], tracks.places_m[part]])
        yield " ".join(map(repr, points.ravel().tolist())).encode() + b"\n"


def params_of(tracks: Tracks) -> bytes:
    """The .params file of written movements."""
    space = f"{tracks.places_m.shape[1]}D"
    values = {
        "model": "netsim",
        "nn": len(tracks.nodes),
        "duration": float(tracks.time_s.max()),
        "x": float(tracks.places_m[:, 0].max()),
        "y": float(tracks.places_m[:, 1].max()),
        "J": space,
    }
    return "".join(f"{key}={value}\n" for key, value in values.items()).encode()

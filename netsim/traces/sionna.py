"""Paths of Sionna RT in a `.npz` file.

Powers of paths are summed; a gain is the mean over antennas.

`a` [num_rx, rx_ant, num_tx, tx_ant, paths, time] (complex, or a pair `a_real`, `a_imag`), places
`rx_pos` [num_rx, 3] or [time, num_rx, 3], and `time_s`, `sampling_frequency` or the detail
sionna:STEP_S.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.traces.missing import check_missing, count
from netsim.traces.npz import Arrays, read_npz
from netsim.traces.trace import Trace
from netsim.units import FloatArray

_PLACES = ("rx_pos", "rx_positions", "ue_pos")


def read_sionna(
    path: Path,
    detail: str = "",
    origin: Origin | None = None,
) -> Trace:
    """Gains of every receiver to every transmitter over time, and the receivers' places.

    Raises DataError.
    """
    arrays = read_npz(path)
    notes: dict[str, int] = {}
    gain = _gains(arrays, path, notes)
    receivers, _, steps = gain.shape
    time_s = _sample_times(arrays, detail, steps, path)
    links = _links(gain, time_s)
    tables = {"channel": links.lazy()}
    places = next((arrays[name] for name in _PLACES if name in arrays), None)
    if places is not None:
        over_time = _places_over_time(places, receivers, steps, path)
        motion = _placed(_motion(over_time, time_s), path, notes)
        tables = {"mobility": motion.lazy(), **tables}
    count(notes, "links without a path, left out", gain.size - len(links))
    return Trace(path, "sionna", tables, {"gain_kind": "total"}, notes)


def _gains(
    arrays: Arrays,
    path: Path,
    notes: dict[str, int],
) -> FloatArray:
    """Linear gains, [receiver, transmitter, time]; a path that is NaN is none."""
    a = arrays.get("a")
    if a is None and {"a_real", "a_imag"} <= set(arrays):
        a = arrays["a_real"] + 1j * arrays["a_imag"]
    if a is None or a.ndim != 6 or a.dtype.kind not in "fc" or 0 in a.shape:
        rule = "a must be numbers [num_rx, rx_ant, num_tx, tx_ant, paths, time]"
        raise DataError(
            rule,
            where=path,
            value=sorted(arrays) if a is None else a.shape,
        )
    if np.isinf(a).any():
        raise DataError("a must be finite", where=path)
    missing = int(np.isnan(a).sum())
    check_missing(path, "a path", missing, rows=a.size)
    count(notes, "paths that are NaN, passed over", missing)
    power = np.nan_to_num(np.abs(a.astype(np.complex128))) ** 2
    return np.asarray(power.sum(axis=4).mean(axis=(1, 3)))


def _links(gain: FloatArray, time_s: FloatArray) -> pl.DataFrame:
    """Rows of the channel table in order of time, where there is a path."""
    receiver, transmitter, step = np.indices(gain.shape).reshape(3, -1)
    rows = pl.DataFrame(
        {
            "time_s": time_s[step],
            "ue": receiver.astype(str),
            "gnb": transmitter.astype(str),
            "gain": gain.ravel(),
        }
    )
    reached = rows.filter(pl.col("gain") > 0)
    in_db = reached.with_columns(gain_db=10 * pl.col("gain").log10())
    ordered = in_db.sort("time_s", maintain_order=True)
    return ordered.select("time_s", "ue", "gnb", "gain_db", "gain")


def _sample_times(
    arrays: Arrays,
    detail: str,
    steps: int,
    path: Path,
) -> FloatArray:
    """Times of the samples, s. [T]."""
    try:
        time_s = _given_times(arrays, detail, steps)
    except (ValueError, TypeError, ZeroDivisionError):
        raise DataError("its times must be numbers", where=path, value=detail) from None
    if time_s is None:
        rule = "needs time_s, sampling_frequency or --format sionna:STEP_S"
        raise DataError(rule, where=path)
    if len(time_s) != steps or not np.isfinite(time_s).all() or (np.diff(time_s) <= 0).any():
        raise DataError(
            f"must have {steps} increasing times",
            where=path,
            value=len(time_s),
        )
    return time_s


def _given_times(
    arrays: Arrays,
    detail: str,
    steps: int,
) -> FloatArray | None:
    if "time_s" in arrays:
        return np.asarray(arrays["time_s"], dtype=np.float64).ravel()
    if detail:
        return float(detail) * np.arange(steps, dtype=np.float64)
    if "sampling_frequency" in arrays:
        step_s = 1.0 / float(arrays["sampling_frequency"])
        return step_s * np.arange(steps, dtype=np.float64)
    return np.zeros(1) if steps == 1 else None


def _places_over_time(
    places: Any,
    receivers: int,
    steps: int,
    path: Path,
) -> FloatArray:
    """Places [time, receiver, 3]; one of receivers that stand is repeated. Raises DataError."""
    standing = places.shape == (receivers, 3)
    moving = places.shape == (steps, receivers, 3)
    numeric = places.dtype.kind in "fiu"
    if not (standing or moving) or not numeric or np.isinf(places).any():
        rule = f"positions must be finite [{receivers}, 3], or [{steps}, {receivers}, 3] over time"
        raise DataError(rule, where=path, value=places.shape)
    if moving:
        return np.asarray(places, dtype=np.float64)
    return np.asarray(np.broadcast_to(places, (steps, receivers, 3)), dtype=np.float64)


def _motion(places: FloatArray, time_s: FloatArray) -> pl.DataFrame:
    """Rows of the mobility table; of receivers that stand at the first and the last time only."""
    if np.array_equal(places, np.broadcast_to(places[0], places.shape), equal_nan=True):
        ends = np.unique([0, len(time_s) - 1])
        places = places[ends]
        time_s = time_s[ends]
    steps, receivers, _ = places.shape
    names = [str(number) for number in range(receivers)]
    x, y, z = places.reshape(-1, 3).T
    return pl.DataFrame(
        {
            "time_s": np.repeat(time_s, receivers),
            "node": names * steps,
            "x_m": x,
            "y_m": y,
            "z_m": z,
        }
    )


def _placed(
    motion: pl.DataFrame,
    path: Path,
    notes: dict[str, int],
) -> pl.DataFrame:
    """The rows with a place; the others are counted. Raises DataError."""
    axes = pl.col("x_m", "y_m", "z_m")
    placed = motion.filter(pl.all_horizontal(axes.is_not_nan()))
    placeless = len(motion) - len(placed)
    check_missing(path, "a place", placeless, rows=len(motion))
    count(notes, "samples without a place, left out", placeless)
    return placed

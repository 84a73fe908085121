"""Ray-traced gains: DeepMIMO v4 scenarios and `.npz` files of Sionna RT paths. Powers of paths are
summed.

DeepMIMO: a folder (or any file of it) with `power_t001_tx000_r000.mat`, `rx_pos_...`, `tx_pos_...`;
sets of transmitters and receivers are in the names. Power is in dBW for 0 dBW sent, that is, a gain
in dB. Sionna RT: `a` [num_rx, rx_ant, num_tx, tx_ant, paths, time] (complex, or a pair `a_real`,
`a_imag`), places `rx_pos`, and `time_s`, `sampling_frequency` or the detail sionna:STEP_S. Gain is
the mean over antennas.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.traces.mat5 import read_matrix
from netsim.traces.trace import Trace
from netsim.units import FloatArray, to_db

MAX_BYTES = 4 * 2**30
MAX_GAIN_DB = 100.0
_MATRIX = re.compile(r"^(power|rx_pos|tx_pos)_(t\d+_tx\d+)_(r\d+)\.mat$")


def read_deepmimo(path: Path, detail: str = "", origin: Origin | None = None) -> Trace:
    """Static gains of every receiver to every transmitter, and the receivers' places, at time 0."""
    folder = path if path.is_dir() else path.parent
    found = [
        (m.groups(), file) for file in sorted(folder.iterdir()) if (m := _MATRIX.match(file.name))
    ]
    powers = [(key, file) for key, file in found if key[0] == "power"]
    if not powers:
        raise DataError("has no power_tXXX_txXXX_rXXX.mat of DeepMIMO v4", where=folder)
    channel, mobility, seen = [], [], set()
    no_path = 0
    for (_, tx, rx), file in powers:
        power_db = read_matrix(file)
        if power_db.ndim != 2 or np.nanmax(power_db, initial=-np.inf) > MAX_GAIN_DB:
            rule = f"must be dB up to {MAX_GAIN_DB:g}, [receiver, path]"
            raise DataError(rule, where=file, value=power_db.shape)
        linear = np.nansum(10 ** (power_db / 10), axis=1)
        no_path += int((linear == 0).sum())
        ue = [f"{rx}_{i}" for i in range(len(linear))]
        reached = linear > 0
        frame = pl.DataFrame({"ue": ue, "gain": linear, "gain_db": to_db(linear)}).filter(
            pl.Series(reached)
        )
        channel.append(frame.with_columns(time_s=pl.lit(0.0), gnb=pl.lit(tx)))
        place = folder / f"rx_pos_{tx}_{rx}.mat"
        if rx not in seen and place.is_file():
            seen.add(rx)
            points = read_matrix(place)
            if points.shape != (len(linear), 3) or not np.isfinite(points).all():
                raise DataError(
                    f"must be {len(linear)} finite points", where=place, value=points.shape
                )
            columns = {"node": ue} | dict(zip(("x_m", "y_m", "z_m"), points.T, strict=True))
            mobility.append(pl.DataFrame(columns).with_columns(time_s=pl.lit(0.0)))
    tables = {}
    if mobility:
        tables["mobility"] = (
            pl.concat(mobility).select("time_s", "node", "x_m", "y_m", "z_m").lazy()
        )
    tables["channel"] = pl.concat(channel).select("time_s", "ue", "gnb", "gain_db", "gain").lazy()
    notes = {"links without a path, left out": no_path} if no_path else {}
    return Trace(path, "deepmimo", tables, {"gain_kind": "large_scale"}, notes)


def read_sionna(path: Path, detail: str = "", origin: Origin | None = None) -> Trace:
    """Gains of every receiver to every transmitter over time, and the receivers' places."""
    content = _npz(path)
    if "a" not in content and {"a_real", "a_imag"} <= set(content):
        content["a"] = content["a_real"] + 1j * content["a_imag"]
    a = content.get("a")
    if a is None or a.ndim != 6 or a.dtype.kind not in "fc" or 0 in a.shape:
        raise DataError(
            "a must be numbers [num_rx, rx_ant, num_tx, tx_ant, paths, time]",
            where=path,
            value=sorted(content) if a is None else a.shape,
        )
    if not np.isfinite(a).all():
        raise DataError("a must be finite", where=path)
    gain = (np.abs(a.astype(np.complex128)) ** 2).sum(axis=4).mean(axis=(1, 3))  # [rx, tx, time]
    time_s = _sample_times(content, detail, gain.shape[2], path)
    rx, tx, step = np.indices(gain.shape).reshape(3, -1)
    frame = pl.DataFrame(
        {"time_s": time_s[step], "ue": rx.astype(str), "gnb": tx.astype(str), "gain": gain.ravel()}
    ).filter(pl.col("gain") > 0)
    frame = frame.with_columns(gain_db=10 * pl.col("gain").log10())
    frame = frame.select("time_s", "ue", "gnb", "gain_db", "gain").sort(
        "time_s", maintain_order=True
    )
    notes = (
        {"links without a path, left out": gain.size - len(frame)} if len(frame) < gain.size else {}
    )
    tables = {"channel": frame.lazy()}
    points = next((content[k] for k in ("rx_pos", "rx_positions", "ue_pos") if k in content), None)
    if points is not None:
        tables = {"mobility": _places(points, time_s, gain.shape[0], path), **tables}
    return Trace(path, "sionna", tables, {"gain_kind": "total"}, notes)


def _npz(path: Path) -> dict[str, Any]:
    """Arrays of an npz file; objects are refused, sizes are looked at before anything is
    unpacked.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_BYTES:
            raise DataError(f"may unpack to at most {MAX_BYTES} bytes", where=path, value=size)
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except DataError:
        raise
    except Exception as error:  # zipfile and numpy raise what they stumble over
        raise DataError(
            f"not a readable npz file: {' '.join(str(error).split())[:120]}", where=path
        ) from None


def _sample_times(content: dict[str, Any], detail: str, steps: int, path: Path) -> FloatArray:
    time_s: FloatArray = np.zeros(1)
    try:
        if "time_s" in content:
            time_s = np.asarray(content["time_s"], dtype=np.float64).ravel()
        elif detail or "sampling_frequency" in content:
            step = float(detail) if detail else 1.0 / float(content["sampling_frequency"])
            time_s = step * np.arange(steps, dtype=np.float64)
        elif steps > 1:
            raise DataError(
                "needs time_s, sampling_frequency or --format sionna:STEP_S", where=path
            )
    except (ValueError, TypeError, ZeroDivisionError):
        raise DataError("its times must be numbers", where=path, value=detail) from None
    if len(time_s) != steps or not np.isfinite(time_s).all() or (np.diff(time_s) <= 0).any():
        raise DataError(f"must have {steps} increasing times", where=path, value=len(time_s))
    return time_s


def _places(points: Any, time_s: FloatArray, receivers: int, path: Path) -> pl.LazyFrame:
    """Receivers stand where they are for all of the trace."""
    if (
        points.shape != (receivers, 3)
        or points.dtype.kind not in "fiu"
        or not np.isfinite(points).all()
    ):
        raise DataError(
            f"positions must be finite [{receivers}, 3]", where=path, value=points.shape
        )
    times = np.unique(time_s[[0, -1]])
    columns = {
        "time_s": np.repeat(times, receivers),
        "node": list(map(str, range(receivers))) * len(times),
    }
    places = dict(zip(("x_m", "y_m", "z_m"), np.tile(points, (len(times), 1)).T, strict=True))
    return pl.DataFrame(columns | places).lazy()

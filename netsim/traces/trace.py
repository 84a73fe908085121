"""What a reader gives: up to three native tables, what is known about them, and what was odd.

| table | columns |
|---|---|
| mobility | time_s, node, x_m, y_m[, z_m, speed_m_s, lat, lon] |
| channel | time_s, ue, gnb, gain_db or snr_db[, gain, resource_block] |
| throughput | time_s, node, rate_bps: the rate from that time to the node's next |

Metadata: `origin_lat`, `origin_lon` (degrees of the local (0, 0)), `time_origin` (UTC of time 0),
`gain_kind` (large_scale, fading or total), `period_s` (the trace repeats), `source_format`,
`moves_from_s` (nodes stand until then),
`ground_seed` and `air_seed` (of a recorded run, see `netsim.traces.seeds`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from netsim.errors import DataError
from netsim.projection import Origin

TABLES = {
    "mobility": ("time_s", "node", "x_m", "y_m"),
    "channel": ("time_s", "ue", "gnb"),
    "throughput": ("time_s", "node", "rate_bps"),
}
UNUSED_COLUMNS = "columns that are not used"
UNUSED_MATRICES = "matrices that are not used"
"""How the notes on what has no role begin."""
GAIN_KINDS = ("large_scale", "fading", "total")


@dataclass(frozen=True)
class Trace:
    """A trace file as native tables; nothing of a lazy table is read before it is collected."""

    path: Path
    format: str
    tables: Mapping[str, pl.LazyFrame]
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)  # what was odd, and how often (0: no count)
    reading: str = ""  # the option of the command line that fixes how the file was read

    def table(self, name: str) -> pl.LazyFrame:
        """The native table `name`. Raises DataError if the file has none."""
        if name not in self.tables:
            has = " and ".join(self.tables)
            raise DataError(f"holds no {name} table, only {has} ({self.format})", where=self.path)
        return self.tables[name]

    def remarks(self) -> list[str]:
        """The notes as text, but for columns that are not used; complete once it was read."""
        found = []
        for text, count in self.notes.items():
            if not text.startswith((UNUSED_COLUMNS, UNUSED_MATRICES)):
                found.append(f"{text}: {count}" if count else text)
        return found

    def columns(self, name: str) -> list[str]:
        """Names of the columns of a table; none if the file has no such table."""
        if name not in self.tables:
            return []
        return self.tables[name].collect_schema().names()

    @property
    def moves_from_s(self) -> float | None:
        """When something moves for the first time, if that is not the beginning."""
        text = self.metadata.get("moves_from_s")
        return None if text is None else float(text)

    @property
    def origin(self) -> Origin | None:
        """Where on Earth (0, 0) is, if known."""
        try:
            lat = float(self.metadata["origin_lat"])
            lon = float(self.metadata["origin_lon"])
        except (KeyError, ValueError):
            return None
        return Origin(lat, lon)


Reader = Callable[[Path, str, Origin | None], Trace]
"""(file, detail of the format the user forces or "", origin to project degrees around) -> Trace."""


def format_option(name: str, detail: str = "") -> str:
    """The option of the command line that says a format, and the detail it was read with."""
    return f"--format {name}:{detail}" if detail else f"--format {name}"


def node_of_file(path: Path) -> str:
    """The name of the only node of a file that names none."""
    return path.name.split(".")[0]


def origin_metadata(origin: Origin) -> dict[str, str]:
    """How an origin is kept."""
    return {
        "origin_lat": repr(origin.lat),
        "origin_lon": repr(origin.lon),
    }


def projected(frame: pl.LazyFrame, origin: Origin) -> pl.LazyFrame:
    """The frame with `x_m` and `y_m` computed from its `lat` and `lon`."""

    def to_metres(degrees: pl.Series) -> pl.Series:
        columns = degrees.struct.unnest()
        lat = columns["lat"].to_numpy()
        lon = columns["lon"].to_numpy()
        x, y = origin.to_metres(lat, lon).T
        return pl.DataFrame({"x_m": x, "y_m": y}).to_struct("metres")

    metres = pl.struct("lat", "lon").map_batches(
        to_metres,
        return_dtype=pl.Struct({"x_m": pl.Float64, "y_m": pl.Float64}),
        is_elementwise=True,
    )
    without = frame.drop("x_m", "y_m", strict=False)
    return without.with_columns(metres.alias("metres")).unnest("metres")

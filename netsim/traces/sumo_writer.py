"""Writes SUMO's floating-car data in XML, as `sumo.py` reads it."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

_ROWS = 200_000  # of a block
_ATTRIBUTES = {
    "x": "x_m",
    "y": "y_m",
    "z": "z_m",
    "speed": "speed_m_s",
}


def write_fcd_xml(frame: pl.DataFrame, *, geo: bool) -> Iterator[bytes]:
    """FCD XML of a mobility table, a timestep for each time, in blocks. Numbers keep all digits."""
    setting = f'<!-- <fcd-output.geo value="{str(geo).lower()}"/> -->\n'
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n\n{setting}<fcd-export>\n'.encode()
    ordered = frame.sort("time_s", maintain_order=True)
    lines = ordered.select(_vehicle_lines(frame.columns, geo=geo)).to_series()
    for start in range(0, len(lines), _ROWS):
        yield "".join(lines[start : start + _ROWS].to_list()).encode()
    yield b"</fcd-export>\n"


def _vehicle_lines(columns: list[str], *, geo: bool) -> pl.Expr:
    """A `<vehicle>` for each row, inside its timestep."""
    time = pl.col("time_s")
    is_first = (time != time.shift()).fill_null(value=True)
    is_last = (time != time.shift(-1)).fill_null(value=True)
    opening = pl.format('    <timestep time="{}">\n', time)
    nothing = pl.lit("")
    attributes = dict(_ATTRIBUTES)
    if geo:
        attributes |= {"x": "lon", "y": "lat"}
    values = []
    for name, column in attributes.items():
        if column in columns:
            value = pl.format(f' {name}="{{}}"', pl.col(column))
            values.append(value.fill_null(""))
    parts = [
        pl.when(is_first).then(opening).otherwise(nothing),
        pl.lit('        <vehicle id="'),
        _escaped("node"),
        pl.lit('"'),
        *values,
        pl.lit("/>\n"),
        pl.when(is_last).then(pl.lit("    </timestep>\n")).otherwise(nothing),
    ]
    return pl.concat_str(parts)


_ENTITIES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\n": "&#10;",
    "\t": "&#9;",
}


def _escaped(column: str) -> pl.Expr:
    text = pl.col(column)
    for plain, entity in _ENTITIES.items():
        text = text.str.replace_all(plain, entity, literal=True)
    return text

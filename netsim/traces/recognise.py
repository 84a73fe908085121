"""Which format a file has: by what is in it, then by its name."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from netsim.errors import DataError
from netsim.parquet import PARQUET
from netsim.traces.deepmimo import is_matrix_of_deepmimo
from netsim.traces.files import HDF5, NPY, ZIP, head
from netsim.traces.gtfs import is_gtfs
from netsim.traces.porto import is_porto
from netsim.traces.tables.dialect import is_understood, table_lines
from netsim.traces.tables.numbers_only import (
    FAST_M_S,
    number_rows,
    plausible_readings,
)
from netsim.units import FloatArray

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"
_NS2 = re.compile(
    rb'^[^#\n]*(\$\w+\s*\(\s*\w+\s*\)\s+set\s+[XYZ]_\s|"\$\w+\s*\(\s*\w+\s*\)\s+setdest\s)', re.M
)
_XML_ROOT = re.compile(rb"<(?:\w+:)?(fcd-export|gpx)[\s>]")
_FIRST_LINES = {
    "roma": re.compile(r"[^;]+;[^;]+;\s*POINT\s*\(.*"),
    "tdrive": re.compile(r"\w+,\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,-?[\d.]+,-?[\d.]+\s*"),
    "cabspotting": re.compile(r"-?\d+\.\d+ -?\d+\.\d+ [01] \d{9,10}\s*"),
    "hsdpa": re.compile(r"\d{10} \d+ -?\d+\.\d+ -?\d+\.\d+ \d+ \d+\s*"),
    "geolife": re.compile(r"Geolife trajectory\s*", re.I),
}
_SUFFIXES = {
    ".movements": "bonnmotion",
    ".params": "bonnmotion",
    ".fad": "fad",
    ".up": "mahimahi",
    ".down": "mahimahi",
    ".if": "interval",
    ".plt": "geolife",
}
_NS2_SUFFIXES = (".ns_movements", ".ns_params", ".tcl")
_TABLE_SUFFIXES = (".csv", ".tsv")
_LEAST_FADING_STEPS = 5


def is_xml(content: bytes) -> bool:
    """Whether a file's first bytes are those of XML."""
    bare = content.lstrip(_UTF8_MARK + b" \r\n\t")
    begins = bare.startswith((b"<", *_UTF16))
    return begins and b"<" in content


def recognised_format(path: Path) -> str:
    """The name of the format. Raises DataError where nothing fits, or several do."""
    if path.is_dir() and is_gtfs(path):
        return "gtfs"
    if path.is_dir():
        return "table" if any(path.glob("*.parquet")) else "deepmimo"
    first = head(path)
    if not first.strip():
        raise DataError("is empty", where=path)
    if first.startswith(ZIP):
        return _zip_format(path)
    if first.startswith(NPY) and is_matrix_of_deepmimo(path):
        return "deepmimo"
    for start, name in ((PARQUET, "table"), (b"MATLAB 5.0", "deepmimo")):
        if first.startswith(start):
            return name
    if first.startswith(HDF5):
        raise DataError("HDF5 (MATLAB 7.3) is not read; save as MATLAB 5 or as npz", where=path)
    return _text_format(path, first)


def _zip_format(path: Path) -> str:
    if is_gtfs(path):
        return "gtfs"
    if path.suffix.lower() == ".zip":
        rule = "unpack it first; of zip files only timetables (GTFS) are read as they are"
        raise DataError(rule, where=path)
    return "deepmimo" if is_matrix_of_deepmimo(path) else "sionna"


def _text_format(path: Path, first: bytes) -> str:
    name = path.name.lower().removesuffix(".gz")
    if is_xml(first):
        return _xml_format(path, name, first)
    encoding = "utf-16" if first.startswith(_UTF16) else "utf-8"
    if encoding == "utf-8" and b"\0" in first:
        raise DataError("is not text in UTF-8: it has zero bytes", where=path)
    if _NS2.search(first) or name.endswith(_NS2_SUFFIXES):
        return "ns2"
    lines = table_lines(first, encoding)
    if not lines:
        raise _unknown(path)
    for format_name, pattern in _FIRST_LINES.items():
        if pattern.fullmatch(lines[0]):
            return format_name
    if is_porto(_split(lines[0], ",")):
        return "porto"
    for suffix, format_name in _SUFFIXES.items():
        if name.endswith(suffix):
            return format_name
    if name.endswith(_TABLE_SUFFIXES) or any(
        is_understood(_split(lines[0], separator)) for separator in ",;\t| "
    ):
        return "table"
    return _numbers_format(path, lines)


def _split(line: str, separator: str) -> list[str]:
    return [field.strip(' "') for field in line.split(separator)]


def _xml_format(
    path: Path,
    name: str,
    first: bytes,
) -> str:
    root = _XML_ROOT.search(first.replace(b"\0", b""))
    if root:
        return "gpx" if root[1] == b"gpx" else "sumo"
    if name.endswith(".gpx"):
        return "gpx"
    if name.endswith(".xml"):
        return "sumo"
    raise _unknown(path)


def _unknown(path: Path) -> DataError:
    rule = "looks like no known trace; say its --format, or what its columns are with --columns"
    return DataError(rule, where=path)


def _numbers_format(path: Path, lines: list[str]) -> str:
    """The format of a file without letters, if one alone is plausible. Raises DataError."""
    whole = lines[:-1] or lines  # the last line may be cut
    fields = [re.split(r"[\s,;|]+", line.strip()) for line in whole]
    try:
        numbers = [np.array([float(field) for field in row]) for row in fields]
    except ValueError:
        if len(fields[0]) > 1 and any(map(_has_number, fields[1:])):
            return "table"
        raise _unknown(path) from None
    if all(len(row) == 1 for row in numbers):
        return _bare_list(path, np.concatenate(numbers), whole)
    formats = _plausible_formats(numbers)
    rows = number_rows(fields)
    if len(formats) == 1 and (rows is None or not plausible_readings(rows)):
        return formats[0]
    if rows is None and not formats:
        raise _unknown(path)
    if rows is not None and not formats:
        return "table"
    options = [f"--format {name}" for name in formats]
    if rows is not None:
        options += [reading.option for reading in plausible_readings(rows)]
    rule = f"could be several things; say {' or '.join(options)}"
    raise DataError(rule, where=path, value=lines[0])


def _has_number(fields: list[str]) -> bool:
    return any(re.fullmatch(r"[+-]?\d+([.,]\d*)?", field) for field in fields)


def _bare_list(
    path: Path,
    values: FloatArray,
    lines: list[str],
) -> str:
    """Whole, ascending numbers are Mahimahi's milliseconds."""
    whole = not any("." in line for line in lines)
    if whole and (np.diff(values) >= 0).all() and values[-1] > 0:
        return "mahimahi"
    rule = (
        "is a bare list of numbers; say --format mahimahi, or what they are, "
        "as --columns rate=1:kbit/s,step=1 for a rate every second"
    )
    raise DataError(rule, where=path, value=lines[0])


def _plausible_formats(rows: list[FloatArray]) -> list[str]:
    """Formats that are nothing but numbers and that rows of them may have."""
    found = []
    for width, name in ((3, "bonnmotion:2"), (4, "bonnmotion:3")):
        if _is_bonnmotion(rows, width):
            found.append(name)
    same_width = len({len(row) for row in rows}) == 1
    wide = len(rows[0]) >= _LEAST_FADING_STEPS
    in_range = all((np.abs(row) <= 200).all() for row in rows)
    if same_width and wide and in_range and len(rows) > 1 and not found:
        found.append("fad")
    return ["bonnmotion"] if set(found) == {"bonnmotion:2", "bonnmotion:3"} else found


def _is_bonnmotion(rows: list[FloatArray], width: int) -> bool:
    """Whether lines can be nodes with several samples, moving as fast as something does."""
    if any(len(row) % width for row in rows) or all(len(row) == width for row in rows):
        return False
    for row in rows:
        time, x, y = row.reshape(-1, width).T[:3]
        step_s = np.diff(time)
        with np.errstate(over="ignore"):
            fast = np.hypot(np.diff(x), np.diff(y)) > FAST_M_S * step_s
        if (step_s < 0).any() or fast.any():
            return False
    return True

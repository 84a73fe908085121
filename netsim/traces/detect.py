"""Which format a file has: by what is in it, then by its name."""

from __future__ import annotations

import re
from pathlib import Path

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.traces import layouts
from netsim.traces.bonnmotion import read_bonnmotion
from netsim.traces.columns import read_columns
from netsim.traces.fading import read_fad
from netsim.traces.files import HDF5, PARQUET, ZIP, head, present
from netsim.traces.gpx import read_gpx
from netsim.traces.layouts import Layout, layout_of
from netsim.traces.mahimahi import read_mahimahi
from netsim.traces.ns2 import read_ns2
from netsim.traces.raytracing import read_deepmimo, read_sionna
from netsim.traces.scan import separator_of
from netsim.traces.sumo import read_fcd_xml
from netsim.traces.trace import Reader, Trace


def _columns(layout: Layout | None) -> Reader:
    return lambda path, detail, origin: read_columns(path, layout, detail, origin)


def _sumo(path: Path, detail: str, origin: Origin | None) -> Trace:
    is_xml = head(path).lstrip().startswith((b"<", b"\xef\xbb\xbf<", b"\xff\xfe", b"\xfe\xff"))
    return (
        read_fcd_xml(path, detail, origin) if is_xml else read_columns(path, None, detail, origin)
    )


READERS: dict[str, Reader] = {
    "sumo": _sumo,
    "ns2": read_ns2,
    "bonnmotion": read_bonnmotion,
    "gpx": read_gpx,
    "table": _columns(None),
    "irish5g": _columns(None),
    "lumos5g": _columns(None),
    "cabspotting": _columns(layouts.CABSPOTTING),
    "roma": _columns(layouts.ROMA),
    "tdrive": _columns(layouts.TDRIVE),
    "mahimahi": read_mahimahi,
    "fad": read_fad,
    "deepmimo": read_deepmimo,
    "sionna": read_sionna,
}
DETAILS = {
    "sumo",
    "bonnmotion",
    "fad",
    "sionna",
}  # sumo:geo, bonnmotion:3, fad:100x10000, sionna:0.001


def open_trace(
    path: Path | str, format: str | None = None, *, origin: Origin | None = None
) -> Trace:
    """The native tables of a trace file. Nothing of a streamed or lazy file is loaded yet.

    `format` is one of READERS, with a detail after a colon where it has one; None: detected.
    Degrees are projected around `origin`, else around the middle of the file. Raises DataError.
    """
    path = present(Path(path))
    name, _, detail = (format or detect(path)).partition(":")
    if name not in READERS:
        raise DataError(f"format must be one of {', '.join(READERS)}", where=path, value=name)
    if detail and name not in DETAILS:
        raise DataError(f"format {name} has no detail", where=path, value=format)
    return READERS[name](path, detail, origin)


_NS2 = re.compile(
    rb'^[^#\n]*(\$\w+\s*\(\s*\w+\s*\)\s+set\s+[XYZ]_\s|"\$\w+\s*\(\s*\w+\s*\)\s+setdest\s)', re.M
)
_XML = re.compile(rb"<(?:\w+:)?(fcd-export|gpx)[\s>]")
_ROMA = re.compile(r"^[^;]+;[^;]+;\s*POINT\s*\(")
_TDRIVE = re.compile(r"^\w+,\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,-?[\d.]+,-?[\d.]+\s*$")
_TAXI = re.compile(r"^-?\d+\.\d+ -?\d+\.\d+ [01] \d{9,10}\s*$")


_SUFFIXES = (
    ((".movements", ".params"), "bonnmotion"),
    ((".fad",), "fad"),
    ((".up", ".down"), "mahimahi"),
)


def detect(path: Path) -> str:
    """The name of the format. Raises DataError where nothing fits."""
    if path.is_dir():
        return "table" if any(path.glob("*.parquet")) else "deepmimo"
    first = head(path)
    if not first.strip():
        raise DataError("is empty", where=path)
    for start, name in ((PARQUET, "table"), (ZIP, "sionna"), (b"MATLAB 5.0", "deepmimo")):
        if first.startswith(start):
            return name
    if first.startswith(HDF5):
        raise DataError("HDF5 (MATLAB 7.3) is not read; save as MATLAB 5 or as npz", where=path)
    found = _text_format(path, first)
    if found is None:
        formats = ", ".join(READERS)
        raise DataError(f"looks like no known trace; say --format, one of {formats}", where=path)
    return found


def _text_format(path: Path, first: bytes) -> str | None:
    name = path.name.lower().removesuffix(".gz")
    if first.lstrip(b"\xef\xbb\xbf \r\n\t").startswith((b"<", b"\xff\xfe", b"\xfe\xff")):
        root = _XML.search(first.replace(b"\0", b""))
        if root:
            return {b"gpx": "gpx", b"fcd-export": "sumo"}[root[1]]
        return "gpx" if name.endswith(".gpx") else "sumo" if name.endswith(".xml") else None
    if b"\0" in first:
        raise DataError("is not text in UTF-8: it has zero bytes", where=path)
    if _NS2.search(first) or name.endswith((".ns_movements", ".ns_params", ".tcl")):
        return "ns2"
    text = first.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = [
        line.strip()
        for line in text.splitlines()[:200]
        if line.strip() and not line.startswith("#")
    ]
    if not lines:
        return None
    for pattern, format in ((_ROMA, "roma"), (_TDRIVE, "tdrive"), (_TAXI, "cabspotting")):
        if pattern.match(lines[0]):
            return format
    separator = separator_of(lines[0])
    if layout_of([c.strip(' "') for c in lines[0].split(separator)]):
        return "table"
    return _numbers_format(name, lines)


def _numbers_format(name: str, lines: list[str]) -> str | None:
    """Formats that are nothing but numbers."""
    for suffixes, format in _SUFFIXES:
        if name.endswith(suffixes):
            return format
    if name.endswith((".csv", ".tsv", ".txt.csv")):
        return "table"
    try:
        rows = [[float(part) for part in line.split()] for line in lines[:-1] or lines]
    except ValueError:
        return None
    if all(len(row) == 1 for row in rows):
        return "mahimahi" if all("." not in line for line in lines) else None
    for width in (3, 4):
        if all(
            len(r) % width == 0
            and all(a <= b for a, b in zip(r[::width], r[width::width], strict=False))
            for r in rows
        ):
            return "bonnmotion"
    return "fad" if len({len(row) for row in rows}) == 1 else None

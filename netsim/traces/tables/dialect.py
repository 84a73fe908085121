"""How the text of a CSV file is written: encoding, separator, quotes, header."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from netsim.errors import DataError
from netsim.traces.files import head
from netsim.traces.missing import is_missing
from netsim.traces.tables.choice import ENCODINGS, SEPARATORS, ColumnChoice
from netsim.traces.tables.presets import TablePreset, preset_of
from netsim.traces.tables.roles import recognise

SEEN_LINES = 200
MOST_COLUMNS = 4096
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_VALUE = re.compile(r"[+-]?[\d.,:/\-+TZ ]*\d[\d.,:/\-+TZ ]*(e[+-]?\d+)?", re.I)
_PLACES = ({"x", "y"}, {"lat", "lon"})
_RADIO = {"gain_db", "pathloss", "gain", "snr", "rate", "downlink"}


@dataclass(frozen=True)
class Dialect:
    """What the CSV parser must know."""

    encoding: str
    separator: str
    names: tuple[str, ...]
    has_header: bool
    quoted: bool
    skip_lines: int
    spaced: bool  # columns lie several spaces apart
    first_rows: tuple[tuple[str, ...], ...]


def dialect_of(
    path: Path,
    preset: TablePreset | None,
    choice: ColumnChoice,
) -> Dialect:
    """The dialect, as far as it is not given: as the first lines show it. Raises DataError."""
    content = head(path)
    encoding = _encoding(content, path, choice)
    skip_lines = preset.skip_lines if preset else 0
    lines = table_lines(content, encoding, skip_lines)
    if not lines:
        raise DataError("is empty", where=path)
    separator = _separator(lines, preset, choice)
    quote = re.compile(rf'(^|{re.escape(separator)})\s*"')
    quoted = any(quote.search(line) for line in lines)
    spaced = separator == " " and not quoted and _is_spaced(lines)
    rows = [_fields(" ".join(line.split()) if spaced else line, separator) for line in lines]
    if len(rows[0]) > MOST_COLUMNS:
        rule = f"a table may have at most {MOST_COLUMNS} columns"
        raise DataError(rule, where=path, value=len(rows[0]))
    has_header = _has_header(rows[0], preset, choice)
    if preset and not preset.has_header:
        names = _preset_names(preset, rows[0], path)
    elif has_header:
        names = _header_names(rows[0], path)
    else:
        names = tuple(f"column_{number}" for number in range(1, len(rows[0]) + 1))
    return Dialect(
        encoding=encoding,
        separator=separator,
        names=names,
        has_header=has_header,
        quoted=quoted,
        skip_lines=skip_lines,
        spaced=spaced,
        first_rows=tuple(map(tuple, rows[has_header:])),
    )


def _encoding(
    content: bytes,
    path: Path,
    choice: ColumnChoice,
) -> str:
    if "encoding" in choice.dialect:
        return ENCODINGS[choice.dialect["encoding"]]
    if content.startswith(_UTF16):
        return "utf-16"
    if b"\0" in content:
        raise DataError("is not text in UTF-8: it has zero bytes", where=path)
    whole = content.rpartition(b"\n")[0] or content
    try:
        whole.decode("utf-8")
    except UnicodeDecodeError as error:
        line = whole.count(b"\n", 0, error.start) + 1
        raise not_utf8(path, line) from None
    return "utf-8"


def not_utf8(path: Path, line: int | None = None) -> DataError:
    """The error of a file in another encoding."""
    known = ", ".join(ENCODINGS)
    where = f"{path}, line {line}" if line else str(path)
    rule = f"is not UTF-8; say --columns encoding=windows-1252, or another of {known}"
    return DataError(rule, where=where)


def table_lines(
    content: bytes,
    encoding: str,
    skip_lines: int = 0,
) -> list[str]:
    """The first lines of a table, without comments and blank ones."""
    text = content.decode(encoding, "replace").removeprefix("\ufeff")
    lines = text.split("\n")[skip_lines : skip_lines + SEEN_LINES]
    return [line.rstrip("\r") for line in lines if line.strip() and not line.startswith("#")]


def _separator(
    lines: list[str],
    preset: TablePreset | None,
    choice: ColumnChoice,
) -> str:
    """The separator: given, or that under which the header is understood, or the most regular."""
    if "separator" in choice.dialect:
        return SEPARATORS[choice.dialect["separator"]]
    if preset and preset.separator and not preset.has_header:
        return preset.separator
    understood = [
        separator
        for separator in SEPARATORS.values()
        if is_understood(_fields(lines[0], separator))
    ]
    candidates = understood or SEPARATORS.values()
    return max(candidates, key=lambda separator: _regularity(lines, separator))


def _regularity(lines: list[str], separator: str) -> tuple[float, int]:
    """The part of the lines with as many fields as the first, if several; and that number."""
    counts = [len(_fields(line, separator)) for line in lines]
    if counts[0] == 1:
        return 0.0, 1
    return counts.count(counts[0]) / len(counts), counts[0]


def _is_spaced(lines: list[str]) -> bool:
    """Whether columns are several spaces apart: only then have all lines as many of them."""
    fields = {len(line.split()) for line in lines}
    if len(fields) > 1:
        return False
    single = fields.pop() - 1
    return any(line.strip().count(" ") != single for line in lines)


def _fields(line: str, separator: str) -> list[str]:
    """The fields of a line, without the spaces around them."""
    plain = line.replace("\r", " ")
    fields = next(
        csv.reader(
            [plain],
            delimiter=separator,
            skipinitialspace=separator != " ",
        ),
        [],
    )
    return [field.strip() for field in fields]


def is_understood(names: Sequence[str]) -> bool:
    """Whether a header names a time, and places or radio."""
    if len(names) > MOST_COLUMNS:
        return False
    if preset_of(names):
        return True
    found = recognise(names).columns.keys() | recognise(names).without_unit.keys()
    placed = any(place <= found for place in _PLACES)
    return "time" in found and (placed or bool(_RADIO & found))


def _has_header(
    first: list[str],
    preset: TablePreset | None,
    choice: ColumnChoice,
) -> bool:
    if "header" in choice.dialect:
        return choice.dialect["header"] == "yes"
    if preset and not preset.has_header:
        return False
    return not all(_is_value(field) for field in first)


def _is_value(field: str) -> bool:
    """Whether a field is a number, a date or empty, which no name of a column is."""
    return is_missing(field) or _VALUE.fullmatch(field) is not None


def _preset_names(
    preset: TablePreset,
    first: list[str],
    path: Path,
) -> tuple[str, ...]:
    """Names of a file without a header, whose format the user says."""
    known = preset.header
    extra = len(first) - len(known)
    if extra < 0:
        rule = f"a {preset.name} table has {len(known)} columns: {', '.join(known)}"
        raise DataError(
            rule,
            where=path,
            value=f"{len(first)} columns",
        )
    return (
        *known,
        *(f"column_{len(known) + number}" for number in range(1, extra + 1)),
    )


def _header_names(fields: list[str], path: Path) -> tuple[str, ...]:
    """Names of the columns; those without one are numbered."""
    names = [field or f"column_{number}" for number, field in enumerate(fields, start=1)]
    if len(set(names)) < len(names):
        double = next(name for name in names if names.count(name) > 1)
        raise DataError("column names must differ", where=path, value=double)
    return tuple(names)

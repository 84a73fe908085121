"""What the user says about a table: `time=t:ms,node=2,rate=kbit/s,decimal=comma`.

`ROLE=COLUMN`, `ROLE=UNIT` or `ROLE=COLUMN:UNIT`, separated by commas; an entry that has a comma
itself stands in quotes. A column is named, or numbered from 1 where the file has no header. The
other keys are those of DIALECT.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field

from netsim.errors import DataError
from netsim.traces.tables.roles import ROLES
from netsim.traces.tables.units import EXAMPLES, unit_factor

SEPARATORS = {
    "comma": ",",
    "semicolon": ";",
    "tab": "\t",
    "space": " ",
    "bar": "|",
}
DATE_ORDERS = ("day_first", "month_first")
ENCODINGS = {
    "utf-8": "utf-8",
    "utf-16": "utf-16",
    "windows-1252": "cp1252",
    "latin-1": "latin-1",
}
DIALECT = {
    "separator": tuple(SEPARATORS),
    "decimal": ("comma", "point"),
    "encoding": tuple(ENCODINGS),
    "header": ("yes", "no"),
}
STEP = "step"
"""Key of the seconds from row to row, of a table without times."""


@dataclass(frozen=True)
class ColumnChoice:
    """Columns and units by role, and the dialect, as far as they are given."""

    columns: Mapping[str, str] = field(default_factory=dict)  # what stands behind role=
    dialect: Mapping[str, str] = field(default_factory=dict)
    step_s: float | None = None

    def __bool__(self) -> bool:
        return bool(self.columns or self.dialect or self.step_s)


def parse_columns(text: str, where: str = "--columns") -> ColumnChoice:
    """The choice that a text makes. Raises DataError."""
    columns: dict[str, str] = {}
    dialect: dict[str, str] = {}
    step_s = None
    for key, value in option_entries(text, where):
        if key == STEP:
            step_s = _seconds(value, where)
        elif key in DIALECT:
            dialect[key] = _word(key, value, where)
        elif key in ROLES:
            columns[key] = value
        else:
            known = ", ".join((*ROLES, STEP, *DIALECT))
            raise DataError(f"the role must be one of {known}", where=where, value=key)
    return ColumnChoice(columns, dialect, step_s)


def option_entries(text: str, where: str) -> list[tuple[str, str]]:
    """Keys and values of `a=b,c=d`; an entry with a comma stands in quotes. Raises DataError."""
    found: dict[str, str] = {}
    for entry in next(csv.reader([text], skipinitialspace=True), []):
        key, equals, value = (part.strip() for part in entry.partition("="))
        if not equals or not key or not value:
            rule = "must be ROLE=COLUMN, ROLE=UNIT or ROLE=COLUMN:UNIT, separated by commas"
            raise DataError(rule, where=where, value=entry)
        if key in found:
            raise DataError(f"{key} is given twice", where=where, value=text)
        found[key] = value
    return list(found.items())


def _seconds(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise DataError("step must be a positive number of seconds", where=where, value=text)
    return value


def _word(
    key: str,
    value: str,
    where: str,
) -> str:
    known = DIALECT[key]
    if value.lower() not in known:
        raise DataError(
            f"{key} must be one of {', '.join(known)}",
            where=where,
            value=value,
        )
    return value.lower()


@dataclass(frozen=True)
class ChosenColumn:
    """A column and a unit that the user gave, each "" where they did not."""

    name: str = ""
    unit: str = ""


def chosen_column(
    role: str,
    text: str,
    names: list[str],
    where: str,
) -> ChosenColumn:
    """What stands behind `role=`, given the columns of the file. Raises DataError."""
    if text in names:
        return ChosenColumn(text)
    numbered = _numbered(text, names)
    if numbered:
        return ChosenColumn(numbered)
    if _is_unit(role, text):
        return ChosenColumn(unit=text)
    column, colon, unit = text.rpartition(":")
    column = column if column in names else _numbered(column, names)
    if not colon or not column:
        rule = f"{role} names no column of the file; it has {', '.join(names)}"
        raise DataError(rule, where=where, value=text)
    if not _is_unit(role, unit):
        kind = ROLES[role].kind
        known = EXAMPLES.get(kind, "none")
        if role == "time":
            known = f"{known}, {', '.join(DATE_ORDERS)}"
        raise DataError(
            f"the unit of {role} must be one of {known}",
            where=where,
            value=unit,
        )
    return ChosenColumn(column, unit)


def _numbered(text: str, names: list[str]) -> str:
    """The name of a column that is given by its number, of a file without a header."""
    if not text.isdecimal() or not all(name.startswith("column_") for name in names):
        return ""
    number = int(text)
    return names[number - 1] if 1 <= number <= len(names) else ""


def _is_unit(role: str, text: str) -> bool:
    if role in ("time", "date") and text in DATE_ORDERS:
        return True
    if role == "gain" and text.lower() == "db":
        return True
    return unit_factor(ROLES[role].kind, text) is not None

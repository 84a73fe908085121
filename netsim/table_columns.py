"""What a column of a table is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["int", "float", "str", "bool", "enum", "list"]


@dataclass(frozen=True)
class TableColumn:
    """One column: its kind, its unit and what it says."""

    name: str
    kind: Kind
    unit: str
    meaning: str
    nullable: bool = False
    categories: tuple[str, ...] = ()


def int_column(name: str, meaning: str, *, nullable: bool = False) -> TableColumn:
    """Whole numbers."""
    return TableColumn(name, kind="int", unit="", meaning=meaning, nullable=nullable)


def float_column(name: str, unit: str, meaning: str, *, nullable: bool = False) -> TableColumn:
    """Numbers with a unit."""
    return TableColumn(name, kind="float", unit=unit, meaning=meaning, nullable=nullable)


def bool_column(name: str, meaning: str) -> TableColumn:
    """Yes or no."""
    return TableColumn(name, kind="bool", unit="", meaning=meaning)


def enum_column(
    name: str, categories: tuple[str, ...], meaning: str, *, nullable: bool = False
) -> TableColumn:
    """One of a few words."""
    return TableColumn(
        name, kind="enum", unit="", meaning=meaning, nullable=nullable, categories=categories
    )

"""A Parquet file's counts, looked through before polars reads it.

polars takes the counts in a footer and in the headers of pages as they are: one that is negative or
absurd asks for so much memory that the whole process ends. Names are those of Apache Parquet's
`parquet.thrift`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO

from netsim.errors import DataError
from netsim.thrift import Fields, ThriftError, ThriftReader

PARQUET = b"PAR1"
LENGTH_BYTES = 4  # of the number, before the last PARQUET, that says how long the footer is
LEAST_BYTES = 2 * len(PARQUET) + LENGTH_BYTES
MOST_FOOTER_BYTES = 16 << 20
MOST_HEADER_BYTES = 1 << 20  # of a page's header, with its statistics
HEADER_BYTES = 512  # mostly enough
MOST_ROWS = 1 << 31
MOST_PAGES = 1_000_000

# Numbers of fields.
SCHEMA, FILE_ROWS, GROUPS = 2, 3, 4  # FileMetaData
REPETITION = 3  # SchemaElement
COLUMNS, GROUP_ROWS = 1, 3  # RowGroup
COLUMN = 3  # ColumnChunk
VALUES, STORED_BYTES, FIRST_DATA, FIRST_DICTIONARY = 5, 7, 9, 11  # ColumnMetaData
SIZE, STORED_SIZE, DATA, DICTIONARY, DATA_V2 = 2, 3, 5, 7, 8  # PageHeader
PAGE_VALUES = 1  # DataPageHeader, DictionaryPageHeader, DataPageHeaderV2

REPEATED = 2  # FieldRepetitionType

# The last ones: where there should be a structure, a list or a number, there is something else.
NOT_AS_WRITTEN = (ThriftError, LookupError, TypeError, AttributeError)
DAMAGED = "it is Parquet whose footer or pages are damaged"


def check_parquet(path: Path) -> None:
    """Raises DataError where a Parquet file's ends are missing or its counts cannot be true."""
    try:
        seen = path.stat()
        fault = _fault(path, (seen.st_ino, seen.st_size, seen.st_mtime_ns))
    except OSError as error:
        fault = error.strerror or DAMAGED
    if fault:
        raise DataError(f"cannot be read: {fault}", where=path)


def parquet_fault(path: Path) -> str:
    """Which part of a Parquet file that cannot be read is not whole."""
    with path.open("rb") as file:
        return _end_fault(file) or DAMAGED


def begins_as_parquet(path: Path) -> bool:
    """Whether the first bytes of a file are those of Parquet."""
    with path.open("rb") as file:
        return file.read(len(PARQUET)) == PARQUET


@lru_cache(maxsize=4096)
def _fault(path: Path, _state: tuple[int, ...]) -> str:
    """What is wrong with a file in this state; nothing if it is empty text. Raises OSError."""
    with path.open("rb") as file:
        return _end_fault(file) or _count_fault(file)


def _end_fault(file: IO[bytes]) -> str:
    length = file.seek(0, os.SEEK_END)
    if not length:
        return "it is empty"
    file.seek(0)
    if file.read(len(PARQUET)) != PARQUET:
        return "it does not begin as Parquet does"
    file.seek(max(length - len(PARQUET), 0))
    if file.read() != PARQUET or length < LEAST_BYTES:
        return "it is cut off: it does not end as Parquet does"
    return ""


def _count_fault(file: IO[bytes]) -> str:
    try:
        pages = 0
        for group in _groups(_footer(file)):
            for column in group[COLUMNS]:
                pages += _checked_pages(file, column[COLUMN], MOST_PAGES - pages)
    except NOT_AS_WRITTEN:
        return DAMAGED
    return ""


def _footer(file: IO[bytes]) -> Fields:
    """FileMetaData. Raises ThriftError."""
    end = file.seek(-LENGTH_BYTES - len(PARQUET), os.SEEK_END)
    length = int.from_bytes(file.read(LENGTH_BYTES), "little")
    if length > min(end - len(PARQUET), MOST_FOOTER_BYTES):
        raise ThriftError
    file.seek(end - length)
    return ThriftReader(file.read(length)).structure()


def _groups(footer: Fields) -> list[Fields]:
    """Row groups. Raises ThriftError unless their rows, and those of their columns, fit together.

    A column of lists has other numbers of values than of rows.
    """
    has_lists = any(element.get(REPETITION) == REPEATED for element in footer[SCHEMA])
    groups: list[Fields] = footer[GROUPS]
    rows = [group[GROUP_ROWS] for group in groups]
    if sum(rows) != footer[FILE_ROWS] or footer[FILE_ROWS] > MOST_ROWS:
        raise ThriftError
    for group, of_group in zip(groups, rows, strict=True):
        _check_count(of_group)
        for column in group[COLUMNS]:
            values = column[COLUMN][VALUES]
            _check_count(values)
            if values != of_group and not has_lists:
                raise ThriftError
    return groups


def _checked_pages(file: IO[bytes], column: Fields, most: int) -> int:
    """How many pages a column has.

    Raises ThriftError unless they hold as many values as it has, and are `most` at most.
    """
    values = 0
    pages = 0
    for page in _pages(file, column):
        pages += 1
        if pages > most:
            raise ThriftError
        _check_count(page[SIZE])
        if DICTIONARY in page:
            entries = page[DICTIONARY][PAGE_VALUES]
            _check_count(entries)
            if entries > page[SIZE]:  # each takes a byte at least
                raise ThriftError
            continue
        own = page[DATA_V2 if DATA_V2 in page else DATA][PAGE_VALUES]
        _check_count(own)
        values += own
    if values != column[VALUES]:
        raise ThriftError
    return pages


def _pages(file: IO[bytes], column: Fields) -> Iterator[Fields]:
    """Headers of a column's pages, one after the other. Raises ThriftError."""
    places = (column[FIRST_DATA], column.get(FIRST_DICTIONARY, 0))
    at = min((place for place in places if place), default=0)  # 0: there is no such page
    end = at + column[STORED_BYTES]
    if not 0 <= at <= end <= os.fstat(file.fileno()).st_size:
        raise ThriftError
    while at < end:
        page, length = _header(file, at)
        stored = page[STORED_SIZE]
        if not 0 <= stored <= end - at - length:
            raise ThriftError
        yield page
        at += length + stored


def _header(file: IO[bytes], at: int) -> tuple[Fields, int]:
    """A page's header and its length in bytes. Raises ThriftError."""
    taken = HEADER_BYTES
    while True:
        file.seek(at)
        reader = ThriftReader(file.read(taken))
        try:
            return reader.structure(), reader.at
        except ThriftError:
            if taken >= MOST_HEADER_BYTES:
                raise
        taken *= 16


def _check_count(number: int) -> None:
    if not 0 <= number <= MOST_ROWS:
        raise ThriftError

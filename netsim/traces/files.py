"""Bytes of a trace file: gzip is transparent, sizes are bounded, every failure is one DataError."""

from __future__ import annotations

import csv
import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import polars as pl

from netsim.errors import DataError, OutputError
from netsim.plain import check_may_be_replaced, check_plain, check_plain_file, why_unreadable

BLOCK = 2**20
MAX_LINE = 8 * 2**20
MOST_EXPANSION = 200
"""How many times its size a packed file may have; text of traces has some ten to fifty."""
FREE_BYTES = 64 * 2**20
"""Unpacked, any file may have so many."""
GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
HDF5 = b"\x89HDF"
NPY = b"\x93NUMPY"

csv.field_size_limit(MAX_LINE)  # a line is refused before a field can be longer

READ_FAILURES = (
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
    OSError,
    EOFError,
    zlib.error,
)


def present(path: Path) -> Path:
    """The path of a plain file, or of a folder of such, for formats that are folders.

    Raises DataError: a link, a pipe or a device is not followed, nor read.
    """
    path = Path(path)
    if not os.path.lexists(path):
        raise DataError("no such file", where=path)
    check_plain(path)
    if path.is_dir():
        with reading(path):
            entries = sorted(path.iterdir())
        for entry in entries:
            check_plain(entry)
    return path


def blocks(path: Path) -> Iterator[bytes]:
    """The unpacked content of a plain file, a block of at most BLOCK bytes at a time."""
    check_plain_file(path)
    with reading(path), path.open("rb") as plain:
        packed = plain.read(2) == GZIP
        plain.seek(0)
        if not packed:
            while block := plain.read(BLOCK):
                yield block
            return
        most = most_unpacked(path)
        size = 0
        with gzip.open(plain) as unpacked:
            while block := unpacked.read(BLOCK):
                size += len(block)
                if size > most:
                    raise bomb(path)
                yield block


def most_unpacked(path: Path) -> int:
    """Bytes that a packed file may have unpacked."""
    return max(FREE_BYTES, MOST_EXPANSION * path.stat().st_size)


def bomb(path: Path) -> DataError:
    """The error of a file that unpacks to more than that."""
    return DataError(f"unpacks to more than {MOST_EXPANSION} times its size", where=path)


def head(path: Path) -> bytes:
    """The first block, unpacked."""
    return next(blocks(path), b"")


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines of a text file, without their ends."""
    number = 0
    begun: list[bytes] = []  # parts of a line that has not ended yet
    size = 0
    for block in blocks(path):
        if b"\0" in block:
            raise DataError("is not text in UTF-8: it has zero bytes", where=path)
        *ended, rest = block.split(b"\n")
        if ended:
            ended[0] = b"".join([*begun, ended[0]])
            begun = []
            size = 0
        for line in ended:
            number += 1
            yield number, _text(line)
        begun.append(rest)
        size += len(rest)
        if size > MAX_LINE:
            rule = f"a line may have at most {MAX_LINE} bytes"
            raise DataError(rule, where=f"{path}, line {number + 1}")
    if last := b"".join(begun):
        yield number + 1, _text(last)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").removeprefix("\ufeff").rstrip("\r")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Failures while `path` is read, also those of polars, are DataErrors."""
    try:
        yield
    except READ_FAILURES as error:
        raise DataError(why_unreadable(path, error), where=path) from None


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A binary file that takes the name `path` once it is whole.

    It is packed where the name ends with .gz.
    """
    check_may_be_replaced(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as plain:
            if path.name.lower().endswith(".gz"):
                with gzip.GzipFile(filename="", mode="wb", fileobj=plain, mtime=0) as packed:
                    yield packed  # type: ignore[misc]  # a GzipFile is a binary file
            else:
                yield plain
        temporary.replace(path)
    except OSError as error:
        raise OutputError(
            f"cannot be written: {error.strerror or 'the disk fails'}", where=path
        ) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)

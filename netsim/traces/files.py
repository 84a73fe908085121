"""Bytes of a trace file: gzip is transparent, sizes are bounded, every failure is one DataError."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import polars as pl

from netsim.errors import DataError, OutputError

BLOCK = 2**20
MAX_LINE = 64 * 2**20
GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
ZIP = b"PK\x03\x04"
HDF5 = b"\x89HDF"


def blocks(path: Path) -> Iterator[bytes]:
    """The unpacked content, a block of at most BLOCK bytes at a time."""
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == GZIP
            plain.seek(0)
            if packed:
                with gzip.open(plain) as unpacked:
                    while block := unpacked.read(BLOCK):
                        yield block
            else:
                while block := plain.read(BLOCK):
                    yield block
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot be read: {_reason(error)}", where=path) from None


def head(path: Path) -> bytes:
    """The first block, unpacked."""
    return next(blocks(path), b"")


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines of a text file, without their ends."""
    number, open_line, size = 0, [b""], 0
    for block in blocks(path):
        if b"\0" in block:
            raise DataError("is not text in UTF-8: it has zero bytes", where=path)
        ended, *whole = block.split(b"\n")
        open_line.append(ended)
        if not whole:
            size += len(ended)
            if size > MAX_LINE:
                where = f"{path}, line {number + 1}"
                raise DataError(f"a line may have at most {MAX_LINE} bytes", where=where)
            continue
        *whole, rest = b"".join(open_line), *whole
        open_line, size = [rest], len(rest)
        for line in whole:
            number += 1
            yield number, _text(line)
    if last := b"".join(open_line):
        yield number + 1, _text(last)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").removeprefix("\ufeff").rstrip("\r")


def present(path: Path) -> Path:
    """The path of an existing file (or of a folder, for formats that are folders)."""
    path = Path(path)
    if not path.exists():
        raise DataError("no such file", where=path)
    return path


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Failures of polars while it reads `path` are DataErrors."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, EOFError) as error:
        raise DataError(f"cannot be read: {_reason(error)}", where=path) from None


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A binary file that takes the name `path` once it is whole; packed where the name ends with
    .gz.
    """
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
        raise OutputError(f"cannot be written: {_reason(error)}", where=path) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:200]

"""How a text file of rows is written: its encoding, its separator, and whether it has a header."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from netsim.errors import DataError

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class TextDialect:
    """What is said of a text file; None: seen from it."""

    encoding: str | None = None
    separator: str | None = None
    has_header: bool = True


def text_lines(
    path: Path,
    raw: bytes,
    encoding: str | None,
) -> Iterator[tuple[int, str]]:
    """(number, text) of every line; blank lines at the end are dropped. Raises DataError."""
    if encoding is None and raw.startswith(_UTF16):
        encoding = "utf-16"
    if encoding not in (None, "utf-8"):
        yield from _recoded(path, raw, str(encoding))
        return
    content = raw.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
    if not content.strip():
        return
    for number, line in enumerate(content.split(b"\n"), start=1):
        try:
            yield number, line.removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                "the text must be UTF-8; if it is another encoding, say "
                "data.columns = encoding=windows-1252",
                where=f"{path}, line {number}",
                value=line[error.start : error.start + 8],
            ) from error


def _recoded(
    path: Path,
    raw: bytes,
    encoding: str,
) -> Iterator[tuple[int, str]]:
    try:
        text = raw.decode(encoding).removeprefix("\ufeff").rstrip("\r\n")
    except UnicodeError as error:
        raise DataError(f"the text must be {encoding}: {error}"[:150], where=path) from None
    if text.strip():
        for number, line in enumerate(text.split("\n"), start=1):
            yield number, line.removesuffix("\r")


def csv_separator(header: str) -> str:
    """The separator of a header, which names hold none of: the one that occurs most."""
    return max(_SEPARATORS, key=header.count)

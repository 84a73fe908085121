"""The columns of a CSV or Parquet file as they stand, lazily, and its metadata."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from netsim.errors import DataError
from netsim.parquet import PARQUET, check_parquet
from netsim.plain import why_unreadable
from netsim.traces.files import (
    MAX_LINE,
    READ_FAILURES,
    blocks,
    head,
    lines,
    reading,
)
from netsim.traces.missing import COMMENTS
from netsim.traces.seeds import SEEDS, seeds_beside
from netsim.traces.tables.choice import ColumnChoice
from netsim.traces.tables.dialect import Dialect, dialect_of, not_utf8
from netsim.traces.tables.formulas import found_in_line
from netsim.traces.tables.presets import TablePreset

METADATA = (
    "origin_lat",
    "origin_lon",
    "time_origin",
    "gain_kind",
    "period_s",
    "source_format",
    *SEEDS,
)
MAX_RECODED = 2 * 2**30


@dataclass(frozen=True)
class RawTable:
    """A file's own columns: text, in CSV."""

    path: Path
    frame: pl.LazyFrame
    names: tuple[str, ...]
    metadata: dict[str, str]
    dialect: Dialect | None = None  # of a CSV file
    notes: dict[str, int] = field(default_factory=dict)

    @property
    def has_header(self) -> bool:
        """The columns have names of their own."""
        return self.dialect is None or self.dialect.has_header

    def is_text(self, name: str) -> bool:
        """Whether a column's values are text."""
        if self.dialect is not None:
            return True
        return self.frame.collect_schema()[name] == pl.String

    def collect(self, frame: pl.LazyFrame) -> pl.DataFrame:
        """Rows of a frame made from this table. Raises DataError where the file cannot be read."""
        try:
            return frame.collect(engine="streaming")
        except READ_FAILURES as error:
            raise _explained(self.path, self.dialect, error) from None

    def sample(self, *names: str, rows: int = 1000) -> pl.DataFrame:
        """The first rows of some columns, without those where all of them are missing."""
        wanted = self.frame.select(names)
        is_blank = pl.all_horizontal(pl.all().is_null())
        first = wanted.filter(~is_blank).head(rows)
        return self.collect(first)


def _explained(
    path: Path,
    dialect: Dialect | None,
    error: BaseException,
) -> DataError:
    """What is wrong with a file that polars refuses, without polars' own advice."""
    if dialect is None or isinstance(error, OSError):
        return DataError(why_unreadable(path, error), where=path)
    for number, line in lines(path):
        if "\ufffd" in line:
            return not_utf8(path, number)
        if number <= dialect.skip_lines or line.startswith("#"):
            continue
        plain = line.replace("\r", " ")
        fields = len(next(csv.reader([plain], delimiter=dialect.separator), []))
        if fields > len(dialect.names):
            rule = f"has {fields} fields where the first line has {len(dialect.names)}"
            return DataError(rule, where=f"{path}, line {number}")
    return DataError("cannot be read as a table", where=path)


def metadata_of(path: Path) -> dict[str, str]:
    """What a native table tells of itself besides its rows; {} of other files."""
    if path.is_dir():
        return seeds_beside(path)
    first = head(path)
    if first.startswith(PARQUET):
        check_parquet(path)
        with reading(path):
            found = pl.read_parquet_metadata(path)
        return {key: value for key, value in found.items() if key in METADATA}
    if not first.startswith(b"#"):
        return {}
    metadata = {}
    for line in first.decode("utf-8", "replace").splitlines():
        key, equals, value = line.lstrip("# ").partition("=")
        if line.startswith("#") and equals and key.strip() in METADATA:
            metadata[key.strip()] = found_in_line(value.strip())
    return metadata


def scan_table(
    path: Path,
    preset: TablePreset | None,
    choice: ColumnChoice,
) -> RawTable:
    """The table of a file; a folder is a table of a run, in parts. Raises DataError."""
    metadata = metadata_of(path)
    if path.is_dir():
        return _of_parquet(path, sorted(path.glob("*.parquet")), metadata)
    if head(path).startswith(PARQUET):
        return _of_parquet(path, [path], metadata)
    dialect = dialect_of(path, preset, choice)
    content = None
    if dialect.encoding != "utf-8" or dialect.spaced:
        content = _recoded(path, dialect)
    notes = _checked_lines(path, dialect, content)
    frame = _scan_csv(path, dialect, content)
    return RawTable(
        path,
        frame,
        names=dialect.names,
        metadata=metadata,
        dialect=dialect,
        notes=notes,
    )


def _of_parquet(path: Path, files: list[Path], metadata: dict[str, str]) -> RawTable:
    for file in files:
        check_parquet(file)
    with reading(path):
        frame = pl.scan_parquet(files, glob=False)
        names = frame.collect_schema().names()
    return RawTable(path, frame, tuple(names), metadata)


def _scan_csv(
    path: Path,
    dialect: Dialect,
    content: bytes | None,
) -> pl.LazyFrame:
    """The table with all columns as text, named as the dialect says."""
    source: Any = path if content is None else io.BytesIO(content)
    try:
        frame = pl.scan_csv(
            source,
            separator=dialect.separator,
            has_header=dialect.has_header,
            new_columns=list(dialect.names),
            skip_lines=dialect.skip_lines,
            quote_char='"' if dialect.quoted else None,
            infer_schema=False,
            comment_prefix="#",
            encoding="utf8",
            glob=False,
        )
        found = frame.collect_schema().names()
    except READ_FAILURES as error:
        raise _explained(path, dialect, error) from None
    if len(found) != len(dialect.names):
        rule = f"the first line has {len(dialect.names)} columns, others have {len(found)}"
        raise DataError(rule, where=path)
    return frame


def _recoded(path: Path, dialect: Dialect) -> bytes:
    """The text in UTF-8, its fields one space apart if they were several. Raises DataError."""
    content = b"".join(blocks(path))
    if len(content) > MAX_RECODED:
        rule = f"may have at most {MAX_RECODED} bytes in this encoding"
        raise DataError(rule, where=path, value=len(content))
    try:
        text = content.decode(dialect.encoding).removeprefix("\ufeff")
    except UnicodeError as error:
        raise DataError(f"is not {dialect.encoding}: {error}"[:150], where=path) from None
    if dialect.spaced:
        text = _one_space_apart(path, dialect, text)
    return text.encode()


def _one_space_apart(
    path: Path,
    dialect: Dialect,
    text: str,
) -> str:
    """The text with single spaces between fields. Raises DataError where a line lacks some."""
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        fields = line.split()
        in_table = number > dialect.skip_lines and fields and not line.startswith("#")
        if in_table and len(fields) != len(dialect.names):
            rule = f"has {len(fields)} fields where the first line has {len(dialect.names)}"
            raise DataError(rule, where=f"{path}, line {number}")
        found.append(" ".join(fields))
    return "\n".join(found)


def _checked_lines(
    path: Path,
    dialect: Dialect,
    content: bytes | None,
) -> dict[str, int]:
    """What is odd about the lines: comments among them. Raises DataError at an open quote.

    `content` is the text in UTF-8 where the file is another.
    """
    parts = blocks(path) if content is None else [content]
    comments = _comments_below(_short_lines(path, parts))
    if dialect.quoted:
        numbered = lines(path)
        if content is not None:
            numbered = iter(enumerate(content.decode().split("\n"), start=1))
        _check_quotes(path, dialect, numbered)
    return {COMMENTS: comments} if comments else {}


def _short_lines(path: Path, parts: Iterable[bytes]) -> Iterator[bytes]:
    """The parts of a text. Raises DataError at a line that goes on over many of them."""
    begun = 0  # bytes of a line that has not ended
    for part in parts:
        first = part.find(b"\n")
        longest = begun + (len(part) if first < 0 else first)
        if longest > MAX_LINE:
            raise DataError(f"a line may have at most {MAX_LINE} bytes", where=path)
        begun = longest if first < 0 else len(part) - part.rfind(b"\n")
        yield part


def _comments_below(parts: Iterable[bytes]) -> int:
    """Lines beginning with # that are not above the table."""
    below = 0
    before = b"\n"
    seen_table = False
    for part in parts:
        text = before + part
        if not seen_table:
            table_at = _table_start(text)
            seen_table = table_at >= 0
            text = text[table_at:] if seen_table else b""
        below += text.count(b"\n#")
        before = part[-1:]
    return below


def _table_start(text: bytes) -> int:
    """Where the first line that is no comment begins, in text that starts with a line end."""
    at = 0
    while text[at : at + 2] == b"\n#":
        at = text.find(b"\n", at + 1)
        if at < 0:
            return -1
    return at


def _check_quotes(
    path: Path,
    dialect: Dialect,
    numbered: Iterator[tuple[int, str]],
) -> None:
    """Raises DataError where a quoted field spans lines or is not closed."""
    for number, line in numbered:
        if number > dialect.skip_lines and line.count('"') % 2 and not line.startswith("#"):
            rule = "a quoted field must end on its line"
            raise DataError(
                rule,
                where=f"{path}, line {number}",
                value=line[-80:],
            )


def names_text(names: Sequence[str], most: int = 12) -> str:
    """Names for a message, cut if there are many."""
    shown = ", ".join(names[:most])
    if len(names) <= most:
        return shown
    return f"{shown}, ... ({len(names)} in all)"

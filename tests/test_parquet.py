"""Counts in Parquet files, which polars would believe."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from netsim.errors import DataError
from netsim.learning.data.table_files import read_table
from netsim.parquet import check_parquet
from netsim.thrift import MOST_DEPTH, ThriftError, ThriftReader
from netsim.traces import open_trace

ROWS = 77
COUNT = b"\x9a\x01"  # ROWS as Thrift writes it
NEGATIVE = b"\x99\x01"  # -ROWS


def _written(folder: Path, **settings: object) -> Path:
    frame = pl.DataFrame(
        {
            "time_s": [float(i) for i in range(ROWS)],
            "node": [f"n{i % 3}" for i in range(ROWS)],
            "rate_bps": [None if i % 5 else 1e6 for i in range(ROWS)],
        }
    )
    frame.write_parquet(folder / "t.parquet", compression="uncompressed", **settings)
    return folder / "t.parquet"


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame({"a": [1, None], "b": ["x", None], "c": [[1, 2], []], "d": [{"e": 1}, None]}),
        pl.DataFrame({"a": pl.Series([], dtype=pl.String), "b": pl.Series([], dtype=pl.Int64)}),
        pl.DataFrame({"a": [None] * 3, "b": [b"", b"x", b"yy"], "c": [True, False, None]}),
        pl.DataFrame({"a": [f"x{i % 9}" for i in range(3000)]}).cast(pl.Categorical),
        pl.DataFrame({"a": range(3000)}),
    ],
)
@pytest.mark.parametrize("compression", ["zstd", "snappy", "uncompressed"])
def test_what_is_whole_passes(frame: pl.DataFrame, compression: str, tmp_path: Path) -> None:
    for number, rows in enumerate((None, 500)):
        file = tmp_path / f"{number}.parquet"
        frame.write_parquet(file, compression=compression, row_group_size=rows, data_page_size=200)
        check_parquet(file)


def test_a_negative_count_is_refused_wherever_it_is(tmp_path: Path) -> None:
    """Of the file, a group, a column, a page: polars ends the process for some of them."""
    file = _written(tmp_path)
    content = file.read_bytes()
    whole = pl.read_parquet(file)
    places = [found.start() for found in re.finditer(re.escape(COUNT), content)]
    refused = 0
    for at in places:
        file.write_bytes(content[:at] + NEGATIVE + content[at + len(COUNT) :])
        try:
            check_parquet(file)
        except DataError:
            refused += 1
            continue
        with suppress(pl.exceptions.PanicException):  # in a page: polars says so
            assert pl.read_parquet(file).equals(whole)  # in copies, which nobody reads
    assert refused >= 8  # two of the whole, and two of each column


def test_a_file_that_would_end_the_process_is_told_of(tmp_path: Path) -> None:
    file = _written(tmp_path)
    content = file.read_bytes()
    at = content.index(COUNT, content.index(b"root"))
    file.write_bytes(content[:at] + NEGATIVE + content[at + len(COUNT) :])
    with pytest.raises(DataError, match=r"t\.parquet: cannot be read"):
        open_trace(file)
    with pytest.raises(DataError, match=r"t\.parquet: the file must be Parquet"):
        read_table(file)


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1\0\0\0\0PAR1", b"PAR1\xff\xff\xff\xffPAR1"]
)
def test_ends_without_a_footer(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"t\.parquet: cannot be read"):
        check_parquet(tmp_path / "t.parquet")


def test_a_file_that_has_changed_is_looked_at_again(tmp_path: Path) -> None:
    file = _written(tmp_path)
    check_parquet(file)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match="cut off"):
        check_parquet(file)


@pytest.mark.parametrize(
    "content",
    [
        b"\x1c" * (MOST_DEPTH + 2),  # structures
        b"\x19" + b"\x19" * (MOST_DEPTH + 2),  # lists
        b"\x19\xfc\xff\xff\xff\xff\x0f",  # a list of billions
        b"\x16" + b"\xff" * 11,  # an endless number
        b"\x18\x7fabc",  # text that is cut off
        b"\x1d\x00",  # no type
        b"\x15\x02",  # no end
    ],
)
def test_what_thrift_does_not_write(content: bytes) -> None:
    with pytest.raises(ThriftError):
        ThriftReader(content).structure()


def test_values_by_their_numbers() -> None:
    truths = b"\x11\x12"
    numbers = b"\x15\x03" + b"\x26\x04"  # field 3, and field 5
    text = b"\x18\x02ab"
    listed = b"\x29\x25\x02\x05"  # field 8: two numbers
    inside = b"\x1c" + b"\x11\x00"
    real = b"\x17" + bytes(range(1, 9))
    reader = ThriftReader(truths + numbers + text + listed + inside + real + b"\x00after")
    found = reader.structure()
    expected = {1: True, 2: False, 3: -2, 5: 2, 6: b"ab", 8: [1, -3], 9: {1: True}}
    assert found == {**expected, 10: bytes(range(1, 9))}
    assert reader.at == len(reader._content) - len(b"after")

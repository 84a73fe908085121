"""How inputs are spoilt: bytes, lines, trees of values, tables. All of it drawn, so it can be had again."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from copy import deepcopy
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

Draw = np.random.Generator

NUMBERS = (
    "0", "-0", "-1", "1e308", "-1e308", "1e999", "1e-308", "5e-324", "nan", "inf", "-inf", "NaN", "Infinity",
    "9" * 20, "9" * 400, "9223372036854775808", "-9223372036854775809", "0x10", "1_000", "²", "٣", "1,5", "1e30", "",
    "1e-30", "4294967296", "2147483648", "1.7976931348623157e308",
)  # fmt: skip
WORDS = (
    "", " ", "\0", "\n", "\r\n", "\t", ",", ";", "|", '"', "'", "<", ">", "&x;", "é", "\ud800".encode("utf-16-le", "surrogatepass").decode("latin1"),
    "\u202e", "\ufeff", "../../outside", "/etc/hostname", "=1+1", "a" * 5000, "[" * 3000, "{" * 3000, "%s%n", "$(id)", "`id`",
    "\x1b[2J", "null", "true", "None", "<!DOCTYPE x>", "NaN", "\x7f", "CON", ".", "..", "-", "--help", "😀",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**30, 1e308, -1e308, 1e-308, 5e-324, 1e30, 1e-30, 0.5, 3,
    float("nan"), float("inf"), float("-inf"), "", "x", "\0", "../../outside", "/etc/hostname", "é" * 300, "a" * 5000,
    [], {}, [[]], [1, 2], {"a": 1}, "1", "nan", "=1+1", "\x1b[2J", "\u202e", ".", "..", -0.0, 7, 100, 1e6, 1e9, 1e12,
)  # fmt: skip
MOST_PLACES = 20_000  # of a tree: lists that are repeated several times would take all memory
NUMBER = re.compile(rb"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def pick(draw: Draw, options: Any) -> Any:
    """One of several."""
    return options[int(draw.integers(len(options)))]


def often(draw: Draw) -> int:
    """How many changes: mostly one, seldom many."""
    return int(min(1 + draw.geometric(0.5), 8))


# -- bytes and lines -----------------------------------------------------------------------------


def spoil_bytes(content: bytes, draw: Draw) -> bytes:
    """Flip, cut, repeat, insert."""
    for _ in range(often(draw)):
        at = int(draw.integers(len(content) + 1))
        length = int(min(draw.geometric(0.1), 200))
        kind = int(draw.integers(5))
        if kind == 0 and content:
            at = min(at, len(content) - 1)
            content = (
                content[:at] + bytes([content[at] ^ int(draw.integers(1, 256))]) + content[at + 1 :]
            )
        elif kind == 1:
            content = content[:at] + content[at + length :]
        elif kind == 2:
            content = content[:at] + content[at : at + length] + content[at:]
        elif kind == 3:
            content = content[:at] + draw.bytes(length) + content[at:]
        else:
            content = (
                content[:at]
                if draw.random() < 0.3
                else content[:at] + b"\xff\xfe\x00" + content[at:]
            )
    return content


def spoil_text(content: bytes, draw: Draw) -> bytes:
    """Change numbers, cells and lines of a text; it keeps its shape otherwise."""
    for _ in range(often(draw)):
        kind = int(draw.integers(7))
        if kind <= 1:
            content = _other_number(content, draw)
        elif kind == 2:
            at = int(draw.integers(len(content) + 1))
            content = content[:at] + pick(draw, WORDS).encode("utf-8", "replace") + content[at:]
        elif kind == 3:
            content = _other_lines(content, draw)
        elif kind == 4:
            content = _other_token(content, draw)
        elif kind == 5:
            content = _other_column(content, draw)
        else:
            content = spoil_bytes(content, draw)
    return content


def _other_number(content: bytes, draw: Draw) -> bytes:
    numbers = list(NUMBER.finditer(content))
    if not numbers:
        return content
    found = pick(draw, numbers)
    return content[: found.start()] + pick(draw, NUMBERS).encode() + content[found.end() :]


def _other_token(content: bytes, draw: Draw) -> bytes:
    """A word that is in the text takes the place of another."""
    words = re.findall(rb"\w+", content)
    if not words:
        return content
    old, new = pick(draw, words), pick(draw, words)
    return content.replace(old, new, 1 if draw.random() < 0.7 else -1)


def _other_column(content: bytes, draw: Draw) -> bytes:
    """All cells of a column but its name, or some of them, become the same: often, nothing."""
    lines = content.split(b"\n")
    separator = max((b",", b";", b"\t", b" "), key=lines[0].count)
    column = int(draw.integers(lines[0].count(separator) + 1))
    value = b"" if draw.random() < 0.6 else pick(draw, NUMBERS).encode()
    share = pick(draw, (1.0, 0.5))
    for number, line in enumerate(lines[1:], start=1):
        cells = line.split(separator)
        if column < len(cells) and draw.random() < share:
            cells[column] = value
            lines[number] = separator.join(cells)
    return b"\n".join(lines)


def _other_lines(content: bytes, draw: Draw) -> bytes:
    lines = content.splitlines(keepends=True)
    if not lines:
        return content
    at, other = int(draw.integers(len(lines))), int(draw.integers(len(lines)))
    kind = int(draw.integers(4))
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines[at:at] = [lines[other]] * int(draw.integers(1, 50))
    elif kind == 2:
        lines[at], lines[other] = lines[other], lines[at]
    else:
        lines[at] = lines[at].rstrip(b"\r\n") + lines[other]
    return b"".join(lines)


def packed(content: bytes, draw: Draw) -> bytes:
    """As gzip, at times cut or spoilt."""
    made = gzip.compress(content, 1)
    if draw.random() < 0.5:
        made = spoil_bytes(made, draw)
    return made


# -- trees ---------------------------------------------------------------------------------------


def spoil_tree(tree: Any, draw: Draw, values: tuple[Any, ...] = VALUES) -> Any:
    """Change values, keys and depth of nested tables and lists."""
    tree = json.loads(json.dumps(tree))
    for _ in range(often(draw)):
        tree = _spoil_once(tree, draw, values)
    return tree


def _spoil_once(tree: Any, draw: Draw, values: tuple[Any, ...]) -> Any:
    found = list(islice(places(tree), MOST_PLACES))
    if not found:
        return deepcopy(pick(draw, values))  # it is changed in its turn
    owner, key = pick(draw, found)
    kind = int(draw.integers(8))
    if kind <= 3:
        owner[key] = deepcopy(pick(draw, values))
    elif kind == 4 and isinstance(owner, dict):
        owner[pick(draw, WORDS)] = owner.pop(key)
    elif kind == 5:
        del owner[key]
    elif kind == 6:
        other, from_key = pick(draw, found)
        taken = other[from_key] if _has(other, from_key) else None
        owner[key] = json.loads(json.dumps(taken))
    elif isinstance(owner, list) and len(found) < MOST_PLACES:
        owner *= int(draw.integers(2, 40))
    else:
        owner[key] = [owner[key]]
    return tree


def _has(owner: Any, key: Any) -> bool:
    return key in owner if isinstance(owner, dict) else key < len(owner)


def places(tree: Any) -> Any:
    """(owner, key) of every value."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield tree, key
            yield from places(value)
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield tree, index
            yield from places(value)


def spoil_array(array: np.ndarray[Any, Any], draw: Draw) -> np.ndarray[Any, Any]:
    """An array with absurd entries, of another length, or of another type."""
    kind = int(draw.integers(10))
    if kind == 0:
        return array[: len(array) // 2]
    if kind == 1:
        return np.concatenate([array, array])
    if kind == 2:
        return array.astype(pick(draw, ("f8", "i8", "?", "f4", "u1")))
    if kind == 3:
        return array.reshape(-1)
    found = array.copy()
    if not found.size:
        return np.full(1, pick(draw, ABSURD)).astype(array.dtype)
    flat = found.reshape(-1)
    with np.errstate(invalid="ignore"):
        value = np.array(pick(draw, ABSURD)).astype(array.dtype)
    if draw.random() < 0.3:
        flat[:] = value
    else:
        flat[int(draw.integers(len(flat)))] = value
    return found


ABSURD = (
    float("nan"),
    float("inf"),
    float("-inf"),
    -1.0,
    1e308,
    -1e308,
    5e-324,
    1e18,
    1e9,
    1e6,
    1e3,
    0.0,
    2.0,
    2.0**62,
)


def json_bytes(tree: Any) -> bytes:
    """JSON, with what only Python calls numbers."""
    return json.dumps(tree).encode()


# -- tables --------------------------------------------------------------------------------------


def spoil_table(frame: pl.DataFrame, draw: Draw) -> pl.DataFrame:
    """Drop, rename, retype and reorder columns; odd values; other numbers of rows."""
    for _ in range(often(draw)):
        if not frame.width:
            return frame
        name = pick(draw, frame.columns)
        frame = pick(draw, _TABLE_CHANGES)(frame, name, draw)
    return frame


def _typed(frame: pl.DataFrame, name: str, draw: Draw) -> pl.DataFrame:
    kind = pick(
        draw,
        (
            pl.String,
            pl.Float32,
            pl.Float64,
            pl.Int64,
            pl.Int8,
            pl.UInt64,
            pl.Boolean,
            pl.Date,
            pl.Binary,
        ),
    )
    return frame.with_columns(pl.col(name).cast(pl.String, strict=False).cast(kind, strict=False))


def _valued(frame: pl.DataFrame, name: str, draw: Draw) -> pl.DataFrame:
    kind = frame.schema[name]
    if kind.is_float():
        value = pick(draw, (float("nan"), float("inf"), -1.0, 1e308, -1e308, 5e-324, None))
    elif kind.is_integer():
        value = pick(draw, (-1, 0, 2**31 - 1, 2**40, None))
        if value is not None and not -1 < value < 2**31:
            frame = frame.with_columns(pl.col(name).cast(pl.Int64, strict=False))
    else:
        value = pick(draw, ("", "a" * 5000, "\0", "../../outside", None))
    if draw.random() < 0.5:
        return frame.with_columns(
            pl.lit(value, strict=False).alias(name) if value is None else pl.lit(value).alias(name)
        )
    row = int(draw.integers(max(len(frame), 1)))
    where = pl.int_range(pl.len()) == row
    return frame.with_columns(
        pl.when(where).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
    )


def _nested(frame: pl.DataFrame, name: str, draw: Draw) -> pl.DataFrame:
    if draw.random() < 0.5:
        return frame.with_columns(pl.struct(pl.col(name)).alias(name))
    return frame.with_columns(pl.concat_list(pl.col(name)).alias(name))


def _renamed(frame: pl.DataFrame, name: str, draw: Draw) -> pl.DataFrame:
    new = pick(draw, WORDS)
    return frame if new in frame.columns else frame.rename({name: new})


_TABLE_CHANGES: tuple[Callable[[pl.DataFrame, str, Draw], pl.DataFrame], ...] = (
    _typed,
    _valued,
    _valued,
    _valued,
    _nested,
    _renamed,
    lambda frame, name, _: frame.drop(name),
    lambda frame, *_: frame.head(0),
    lambda frame, *_: pl.concat([frame, frame]),
    lambda frame, *_: frame.reverse(),
    lambda frame, name, _: frame.with_columns(pl.col(name).shuffle(1)),
    lambda frame, *_: frame.select(reversed(frame.columns)),
)


# -- files ---------------------------------------------------------------------------------------


def spoil_file(path: Path, draw: Draw) -> None:
    """Spoil a file by what it is; seldom put something else in its place."""
    if draw.random() < 0.04:
        pick(draw, SPECIAL)(path)
        return
    content = path.read_bytes()
    if path.suffix == ".json" and draw.random() < 0.7:
        try:
            path.write_bytes(json_bytes(spoil_tree(json.loads(content), draw)))
        except (ValueError, RecursionError):  # it has been spoilt before
            path.write_bytes(spoil_bytes(content, draw))
    elif path.suffix == ".parquet" and draw.random() < 0.6:
        try:
            spoil_table(pl.read_parquet(path), draw).write_parquet(path)
        except (pl.exceptions.PolarsError, ValueError, TypeError):
            path.write_bytes(spoil_bytes(content, draw))
    elif path.suffix in (".parquet", ".npz", ".mat", ".zip", ".safetensors"):
        path.write_bytes(spoil_bytes(content, draw))
    else:
        path.write_bytes(spoil_text(content, draw))


def _away(path: Path) -> None:
    path.unlink()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _link_outside(path: Path) -> None:
    path.unlink()
    path.symlink_to(Path("..") / "outside" / "secret")


def _pipe(path: Path) -> None:
    import os

    path.unlink()
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _unreadable(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)  # a loop


SPECIAL = (_away, _empty, _link_outside, _pipe, _device, _folder, _unreadable)

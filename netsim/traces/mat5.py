"""The one real matrix of a MATLAB 5 file, as DeepMIMO saves them.

Read here because scipy.io.loadmat crashes the interpreter on damaged files (a flipped byte is
enough), and trace files are not trusted. Format: MathWorks, "MAT-File Format", level 5. An element
is a tag (type, bytes) and data padded to 8 bytes; small ones have both in 8 bytes. A matrix has
flags, dimensions, a name and its real part.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from netsim.errors import DataError
from netsim.traces.files import blocks, most_unpacked
from netsim.units import FloatArray

MAX_BYTES = 2**31
_NUMBERS = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
_MATRIX, _COMPRESSED = 14, 15
_NUMERIC_CLASSES = range(6, 16)  # double, single, integers
_COMPLEX = 0x0800


def read_matrix(path: Path) -> FloatArray:
    """The matrix of a file that holds one, at least 2-D. Raises DataError."""
    content = b"".join(_limited(path))
    if not content.startswith(b"MATLAB 5.0") or len(content) < 128:
        raise DataError("not a MATLAB 5 file", where=path)
    order = ">" if content[126:128] == b"MI" else "<"
    found = []
    try:
        for kind, data in _elements(content[128:], order):
            if kind == _COMPRESSED:
                found.append(_matrix(_unpacked(data, most_unpacked(path)), order))
            elif kind == _MATRIX:
                found.append(_array(data, order))
    except (
        struct.error,
        ValueError,
        zlib.error,
        OverflowError,
        MemoryError,
    ) as error:
        told = isinstance(error, ValueError)
        reason = " ".join(str(error).split())[:120] if told else "it is cut off or damaged"
        raise DataError(f"not a readable MATLAB 5 file: {reason}", where=path) from None
    if len(found) != 1:
        raise DataError(
            "must hold one matrix",
            where=path,
            value=f"{len(found)} matrices",
        )
    return found[0]


def _limited(path: Path) -> Iterator[bytes]:
    size = 0
    for block in blocks(path):
        size += len(block)
        if size > MAX_BYTES:
            raise DataError(f"may have at most {MAX_BYTES} bytes", where=path)
        yield block


def _unpacked(data: bytes, most: int) -> bytes:
    unpack = zlib.decompressobj()
    content = unpack.decompress(data, most)
    if unpack.unconsumed_tail:
        raise ValueError(f"unpacks to more than {most} bytes")
    if not unpack.eof:
        raise ValueError("its packed data are cut short")
    return content


def _elements(content: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """(type, data) of the elements in a row."""
    position = 0
    while position + 8 <= len(content):
        kind, size = struct.unpack_from(f"{order}II", content, position)
        is_small = kind >> 16 > 0  # 16 bits each of size and type, data in the next 4 bytes
        if is_small:
            size = kind >> 16
            kind = kind & 0xFFFF
            if size > 4:
                raise ValueError("a small element has at most 4 bytes")
            begin = position + 4
            position += 8
        else:
            begin = position + 8
            padded = -(-size // 8) * 8
            position = begin + (size if kind == _COMPRESSED else padded)
        if begin + size > len(content):
            raise ValueError("an element is longer than the file")
        yield kind, content[begin : begin + size]


def _matrix(content: bytes, order: str) -> FloatArray:
    kind, data = next(_elements(content, order), (0, b""))
    if kind != _MATRIX:
        raise ValueError("holds no matrix")
    return _array(data, order)


def _array(content: bytes, order: str) -> FloatArray:
    """The real numbers of a matrix element, columns first in the file."""
    parts = list(_elements(content, order))
    if len(parts) < 4:
        raise ValueError("a matrix has flags, dimensions, a name and numbers")
    (
        (_, flag_bytes),
        (_, shape_bytes),
        _,
        (
            kind,
            data,
        ),
    ) = parts[:4]
    (flags,) = struct.unpack_from(f"{order}I", flag_bytes)
    if flags & 0xFF not in _NUMERIC_CLASSES or flags & _COMPLEX:
        raise ValueError("must hold real numbers")
    shape = tuple(np.frombuffer(shape_bytes, dtype=f"{order}i4").tolist())
    if kind not in _NUMBERS or len(shape) < 2 or min(shape) < 0:
        raise ValueError("must hold a matrix of numbers")
    values = np.frombuffer(data, dtype=order + _NUMBERS[kind])
    if math.prod(shape) != len(values):
        raise ValueError(f"has {len(values)} numbers for the shape {shape}")
    with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one
        return np.asarray(values.reshape(shape, order="F"), dtype=np.float64)

"""Structures of Thrift's compact protocol, in which Parquet writes its footer and pages' headers.

A structure becomes the values of its fields by their numbers; what these mean says who asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MOST_DEPTH = 16  # of structures within one another; a footer of Parquet has 6
MOST_NUMBER_BYTES = 10  # of an integer of 64 bit

# The protocol's types.
TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, _MAP, STRUCT = range(1, 13)
NUMBERS = (I32, I64, I16)
DOUBLE_BYTES = 8
LONG = 15  # where a list's size has a number of its own

Fields = dict[int, Any]
"""Values of a structure by the numbers of its fields."""


class ThriftError(Exception):
    """This is not what Thrift writes, or it is cut off."""


class ThriftReader:
    """Reads structures from the beginning of some bytes on."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.at = 0  # the byte that is read next

    def structure(self, depth: int = 0) -> Fields:
        """Fields up to the zero byte that ends a structure. Raises ThriftError."""
        if depth > MOST_DEPTH:
            raise ThriftError
        fields: Fields = {}
        number = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            number = number + step if step else self._signed()
            if kind in NUMBERS:
                fields[number] = self._signed()
            elif kind in (TRUE, FALSE):
                fields[number] = kind == TRUE
            else:
                fields[number] = self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in NUMBERS:
            return self._signed()
        if kind == BINARY:
            return self._bytes(self._unsigned())
        if kind == STRUCT:
            return self.structure(depth + 1)
        if kind in (LIST, SET):
            return list(self._elements(depth + 1))
        if kind == DOUBLE:
            return self._bytes(DOUBLE_BYTES)
        if kind in (TRUE, FALSE, BYTE):
            return self._byte()
        raise ThriftError  # a map, which Parquet has nowhere, or no type

    def _elements(self, depth: int) -> Iterator[Any]:
        if depth > MOST_DEPTH:
            raise ThriftError
        head = self._byte()
        kind = head & 15
        size = head >> 4
        if size == LONG:
            size = self._unsigned()
        if size > len(self._content):  # each takes a byte at least
            raise ThriftError
        for _ in range(size):
            yield self._value(kind, depth)

    def _signed(self) -> int:
        number = self._unsigned()
        return number >> 1 ^ -(number & 1)

    def _unsigned(self) -> int:
        number = self._byte()
        if number < 128:
            return number
        number &= 127
        for position in range(1, MOST_NUMBER_BYTES):
            byte = self._byte()
            number |= (byte & 127) << 7 * position
            if byte < 128:
                return number
        raise ThriftError

    def _byte(self) -> int:
        try:
            byte = self._content[self.at]
        except IndexError:
            raise ThriftError from None
        self.at += 1
        return byte

    def _bytes(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self._content):
            raise ThriftError
        found = self._content[self.at : end]
        self.at = end
        return found

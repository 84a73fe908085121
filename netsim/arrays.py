"""Tables of arrays: dataclasses whose fields are columns of equal length; and groups of rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache, lru_cache
from typing import Any, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from netsim.units import BoolArray, FloatArray, IntArray

T = TypeVar("T")


def column(initial: float | int | bool) -> Any:
    """A column that rows begin with one value in, unless they are given another."""
    return field(default=None, metadata={"initial": initial})


@cache
def _begins(table: Hashable) -> dict[str, float | int | bool]:
    """Names of the columns that need not be given, and what their rows begin with."""
    assert isinstance(table, type)
    return {one.name: one.metadata["initial"] for one in fields(table) if one.metadata}


SHORT = 2048
"""Rows of tables whose first columns are kept."""


@lru_cache(maxsize=16)
def _first_columns(table: Hashable, rows: int) -> dict[type, tuple[list[str], NDArray[Any]]]:
    """Names and columns, [.., rows], of those that begin so, by kind of number."""
    kinds: dict[type, list[str]] = {}
    begins = _begins(table)
    for name, initial in begins.items():
        kinds.setdefault(type(initial), []).append(name)
    return {
        kind: (names, np.repeat(np.array([[begins[name]] for name in names]), rows, axis=1))
        for kind, names in kinds.items()
    }


@dataclass
class ArrayTable:
    """Base of dataclasses in which every field is an array with one entry per row.

    What is done to whole rows is written here once, from the fields, so a new column needs no
    other change.
    """

    def __post_init__(self) -> None:
        if not _begins(type(self)):  # type: ignore[arg-type]
            return
        columns = self.columns()
        rows = len(next(iter(columns.values())))
        make = _first_columns if rows <= SHORT else _first_columns.__wrapped__
        first = make(type(self), rows)  # type: ignore[arg-type]
        for names, values in first.values():
            # one block for all columns of a kind: many small arrays cost more
            for name, begun in zip(names, values.copy(), strict=True):
                if columns[name] is None:
                    columns[name] = begun

    def columns(self) -> dict[str, NDArray[Any]]:
        """The arrays themselves, by name: a dataclass keeps nothing but its fields."""
        return self.__dict__

    def _with(self, columns: Mapping[str, NDArray[Any]]) -> Self:
        """A table of the same kind, all columns given."""
        table = object.__new__(type(self))
        table.__dict__.update(columns)
        return table

    def select(self, rows: IntArray | BoolArray | slice) -> Self:
        """Copies of some rows, in the order given; a slice of rows is not copied.

        A slice of all rows gives the table itself.
        """
        if isinstance(rows, slice) and rows == slice(None):
            return self
        return self._with({name: values[rows] for name, values in self.columns().items()})

    def copy(self) -> Self:
        """A table with arrays of its own."""
        return self._with({name: values.copy() for name, values in self.columns().items()})

    def join(self, other: Self, order: IntArray | None = None) -> Self:
        """The rows of both, those of `other` last, or in `order` of these positions."""
        more = other.columns()
        pairs = {name: (values, more[name]) for name, values in self.columns().items()}
        table = self._with({name: np.concatenate(pair) for name, pair in pairs.items()})
        return table if order is None else table.select(order)

    def put(self, rows: IntArray, other: Self) -> None:
        """Overwrite `rows` with the rows of `other`, in order."""
        for name, values in other.columns().items():
            self.columns()[name][rows] = values

    def state(self) -> dict[str, NDArray[Any]]:
        """The columns, for a checkpoint."""
        return dict(self.columns())

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Self:
        """The table whose `state` was taken."""
        return cls(**state)


Table = TypeVar("Table", bound=ArrayTable)


def joined(pieces: Sequence[Table]) -> Table:
    """The rows of all pieces, at least one, in order. If one piece has all rows, it is given."""
    columns = [piece.columns() for piece in pieces]
    rows = [len(next(iter(of_piece.values()))) for of_piece in columns]
    if max(rows) == sum(rows):
        return pieces[rows.index(max(rows))]
    first = columns[0]
    return pieces[0]._with({name: np.concatenate([c[name] for c in columns]) for name in first})


@dataclass
class Recent(Generic[T]):
    """What was worked out last from some arrays: rounds often ask the same again.

    Results must not change. Those of long arrays are not kept: to compare them takes as long.
    """

    most: int = 8  # results
    longest: int = 2048  # rows of the arrays
    _about: object = field(default=None, init=False)
    _known: dict[tuple[bytes, ...], T] = field(default_factory=dict, init=False)

    def of(self, about: object, arrays: Sequence[NDArray[Any]], work_out: Callable[[], T]) -> T:
        """`work_out()`, or what it gave of equal arrays. about: what else it depends on."""
        if len(arrays[0]) > self.longest:
            return work_out()
        if about is not self._about:
            self._about, self._known = about, {}
        key = tuple(array.tobytes() for array in arrays)
        if key not in self._known:
            while len(self._known) >= self.most:
                del self._known[next(iter(self._known))]
            self._known[key] = work_out()
        return self._known[key]


def group_starts(sorted_ids: IntArray) -> IntArray:
    """Index of the first of each run of equal values."""
    begins = np.empty(len(sorted_ids), dtype=bool)
    begins[:1] = True
    np.not_equal(sorted_ids[1:], sorted_ids[:-1], out=begins[1:])
    return begins.nonzero()[0]


def largest_in_run(values: FloatArray, first: IntArray) -> FloatArray:
    """For each row the largest value of its run; runs begin at `first`. [M]."""
    if len(first) == len(values):
        return values
    largest = np.maximum.reduceat(values, first)
    return np.repeat(largest, np.diff(np.append(first, len(values))))


def largest_in_group(values: FloatArray, group: IntArray) -> FloatArray:
    """For each row the largest value of its group, whose number is `group`, in any order. [M]."""
    if not len(values):
        return values
    largest = np.full(int(group.max()) + 1, -np.inf)
    np.maximum.at(largest, group, values)
    return largest[group]


def divided(
    above: FloatArray,
    below: FloatArray,
    where: BoolArray,
    *,
    otherwise: float = 0.0,
) -> FloatArray:
    """above / below, and `otherwise` elsewhere; arrays of one shape."""
    out = np.full(np.shape(above), otherwise)
    return np.asarray(np.divide(above, below, out=out, where=where))

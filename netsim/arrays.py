"""Tables of arrays: dataclasses whose fields are columns of equal length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from netsim.units import BoolArray, IntArray


def column(initial: float | int | bool) -> Any:
    """A column that rows begin with one value in, unless they are given another."""
    return field(default=None, kw_only=True, metadata={"initial": initial})


@dataclass
class ArrayTable:
    """Base of dataclasses in which every field is an array with one entry per row.

    What is done to whole rows is written here once, from the fields, so a new column needs no
    other change.
    """

    def __post_init__(self) -> None:
        given = [values for values in self.columns().values() if values is not None]
        rows = len(given[0]) if given else 0
        for unset in fields(self):
            if getattr(self, unset.name) is None:
                setattr(self, unset.name, np.full(rows, unset.metadata["initial"]))

    def columns(self) -> dict[str, NDArray[Any]]:
        """The arrays themselves, by name."""
        return {column.name: getattr(self, column.name) for column in fields(self)}

    def select(self, rows: IntArray | BoolArray) -> Self:
        """Copies of some rows, in the order given."""
        return type(self)(**{name: values[rows] for name, values in self.columns().items()})

    def copy(self) -> Self:
        """A table with arrays of its own."""
        return type(self)(**{name: values.copy() for name, values in self.columns().items()})

    def join(
        self,
        other: Self,
        order: IntArray | None = None,
    ) -> Self:
        """The rows of both, those of `other` last, or in `order` of these positions."""
        more = other.columns()
        joined = {
            name: np.concatenate([values, more[name]]) for name, values in self.columns().items()
        }
        table = type(self)(**joined)
        return table if order is None else table.select(order)

    def put(
        self,
        rows: IntArray,
        other: Self,
    ) -> None:
        """Overwrite `rows` with the rows of `other`, in order."""
        for name, values in other.columns().items():
            getattr(self, name)[rows] = values

    def state(self) -> dict[str, Any]:
        """The columns, for a checkpoint."""
        return self.columns()

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Self:
        """The table whose `state` was taken."""
        return cls(**state)

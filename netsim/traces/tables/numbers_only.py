"""Files of nothing but numbers: what their columns may be, if one reading alone is plausible.

A reading is plausible if nodes have several samples each, their times ascend, and hardly any step
is faster than FAST_M_S.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netsim.units import FloatArray

FAST_M_S = 100.0
"""A bound that people, cars and trains obey."""
LEAST_SAMPLES = 2.0
"""Of a node, in the mean."""
_FAST_PART = 0.01
_TOO_LARGE = 1e20
"""For a time or a place: there have been 2e18 nanoseconds since 1970."""
_READINGS = {
    3: (("time", "x", "y"), ("x", "y", "time")),
    4: (
        ("node", "time", "x", "y"),
        ("time", "node", "x", "y"),
        ("node", "x", "y", "time"),
        ("time", "x", "y", "z"),
    ),
}
"""Roles of the columns, by the number of columns."""


@dataclass(frozen=True)
class PlausibleReading:
    """Roles of the columns, and what the file then holds."""

    roles: tuple[str, ...]
    nodes: int
    samples: int

    @property
    def option(self) -> str:
        """The option that says so."""
        numbered = [f"{role}={number}" for number, role in enumerate(self.roles, start=1)]
        return f"--columns {','.join(numbered)}"


def number_rows(lines: Sequence[Sequence[str]]) -> FloatArray | None:
    """The rows as numbers, [rows, columns]; None unless all of them are, in equal number."""
    if len({len(line) for line in lines}) != 1:
        return None
    try:
        return np.array([[float(cell) for cell in line] for line in lines])
    except ValueError:
        return None


def plausible_readings(rows: FloatArray) -> list[PlausibleReading]:
    """All readings of a file's first rows as places over time."""
    found: list[PlausibleReading] = []
    if not (np.abs(rows) < _TOO_LARGE).all():
        return found
    for roles in _READINGS.get(rows.shape[1], ()):
        columns = dict(zip(roles, rows.T, strict=True))
        nodes = columns.get("node", np.zeros(len(rows)))
        count = len(np.unique(nodes))
        several = len(rows) / count >= LEAST_SAMPLES
        whole = (nodes == np.rint(nodes)).all()
        if several and whole and _moves_plausibly(columns, nodes):
            found.append(PlausibleReading(roles, count, len(rows)))
    return found


def _moves_plausibly(columns: dict[str, FloatArray], nodes: FloatArray) -> bool:
    """Whether times ascend within nodes and steps are slow enough."""
    order = np.argsort(nodes, kind="stable")
    same_node = np.diff(nodes[order]) == 0
    step_s = np.diff(columns["time"][order])[same_node]
    move_x = np.diff(columns["x"][order])[same_node]
    move_y = np.diff(columns["y"][order])[same_node]
    if not (step_s > 0).all():
        return False
    fast = np.hypot(move_x, move_y) > FAST_M_S * step_s
    return bool(fast.mean() <= _FAST_PART)


def is_time_and_rate(rows: FloatArray) -> bool:
    """Whether two columns may be times and rates."""
    if rows.shape[1] != 2 or len(rows) < LEAST_SAMPLES:
        return False
    time, rate = rows.T
    return bool((np.diff(time) > 0).all() and (rate >= 0).all())

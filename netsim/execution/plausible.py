"""What a checkpoint tells of times, steps and places must be what a run can come to.

Its files may be whole and yet absurd: made by hand, or by another program. A time that never was
would have the run wait for it, or work through all that comes before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from netsim.errors import DataError
from netsim.results.checkpoint import Checkpoint
from netsim.scenario.limits import RANGES

NOT_YET = ("arrived_s", "end_s", "first_end_s", "took_s")
"""Times that are NaN where they are not known."""
NEVER = ("heard_s", "finish_s", "stop_s", "deadline_s")
"""Times that may be infinite."""
NOT_KNOWN = (*NOT_YET, "learnt", "sinr", "level", "amplitude", "noise")
"""Numbers of uploads under way that are NaN where they are not known."""
PARTS = ("share", "band", "compute_done")
"""Of a whole, of uploads under way."""
MOST_OF_UPLOADS = 1e18
"""No bits, watts or ratios of an upload come near it."""
UNDER_WAY = "under_way."
STEPS = ("seen_step", "first", "step")
PLACES = ("position_m",)
OF_SCHEMES = "scheme"
"""Part of the state that schemes check themselves."""
MOST_AHEAD_S = RANGES["s"][1]
CLOSE = 1e-6


def check_plausible(found: Checkpoint, steps: float) -> None:
    """Raises DataError for the first number that no run can come to.

    steps: moments of the mobility's grid up to the end of a round that begins now.
    """
    state = found.state
    own = {name: value for name, value in state.items() if name != OF_SCHEMES}
    latest_s = float(state["time_s"]) + MOST_AHEAD_S
    for name, value in _named(own):
        last = name.rpartition(".")[2]
        rule = _broken(last, value, latest_s, steps)
        if not rule and name.startswith(UNDER_WAY):
            rule = _broken_upload(last, value)
        if rule:
            raise DataError(rule, where=f"{found.path}: {name}")
    course = state["course"]
    if course["round"] != found.round:
        rule = f"must be the checkpoint's, {found.round}"
        raise DataError(rule, where=f"{found.path}: course.round", value=course["round"])
    if not 0 <= course["energy_j"] < math.inf:
        rule = "must be finite and not negative"
        raise DataError(rule, where=f"{found.path}: course.energy_j", value=course["energy_j"])


def _named(tree: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Numbers and arrays with the names that lead to them."""
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            yield from _named(value, f"{place}.{name}" if place else name)
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _named(value, f"{place}.{index}")
    elif isinstance(tree, int | float | np.ndarray):
        yield place, tree


def _broken(name: str, value: Any, latest_s: float, steps: float) -> str:
    """The rule that numbers break, in words; nothing if they break none."""
    numbers = np.asarray(value, dtype=np.float64)
    if name in STEPS and not ((numbers >= 0) & (numbers <= steps)).all():
        return f"must lie in 0..{steps:.0f}"
    if name in PLACES and not np.isfinite(numbers).all():
        return "must be finite"
    if name.endswith("_s") and not name.endswith("_m_s"):
        return _broken_times(name, numbers, latest_s)
    return ""


def _broken_times(name: str, times_s: Any, latest_s: float) -> str:
    if np.isnan(times_s).any() and name not in NOT_YET:
        return "must be times, none of them NaN"
    infinite = np.isposinf(times_s)
    if infinite.any() and name not in NEVER:
        return "must be finite times"
    known = times_s[~np.isnan(times_s) & ~infinite]
    if ((known < 0) | (known > latest_s)).any():
        return f"must be times in 0..{latest_s:g} s"
    return ""


def _broken_upload(name: str, value: Any) -> str:
    """As `_broken`, of what uploads under way have besides times."""
    numbers = np.asarray(value, dtype=np.float64)
    if name in NEVER:
        return ""
    if np.isnan(numbers).any() and name not in NOT_KNOWN:
        return "must be numbers, none of them NaN"
    if (np.abs(numbers) >= MOST_OF_UPLOADS).any():
        return f"must be below {MOST_OF_UPLOADS:g}"
    counts = name.endswith(("bits", "_w")) or name in PARTS
    if counts and (numbers < 0).any():
        return "must not be negative"
    if name in PARTS and (numbers > 1 + CLOSE).any():
        return "must be at most 1"
    return ""

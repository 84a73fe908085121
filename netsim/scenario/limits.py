"""What no value of a scenario may exceed, whichever key it stands at.

The ranges are far wider than anything that is built or measured. They keep out what arithmetic
cannot hold, so that whatever is accepted gives finite results. Some keys have narrower ones.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

RANGES = {
    "s": (1e-6, 1e9),
    "Hz": (1e2, 1e15),
    "m/s": (1e-3, 1e5),
    "m": (1e-3, 1e8),
    "km": (1e-3, 1e5),
    "1/km²": (1e-6, 1e6),
    "W": (1e-9, 1e6),
    "J": (1e-9, 1e18),
    "J s²/cycle³": (1e-45, 1e-9),
    "bit": (1.0, 1e15),
    "bit/s": (1.0, 1e18),
    "dB": (1e-12, 300.0),
    "dBi": (1e-12, 100.0),
    "dBm": (1e-12, 300.0),
    "": (1e-40, 1e12),
}
"""Least and greatest size of a number, by its unit; 0 lies in all of them."""
UNIT_OF_SUFFIX = {
    "_m_s": "m/s",
    "_s": "s",
    "_m": "m",
    "_hz": "Hz",
    "_db": "dB",
    "_j": "J",
    "_w": "W",
}
"""How names of plug-ins' parameters tell their unit."""
MOST_INTEGER = 2**63 - 1  # of TOML
MOST_COUNT = 2**31 - 1  # of plug-ins' parameters, which count something
MOST_CHARACTERS = 4096
MOST_ITEMS = 100_000


def broken_limit(value: Any, unit: str = "") -> str | None:
    """The limit that a value exceeds, in words; None if it exceeds none."""
    if isinstance(value, float):
        return _broken_range(value, unit)
    if isinstance(value, int):
        return None if abs(value) <= MOST_INTEGER else "must be less than 2^63"
    if isinstance(value, str | Path):
        return _broken_text(str(value))
    if isinstance(value, tuple | list):
        if len(value) > MOST_ITEMS:
            return f"must have at most {MOST_ITEMS} items"
        broken = (broken_limit(item, unit) for item in value)
        return next((rule for rule in broken if rule is not None), None)
    return None


def broken_parameter_limit(name: str, value: Any) -> str | None:
    """The same for a parameter of a plug-in, whose name ends with its unit."""
    if isinstance(value, int) and abs(value) > MOST_COUNT:
        return f"must be at most {MOST_COUNT}"
    endings = (unit for suffix, unit in UNIT_OF_SUFFIX.items() if name.endswith(suffix))
    return broken_limit(value, next(endings, ""))


def _broken_range(value: float, unit: str) -> str | None:
    least, most = RANGES.get(unit, RANGES[""])
    if value == 0 or not math.isfinite(value) or least <= abs(value) <= most:
        return None  # whether it may be infinite is the key's own rule
    known = unit if unit in RANGES and unit else ""
    if abs(value) > most:
        return f"must be at most {most:g} {known}".rstrip()
    return f"must be at least {least:g} {known}".rstrip()


def _broken_text(text: str) -> str | None:
    if len(text) > MOST_CHARACTERS:
        return f"must be at most {MOST_CHARACTERS} characters long"
    return "must not hold a zero byte" if "\0" in text else None

"""Units as people write them, in headers and in options: `kbit/s`, `MBit/s`, `km/h`, `ms`.

A unit is a factor to the native one: s, m, m/s, bit/s, bit, dB, degrees.
"""

from __future__ import annotations

import math
import re

_SECONDS = {
    "s": 1.0,
    "sec": 1.0,
    "secs": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "msec": 1e-3,
    "millis": 1e-3,
    "milliseconds": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "micros": 1e-6,
    "microseconds": 1e-6,
    "ns": 1e-9,
    "nanos": 1e-9,
    "nanoseconds": 1e-9,
    "min": 60.0,
    "mins": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
    "hours": 3600.0,
}
_METRES = {
    "m": 1.0,
    "metre": 1.0,
    "metres": 1.0,
    "meter": 1.0,
    "meters": 1.0,
    "km": 1e3,
    "cm": 1e-2,
    "mm": 1e-3,
    "ft": 0.3048,
    "feet": 0.3048,
    "mi": 1609.344,
}
_METRES_PER_SECOND = {
    "m/s": 1.0,
    "m_s": 1.0,
    "mps": 1.0,
    "km/h": 1 / 3.6,
    "km_h": 1 / 3.6,
    "kmh": 1 / 3.6,
    "kph": 1 / 3.6,
    "kmph": 1 / 3.6,
    "mph": 0.44704,
    "mi/h": 0.44704,
    "kn": 1852 / 3600,
    "kt": 1852 / 3600,
    "knots": 1852 / 3600,
    "cm/s": 1e-2,
}
_DEGREES = {
    "deg": 1.0,
    "degree": 1.0,
    "degrees": 1.0,
    "°": 1.0,
    "wgs84": 1.0,
    "decimal": 1.0,
    "rad": math.degrees(1.0),
}
_DECIBELS = {"db": 1.0}
_PLAIN = {"1": 1.0, "linear": 1.0}
_WATTS = {"w": 1.0}

_PREFIXES = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
_AMOUNT = re.compile(r"([kmgt]?)(bits?|bytes?|octets?|b)", re.I)
_RATE = re.compile(r"(.+?)(?:ps|/s|/sec|_s|_per_s)", re.I)
_WORDS = {
    "time": _SECONDS,
    "length": _METRES,
    "speed": _METRES_PER_SECOND,
    "degrees": _DEGREES,
    "decibels": _DECIBELS,
    "plain": _PLAIN,
    "power": _WATTS,
}
EXAMPLES = {
    "time": "s, ms, us, ns, min, h",
    "length": "m, km, ft",
    "speed": "m/s, km/h, mph, knots",
    "degrees": "deg",
    "decibels": "dB",
    "plain": "1",
    "power": "W",
    "rate": "bit/s, kbit/s, Mbit/s, byte/s, kB/s",
    "amount": "bit, byte, kB",
}
"""Units of each kind, for messages."""


def example_unit(kind: str) -> str:
    """A usual unit of a kind, for messages."""
    usual = EXAMPLES.get(kind, "").split(", ")
    return "kbit/s" if kind == "rate" else usual[0]


def unit_factor(kind: str, text: str) -> float | None:
    """The factor from a unit to the native one of its kind; None if it is not understood.

    Kinds are the keys of EXAMPLES, or "" for columns that have no unit.
    """
    text = text.strip().replace(" ", "")
    if kind == "rate":
        found = _RATE.fullmatch(text)
        return _amount_factor(found[1], per_second=text) if found else None
    if kind == "amount":
        return _amount_factor(text, per_second="")
    return _WORDS.get(kind, {}).get(text.lower())


def _amount_factor(text: str, *, per_second: str) -> float | None:
    """Bits in an amount of data. A capital B is a byte, unless all of the unit is in capitals."""
    found = _AMOUNT.fullmatch(text)
    if found is None:
        return None
    prefix, word = found.groups()
    is_byte = word.lower().startswith(("byte", "octet"))
    if word == "B":
        in_capitals = per_second.isupper() and per_second.isalpha()
        is_byte = not in_capitals
    return _PREFIXES[prefix.lower()] * (8.0 if is_byte else 1.0)

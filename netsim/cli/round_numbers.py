"""`--rounds 1,5,10:20`: which rounds are shown."""

from __future__ import annotations

from netsim.errors import InputError

MOST_ROUNDS = 100_000


def round_numbers(text: str) -> list[int]:
    """`1,5,10:12` as 1, 5, 10, 11. Raises InputError."""
    numbers: list[int] = []
    for part in text.split(","):
        first, colon, stop = part.partition(":")
        try:
            low = int(first)
            high = int(stop) if colon else low + 1
        except ValueError:
            raise InputError("has the form 1,5,10:20", where="--rounds", value=text) from None
        if not low < high <= low + MOST_ROUNDS:
            rule = f"rounds ascend, at most {MOST_ROUNDS}"
            raise InputError(rule, where="--rounds", value=part)
        numbers += range(low, high)
    return numbers

"""Every error netsim raises on purpose.

    NetsimError                 base; the command line prints it without a traceback
    ├── InputError              bad input: exit code 2
    │   ├── ScenarioError       a scenario key, value or override
    │   ├── DataError           a data set, topology or trace file
    │   └── OutputError         the run folder cannot be written where it was asked for
    └── RunError                a run or a check failed: exit code 1
    KeyboardInterrupt
    └── Interrupted             a run was interrupted and says how to go on: exit code 130

An input error says where (file, line or key), what was found, and the rule it breaks. A message is
one line of at most MOST_CHARACTERS, whatever is in the file that it speaks of: what is too long
loses its middle, what would steer a terminal is shown as an escape.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

MOST_CHARACTERS = 290  # `netsim: ` and its end come on top
MOST_OF_WHERE = 160
MOST_OF_VALUE = 80


class NetsimError(Exception):
    """Base of all errors that netsim raises on purpose."""

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(shortened(one_line(message), MOST_CHARACTERS))


class InputError(NetsimError):
    """The user's input breaks a rule; the message names place, value and rule."""

    exit_code = 2

    def __init__(self, rule: str, *, where: str | Path = "", value: object = None) -> None:
        self.where = str(where)
        self.value = value
        self.rule = rule
        place = shortened(one_line(self.where), MOST_OF_WHERE)
        before = f"{place}: " if place else ""
        after = "" if value is None else f" (found {shortened(_told(value), MOST_OF_VALUE)})"
        room = MOST_CHARACTERS - len(before) - len(after)
        super().__init__(f"{before}{shortened(one_line(rule), room)}{after}")


class ScenarioError(InputError):
    """A scenario file, key or override is wrong."""


class DataError(InputError):
    """A data set, topology or trace file is wrong."""


class OutputError(InputError):
    """The output folder cannot be used."""


class RunError(NetsimError):
    """A run or a check failed for a reason that is not the user's input."""


class Interrupted(KeyboardInterrupt):
    """A run was interrupted; the message says where it stands and how to go on."""


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """The known name nearest to a wrong one, as the end of a message; nothing if none is near."""
    near = difflib.get_close_matches(str(name), list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _told(value: object) -> str:
    try:
        return repr(value)
    except (RecursionError, ValueError):  # deep tables; Python writes no integer of 5,000 digits
        return type(value).__name__


def one_line(text: str) -> str:
    """Text on one line; what a terminal would obey, and half characters, as escapes."""
    line = " ".join(text.split())
    if line.isprintable():
        return line
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)


def shortened(text: str, limit: int) -> str:
    """Both ends of a text: a path says most with its last part, and a rule may end with advice."""
    if len(text) <= limit:
        return text
    half = (limit - 3) // 2
    return f"{text[:half]}...{text[-half:]}"

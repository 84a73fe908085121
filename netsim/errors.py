"""Every error netsim raises on purpose.

    NetsimError                 base; the command line prints it without a traceback
    ├── InputError              bad input: exit code 2
    │   ├── ScenarioError       a scenario key, value or override
    │   ├── DataError           a data set, topology or trace file
    │   └── OutputError         the run folder cannot be written where it was asked for
    └── RunError                a run or a check failed: exit code 1
    KeyboardInterrupt
    └── Interrupted             a run was interrupted and says how to go on: exit code 130

An input error says where (file, line or key), what was found, and the rule it breaks.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class NetsimError(Exception):
    """Base of all errors that netsim raises on purpose."""

    exit_code = 1


class InputError(NetsimError):
    """The user's input breaks a rule; the message names place, value and rule."""

    exit_code = 2

    def __init__(self, rule: str, *, where: str | Path = "", value: object = None) -> None:
        self.where = str(where)
        self.value = value
        self.rule = rule
        message = rule
        if self.where:
            message = f"{self.where}: {message}"
        if value is not None:
            message = f"{message} (found {_short(value)})"
        super().__init__(message)


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


def _short(value: object, limit: int = 80) -> str:
    text = repr(value)
    if len(text) <= limit:
        return text
    half = (limit - 3) // 2  # both ends: a path says most with its last part
    return f"{text[:half]}...{text[-half:]}"

"""What is given as a folder or opened already: a run, a sweep, or either."""

from __future__ import annotations

from pathlib import Path

from netsim.errors import DataError, InputError
from netsim.results.reader import Run, open_run
from netsim.results.sweep import Sweep, open_sweep
from netsim.results.sweep_folder import SWEEP


def run_or_sweep(source: Run | Sweep | str | Path) -> Run | Sweep:
    """The run or the sweep in a folder. Raises DataError if it is neither, or InputError."""
    if isinstance(source, Run | Sweep):
        return source
    if not isinstance(source, str | Path):
        rule = "must be a run or a sweep, opened or as its folder"
        raise InputError(rule, where="source", value=source)
    path = Path(source)
    return open_sweep(path) if (path / SWEEP).exists() else open_run(path)


def one_run(source: Run | str | Path) -> Run:
    """The run in a folder. Raises DataError if it is none."""
    found = run_or_sweep(source)
    if isinstance(found, Sweep):
        raise DataError("is a sweep; give one of its runs, in runs/", where=found.path)
    return found

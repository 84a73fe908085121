"""`netsim.report`: the page of whatever was run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from netsim.errors import InputError
from netsim.reports.columns import PageBudget
from netsim.reports.folders import beside
from netsim.reports.html import write_report
from netsim.reports.sweep_page import write_sweep_report
from netsim.results.arguments import check_accuracy
from netsim.results.metrics import TARGET_ACCURACY
from netsim.results.opened import one_run, run_or_sweep
from netsim.results.reader import Run
from netsim.results.sweep import Sweep


def report(
    source: Run | Sweep | str | Path | Iterable[Run | str | Path],
    out: str | Path | None = None,
    *,
    rounds: Iterable[int] | None = None,
    accuracy: float = TARGET_ACCURACY,
) -> Path:
    """Write one HTML page, complete in itself: of a run, of several runs compared, or of a sweep.

    `source` is a run or a sweep, opened or as its folder, or several runs. The page is `out`, by
    default beside the first folder and named after it; its path is returned. `rounds` are those
    whose timelines are on the page of runs, by default as many as fit, evenly spaced;
    `accuracy` is the one that several runs, or those of a sweep, are timed to. Raises
    DataError for a folder that is neither a run nor a sweep, and for more runs than a page
    compares; InputError for a round that there was not and for an accuracy that is no share;
    OutputError if the page cannot be written.
    """
    check_accuracy(accuracy)
    if isinstance(source, Iterable) and not isinstance(source, str):
        return _of_runs([one_run(run) for run in source], out, rounds, accuracy)
    found = run_or_sweep(source)
    if isinstance(found, Sweep):
        return write_sweep_report(found, out or beside(found.path, ".html"), accuracy)
    return _of_runs([found], out, rounds, accuracy)


def _of_runs(
    runs: list[Run],
    out: str | Path | None,
    rounds: Iterable[int] | None,
    accuracy: float,
) -> Path:
    if not runs:
        raise InputError("there must be at least one run", where="report")
    ending = ".html" if len(runs) == 1 else "-compared.html"
    budget = PageBudget(timelines=None if rounds is None else tuple(rounds))
    return write_report(runs, out or beside(runs[0].path, ending), budget, accuracy)

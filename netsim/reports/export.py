"""`netsim.export`: a run for other programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from netsim.errors import InputError, did_you_mean
from netsim.learning.builtin import model_folder
from netsim.reports.adapters import write_adapters
from netsim.reports.csv_files import write_csv
from netsim.reports.folders import beside
from netsim.reports.perfetto import ENDING, write_perfetto
from netsim.results.opened import one_run
from netsim.results.reader import Run


def export(
    run: Run | str | Path,
    kind: str,
    out: str | Path | None = None,
    *,
    rounds: Iterable[int] | None = None,
) -> Path:
    """Write a run, or the run in a folder, for other programs.

    `kind` is one of KINDS: "perfetto" (a timeline for ui.perfetto.dev, compressed if `out` ends in
    .gz; of a long run a selection, which the file names under otherData), "csv" (the tables),
    "adapters" (with their base model, as PEFT loads them) or "tensorboard" (events, with simulated
    time as wall time). An earlier export of the kind is replaced. `rounds` are those that a
    timeline shows, by default as many as fit. Returns the file or folder: `out`, or one beside the
    run. Raises InputError for another kind, or a round that there was not, DataError if the run has
    nothing of the kind, OutputError if `out` cannot be written.
    """
    if kind not in KINDS:
        rule = f"must be one of {', '.join(KINDS)}{did_you_mean(kind, KINDS)}"
        raise InputError(rule, where="export", value=kind)
    if rounds is not None and kind != "perfetto":
        raise InputError("only a timeline (perfetto) shows chosen rounds", where="rounds")
    ending, write = KINDS[kind]
    opened = one_run(run)
    path = Path(out) if out is not None else beside(opened.path, ending)
    if rounds is not None:
        write_perfetto(opened, path, rounds)
    else:
        write(opened, path)
    return path


def _adapters(run: Run, out: Path) -> None:
    write_adapters(run, out, model_folder())


def _tensorboard(run: Run, out: Path) -> None:
    from netsim.reports.events import write_events  # an extra

    write_events(run, out)


KINDS: dict[str, tuple[str, Callable[[Run, Path], object]]] = {
    "perfetto": (ENDING, write_perfetto),
    "csv": ("-csv", write_csv),
    "adapters": ("-adapters", _adapters),
    "tensorboard": ("-tensorboard", _tensorboard),
}

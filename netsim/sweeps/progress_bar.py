"""Progress of a sweep in a script or a notebook, on request: `netsim.sweep(..., progress=True)`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from netsim.sweeps.job import JobOutcome, StudyListener


class Unheard:
    """A listener that shows nothing."""

    def run_moved(self, job: str, fraction: float) -> None:
        """This much of a run's rounds is over."""

    def run_ended(self, outcome: JobOutcome) -> None:
        """A run is over."""


class SweepBar(Unheard):
    """A bar over runs, with how many failed."""

    def __init__(self, name: str, runs: int, before: int) -> None:
        from tqdm.auto import tqdm  # no other start needs it

        self._bar = tqdm(total=runs, initial=before, desc=name, unit="run")
        self._failed = 0

    def run_ended(self, outcome: JobOutcome) -> None:
        """A run is over."""
        if outcome.status == "failed":
            self._failed += 1
            self._bar.set_postfix_str(f"{self._failed} failed", refresh=False)
        self._bar.update(1)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()


@contextmanager
def shown(name: str, runs: int, to_do: int, *, progress: bool) -> Iterator[StudyListener]:
    """Who is told: a bar where that is asked for, else nobody."""
    if not progress:
        yield Unheard()
        return
    bar = SweepBar(name, runs, runs - to_do)
    try:
        yield bar
    finally:
        bar.close()

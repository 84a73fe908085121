"""Who is told how a sweep goes where no command line shows it: nobody, or a bar on request."""

from __future__ import annotations

from netsim.sweeps.job import JobOutcome


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

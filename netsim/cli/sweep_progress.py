"""Progress of a sweep: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from netsim.cli.console import seconds
from netsim.sweeps.job import JobOutcome
from netsim.sweeps.study import Study

PLAIN_EVERY_S = 10.0


class SweepProgress:
    """Is told how far the runs of a study are, and shows it."""

    def __init__(self, out: Console, study: Study) -> None:
        self._out = out
        self._total = len(study.jobs)
        self._before = self._total - len(study.todo)
        self._ended = 0
        self._failed = 0
        self._moving: dict[str, float] = {}  # share of the rounds of each run in progress
        self._begun_s = time.monotonic()
        self._said_s = self._begun_s
        self._bar: Progress | None = None
        if out.is_terminal:
            self._bar = _bar(out)
            self._task = self._bar.add_task(
                "",
                total=self._total,
                completed=self._before,
                facts=self._facts(),
            )

    def __enter__(self) -> SweepProgress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.stop()

    def run_moved(self, job: str, fraction: float) -> None:
        """This much of a run's rounds is over."""
        self._moving[job] = fraction
        self._show()

    def run_ended(self, outcome: JobOutcome) -> None:
        """A run is over."""
        self._moving.pop(outcome.id, None)
        self._ended += 1
        if outcome.status == "failed":
            self._failed += 1
            self._out.print(f"failed: {outcome.id}: {outcome.error}", markup=False)
        self._show()

    def _show(self) -> None:
        is_last = self._before + self._ended == self._total
        if self._bar is not None:
            completed = self._before + self._moved()
            self._bar.update(
                self._task,
                completed=completed,
                facts=self._facts(),
            )
        elif is_last or time.monotonic() - self._said_s >= PLAIN_EVERY_S:
            self._said_s = time.monotonic()
            self._out.print(f"{self._facts()}  {self._times()}", markup=False)

    def _moved(self) -> float:
        """Runs of this session, the done part of those in progress included."""
        return self._ended + sum(self._moving.values())

    def _facts(self) -> str:
        parts = [f"runs {self._before + self._ended}/{self._total}"]
        if self._before:
            parts.append(f"{self._before} done before")
        if self._moving:
            parts.append(f"{len(self._moving)} running")
        if self._failed:
            parts.append(f"{self._failed} failed")
        return ", ".join(parts)

    def _times(self) -> str:
        spent_s = self._said_s - self._begun_s
        moved = self._moved()
        left = self._total - self._before - moved
        if not moved or left <= 0:
            return seconds(spent_s)
        return f"{seconds(spent_s)}  to go {seconds(spent_s / moved * left)}"


def _bar(out: Console) -> Progress:
    return Progress(
        TextColumn("{task.fields[facts]}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("to go"),
        TimeRemainingColumn(),
        console=out,
    )

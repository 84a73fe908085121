"""Progress of a run: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

from netsim.cli.console import quantity, seconds
from netsim.protocols import Progress, Silence

PLAIN_EVERY_S = 1.0


class TerminalListener:
    """Shows round, simulated time, energy, loss, accuracy, uploads, time to go."""

    def __init__(self, out: Console, rounds: int) -> None:
        self._rounds = rounds
        self._out = out
        self._bar: Bar | None = None
        self._said = 0.0
        self._counts = False
        if out.is_terminal:
            self._bar = Bar(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[facts]}"),
                console=out,
            )
            self._task = self._bar.add_task("starting", total=rounds, facts="")

    def __enter__(self) -> TerminalListener:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def status(self, text: str) -> None:
        """Something slow has begun."""
        if self._bar is not None:
            self._bar.update(self._task, description=text)
        else:
            self._out.print(text, markup=False)

    def warning(self, text: str) -> None:
        """Something is not as it should be; the run goes on."""
        self._out.print(f"warning: {text}", markup=False)

    def round_closed(self, progress: Progress) -> None:
        """A round is over."""
        if self._bar is not None:
            if not self._counts:  # rounds of an earlier session took no time in this one
                self._bar.reset(self._task, completed=progress.round)
                self._counts = True
            self._bar.update(
                self._task,
                completed=progress.round,
                facts=facts(progress),
            )
        elif progress.round in (0, self._rounds) or time.monotonic() - self._said >= PLAIN_EVERY_S:
            self._said = time.monotonic()
            self._out.print(
                f"round {progress.round}/{self._rounds}  {facts(progress)}", markup=False
            )


class QuietListener(Silence):
    """Says only what is not as it should be."""

    def warning(self, text: str) -> None:
        """Something is not as it should be; the run goes on."""
        sys.stderr.write(f"netsim: warning: {text}\n")


def facts(progress: Progress) -> str:
    """One line about a round."""
    parts = [
        f"simulated {seconds(progress.time_s)}",
        quantity(progress.energy_j, "J"),
        f"on time {progress.on_time}",
        f"late {progress.late}",
        f"lost {progress.outage}",
    ]
    if progress.not_ready:
        parts.append(f"not ready {progress.not_ready}")
    if progress.loss is not None and progress.accuracy is not None:
        parts += [f"loss {progress.loss:.3f}", f"accuracy {progress.accuracy:.3f}"]
    return "  ".join(parts)

"""Progress of a run, on stderr: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

from netsim.cli.console import console, quantity, seconds
from netsim.protocols import Progress, Silence

PLAIN_EVERY_S = 1.0
WIDE = 100  # columns from which on the bar has its full width
SHORT_BAR, LONG_BAR = 10, 24
SPINNER_STEP_TIME = 26  # columns of spinner, longest step and time to go, with their gaps


class TerminalListener:
    """Shows round, accuracy, simulated time, energy, uploads, time to go.

    KeyboardInterrupt if nobody reads any more: the run ends as interrupted, and can be resumed.
    """

    def __init__(self, out: Console, rounds: int) -> None:
        self._rounds = rounds
        self._out = out
        self._bar: Bar | None = None
        self._said_s = 0.0
        self._counts = False
        self._held_back: list[str] | None = []
        if out.is_terminal:
            self._bar = _bar(out)
            self._task = self._bar.add_task(
                "starting",
                total=rounds,
                facts="",
            )

    def __enter__(self) -> TerminalListener:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
        if kind is None:
            self._say_held_back()

    def status(self, text: str) -> None:
        """Something slow has begun."""
        bar = self._bar
        if bar is not None:
            _show(lambda: bar.update(self._task, description=text))
        else:
            self._say(text)

    def warning(self, text: str) -> None:
        """Something is not as it should be; the run goes on."""
        self._say(f"warning: {text}")

    def _say(self, text: str) -> None:
        """In plain lines nothing is said before a round is over: bad input is one message."""
        if self._bar is not None or self._held_back is None:
            self._print(text)
        else:
            self._held_back.append(text)

    def _say_held_back(self) -> None:
        for text in self._held_back or ():
            self._print(text)
        self._held_back = None

    def round_closed(self, progress: Progress) -> None:
        """A round is over."""
        self._say_held_back()
        if self._bar is not None:
            self._move(self._bar, progress)
        elif progress.round in (0, self._rounds) or self._is_time():
            self._said_s = time.monotonic()
            self._print(f"round {progress.round}/{self._rounds}  {facts(progress)}")

    def _is_time(self) -> bool:
        return time.monotonic() - self._said_s >= PLAIN_EVERY_S

    def _move(self, bar: Bar, progress: Progress) -> None:
        if not self._counts:  # rounds of an earlier session took no time in this one
            bar.reset(self._task, completed=progress.round)
            self._counts = True
        columns = _columns_for_facts(self._out.width, self._rounds)
        text = facts(progress, columns)
        _show(
            lambda: bar.update(
                self._task,
                completed=progress.round,
                facts=text,
            )
        )

    def _print(self, text: str) -> None:
        _show(lambda: self._out.print(text, markup=False))


@contextmanager
def fraction_shown(text: str) -> Iterator[Callable[[float], None]]:
    """A bar on a terminal, gone when it is over; who does the work calls it with a fraction."""
    out = console(stderr=True)
    if not out.is_terminal:  # older versions of rich end even a disabled bar with an empty line
        yield lambda fraction: None
        return
    with Bar(
        TextColumn("{task.description}"),
        BarColumn(bar_width=LONG_BAR),
        TextColumn("{task.percentage:.0f}%"),
        TimeRemainingColumn(),
        console=out,
        transient=True,
    ) as bar:
        task = bar.add_task(text, total=1.0)
        yield lambda fraction: bar.update(task, completed=fraction)


class QuietListener(Silence):
    """Says only what is not as it should be."""

    def warning(self, text: str) -> None:
        """Something is not as it should be; the run goes on."""
        sys.stderr.write(f"netsim: warning: {text}\n")


def facts(progress: Progress, columns: int | None = None) -> str:
    """A round in a few words; what matters most comes first, and stays where columns are few."""
    text = ""
    for fact in _facts(progress):
        longer = f"{text}  {fact}" if text else fact
        if columns is not None and len(longer) > columns:
            break
        text = longer
    return text


def _facts(progress: Progress) -> Iterator[str]:
    if progress.accuracy is not None:
        yield f"accuracy {progress.accuracy:.3f}"
    yield f"simulated {seconds(progress.time_s)}"
    yield quantity(progress.energy_j, "J")
    yield f"on time {progress.on_time}"
    yield f"late {progress.late}"
    yield f"outage {progress.outage}"
    if progress.not_ready:
        yield f"not ready {progress.not_ready}"
    if progress.loss is not None:
        yield f"loss {progress.loss:.3f}"


def _bar(out: Console) -> Bar:
    width = LONG_BAR if out.width >= WIDE else SHORT_BAR
    return Bar(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=width),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[facts]}"),
        console=out,
    )


def _columns_for_facts(width: int, rounds: int) -> int:
    """Columns that bar, rounds and time to go leave."""
    bar = LONG_BAR if width >= WIDE else SHORT_BAR
    counts = 2 * len(str(rounds)) + 2
    return max(0, width - SPINNER_STEP_TIME - bar - counts)


def _show(write: Callable[[], object]) -> None:
    """Write to a terminal or a pipe. Raises KeyboardInterrupt if nobody reads it any more."""
    try:
        write()
    except (BrokenPipeError, SystemExit):  # rich makes a SystemExit of a broken pipe
        raise KeyboardInterrupt from None

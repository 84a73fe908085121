"""What of a long run goes into a trace: viewers hold a few million events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl
from polars import col

from netsim.errors import InputError
from netsim.reports.columns import collect, evenly
from netsim.results.reader import Run

MOST_ACTIVITIES = 600_000  # a round of 100,000 UEs
FEWEST_UES = 200  # before rounds are left out, too
MOST_LEVELS = 200_000  # values of the counters
MOST_EVALUATIONS = 20_000


@dataclass(frozen=True)
class Selection:
    """UEs and rounds of a trace; None is all of them."""

    ues: tuple[int, ...] | None
    rounds: tuple[int, ...] | None
    note: str  # what was left out, or ""

    def parts(self, run: Run) -> list[Run]:
        """The parts of the run that hold any of it."""
        parts = run.parts()
        if self.rounds is None:
            return parts
        return [part for part in parts if collect(self.of_rounds(part.rounds).head(1)).height]

    def of_rounds(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Rows of these rounds."""
        return rows if self.rounds is None else rows.filter(col("round").is_in(self.rounds))

    def of_ues(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows of these UEs, and those of no UE."""
        if self.ues is None:
            return rows
        return rows.filter(col("ue").is_null() | col("ue").is_in(self.ues))


def select(run: Run, rounds: Iterable[int] | None = None) -> Selection:
    """What a trace of the run shows: the rounds asked for, and as many UEs of them as fit.

    Without, as many UEs as fit, and rounds where even a few UEs are too many; evenly spaced. Raises
    InputError for a round that the run has not had.
    """
    had = _numbers(run.rounds, "round")
    ues = _numbers(run.ues, "ue")
    if rounds is None:
        shown_ues, shown_rounds = _that_fit(ues, had, _activities(run, None))
        how = "evenly spaced"
    else:
        shown_rounds = _asked(run, rounds, had)
        fit = _part_that_fits(_activities(run, shown_rounds))
        shown_ues = evenly(ues, max(int(len(ues) * fit), 1))
        how = "as asked for"
    return Selection(
        ues=None if len(shown_ues) == len(ues) else tuple(shown_ues),
        rounds=None if len(shown_rounds) == len(had) else tuple(shown_rounds),
        note=_note(
            shown=(len(shown_ues), len(shown_rounds)),
            there=(len(ues), len(had)),
            how=how,
        ),
    )


def _numbers(rows: pl.LazyFrame, name: str) -> list[int]:
    return collect(rows.select(col(name).unique()))[name].sort().to_list()


def _activities(run: Run, rounds: Sequence[int] | None) -> int:
    """Number of spans, of all rounds or of these."""
    spans = run.spans if rounds is None else run.spans.filter(col("round").is_in(rounds))
    return int(collect(spans.select(pl.len())).item())


def _part_that_fits(activities: float) -> float:
    return min(1.0, MOST_ACTIVITIES / max(activities, 1))


def _that_fit(
    ues: Sequence[int],
    rounds: Sequence[int],
    activities: int,
) -> tuple[list[int], list[int]]:
    """UEs and rounds whose activities are not too many."""
    fit = int(len(ues) * _part_that_fits(activities))
    shown = evenly(ues, max(fit, FEWEST_UES))
    of_shown = activities * len(shown) / max(len(ues), 1)
    return shown, evenly(rounds, max(int(len(rounds) * _part_that_fits(of_shown)), 2))


def _asked(run: Run, rounds: Iterable[int], had: Sequence[int]) -> list[int]:
    numbers = sorted(set(rounds))
    known = set(had)
    for number in numbers:
        if number not in known:
            there = f"has rounds {had[0]} to {had[-1]}" if had else "has no round"
            raise InputError(f"{run.path} {there}", where="rounds", value=number)
    return numbers


def _note(*, shown: tuple[int, int], there: tuple[int, int], how: str) -> str:
    """What was left out, in words."""
    notes = []
    if shown[0] < there[0]:
        of_ues = f"{shown[0]} of {there[0]} UEs, evenly spaced"
        notes.append(f"{of_ues} (counters are of all)")
    if shown[1] < there[1]:
        notes.append(f"{shown[1]} of {there[1]} rounds, {how}")
    return f"holds {' and '.join(notes)}" if notes else ""

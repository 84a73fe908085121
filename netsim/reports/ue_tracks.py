"""Where UEs are and what they do at chosen moments of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from polars import col

from netsim.records import OUTCOMES
from netsim.reports.columns import collect, evenly
from netsim.results.reader import Run
from netsim.units import FloatArray

STATES = ("no_upload", "computing", "sending", *OUTCOMES)
NO_UPLOAD = STATES.index("no_upload")
COMPUTING = STATES.index("computing")
SENDING = STATES.index("sending")
FIRST_OUTCOME = len(STATES) - len(OUTCOMES)
JUST_BEFORE_S = 1e-6  # a round ends when the next begins: look at it before


@dataclass(frozen=True)
class UeTracks:
    """Where UEs are. One frame for all times where they stand still."""

    x_m: FloatArray  # [frame, UE], NaN where a UE is not there
    y_m: FloatArray
    gnb: list[list[int | None]]  # serving gNB [frame][UE]


def moments(
    run: Run,
    rounds: pl.DataFrame,
    count: int,
    *,
    moving: bool,
) -> list[float]:
    """Evenly spaced times, and the moments at which rounds end."""
    ends = rounds.group_by("round").agg(col("end_s").max())["end_s"].sort()
    first, last = rounds.select(
        col("start_s").min(),
        col("end_s").max(),
    ).row(0)
    if moving:
        sampled = run.mobility.select(
            col("time_s").min(),
            last=col("time_s").max(),
        )
        first_sample, last_sample = collect(sampled).row(0)
        first = min(first, first_sample)
        last = min(last, last_sample)
    within = ends.filter(ends <= last).to_list()
    closing = [end_s - JUST_BEFORE_S for end_s in evenly(within, count // 3)]
    spaced = np.linspace(
        first,
        last,
        count - len(closing),
    ).tolist()
    return sorted({*spaced, *closing})


def standing(ues: pl.DataFrame) -> UeTracks:
    """UEs that stand still: one frame."""
    return UeTracks(
        x_m=ues["x_m"].to_numpy()[None],
        y_m=ues["y_m"].to_numpy()[None],
        gnb=[ues["gnb"].to_list()],
    )


def moving_tracks(
    run: Run,
    ues: pl.DataFrame,
    times: list[float],
) -> UeTracks:
    """UEs that move; between samples they go straight on."""
    bin_s = max((times[-1] - times[0]) / (4 * len(times)), 1e-9)
    numbers = ues["ue"].to_list()
    samples = _samples(run, numbers, times, bin_s)
    unknown = np.full((len(times), len(numbers)), np.nan)
    tracks = UeTracks(
        x_m=unknown,
        y_m=unknown.copy(),
        gnb=[[None] * len(numbers) for _ in times],
    )
    for column, ue in enumerate(numbers):
        if (ue,) in samples:
            _follow(
                tracks,
                column,
                samples[ue,],
                np.array(times),
                bin_s,
            )
    return tracks


def _follow(
    tracks: UeTracks,
    column: int,
    samples: pl.DataFrame,
    at_s: FloatArray,
    bin_s: float,
) -> None:
    """Fill in the column of one UE, where it is there."""
    sampled_s = samples["time_s"].to_numpy()
    begins_s = sampled_s[0] - bin_s
    ends_s = sampled_s[-1] + bin_s
    here = (at_s >= begins_s) & (at_s <= ends_s)
    tracks.x_m[here, column] = np.interp(
        at_s[here],
        sampled_s,
        samples["x_m"].to_numpy(),
    )
    tracks.y_m[here, column] = np.interp(
        at_s[here],
        sampled_s,
        samples["y_m"].to_numpy(),
    )
    before = (
        np.searchsorted(
            sampled_s,
            at_s,
            side="right",
        )
        - 1
    )
    latest = np.maximum(before, 0)
    serving = samples["gnb"].to_list()
    for frame in np.flatnonzero(here):
        tracks.gnb[frame][column] = serving[latest[frame]]


def _samples(
    run: Run,
    ues: list[int],
    times: list[float],
    bin_s: float,
) -> dict[tuple[Any, ...], pl.DataFrame]:
    """{(UE,): its positions by time}, at most one in every `bin_s`."""
    wanted = col("ue").is_in(ues) & (col("time_s") <= times[-1])
    bin_number = ((col("time_s") - times[0]) / bin_s).floor()
    last_of_bin = col("time_s", "x_m", "y_m", "gnb").sort_by("time_s").last()
    thinned = run.mobility.filter(wanted).group_by("ue", bin=bin_number).agg(last_of_bin)
    return collect(thinned.sort("ue", "time_s")).partition_by("ue", as_dict=True)


def states(
    run: Run,
    ues: list[int],
    rounds: pl.DataFrame,
    at_s: FloatArray,
) -> list[str]:
    """One string per frame: what every UE is at, or how its upload of this round has ended."""
    uploads = _uploads_at(run, ues, rounds, at_s)
    states = np.full((len(at_s), len(ues)), NO_UPLOAD)
    for column, ue in enumerate(ues):
        if (ue,) in uploads:
            states[:, column] = _states_of(uploads[ue,], at_s)
    return ["".join(map(str, row)) for row in states.tolist()]


def _uploads_at(
    run: Run,
    ues: list[int],
    rounds: pl.DataFrame,
    at_s: FloatArray,
) -> dict[tuple[Any, ...], pl.DataFrame]:
    """{(UE,): one row per round in which it sent}: begun_s, start_s, end_s, outcome, closed_s.

    Only of rounds in which it was at something at one of the moments `at_s`, which ascend.
    """
    closed = rounds.lazy().group_by("round").agg(closed_s=col("end_s").max())
    before_s = col("wait_s") + col("compute_s") + col("download_s")
    moments_s = pl.lit(pl.Series(np.append(at_s, np.inf)))
    next_moment_s = moments_s.gather(moments_s.search_sorted(col("begun_s")))

    mine = run.uploads.filter(col("ue").is_in(ues)).with_columns(begun_s=col("start_s") - before_s)
    shown = mine.join(closed, on="round", how="left").filter(next_moment_s <= col("closed_s"))
    per_round = shown.group_by("round", "ue").agg(
        col("begun_s").min(),
        col("start_s").min(),
        col("end_s").max(),
        col("closed_s").first(),
        col("outcome").to_physical().max().cast(pl.Int64),
    )
    found = collect(per_round)
    return found.sort("ue", "begun_s").partition_by("ue", as_dict=True)


def _states_of(uploads: pl.DataFrame, at_s: FloatArray) -> np.ndarray[Any, Any]:
    """A UE's state [frame], an index into STATES."""
    latest = (
        np.searchsorted(
            uploads["begun_s"].to_numpy(),
            at_s,
            side="right",
        )
        - 1
    )
    start_s = uploads["start_s"].to_numpy()[latest]
    end_s = uploads["end_s"].to_numpy()[latest]
    closed_s = uploads["closed_s"].to_numpy()[latest]
    outcome = uploads["outcome"].to_numpy()[latest]
    conditions = [
        (latest < 0) | (at_s > closed_s),
        at_s < start_s,
        at_s < end_s - 2 * JUST_BEFORE_S,
    ]
    return np.select(
        conditions,
        [NO_UPLOAD, COMPUTING, SENDING],
        FIRST_OUTCOME + outcome,
    )

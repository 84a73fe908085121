"""A run as TensorBoard events: simulated time is the wall time, rounds are the steps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from polars import col

from netsim.errors import InputError
from netsim.reports.folders import export_folder
from netsim.results.compare import per_round
from netsim.results.damage import naming_damage
from netsim.results.reader import Run

FILE = "events.out.tfevents.0.netsim"  # the name by which TensorBoard knows an event file
OWN = re.compile(r"events\.out\.tfevents\..*")


def write_events(run: Run, out: Path) -> Path:
    """Write one event file in the folder `out`.

    Raises InputError without the extra `tensorboard`, OutputError if `out` is taken or cannot be
    written.
    """
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter
    except ImportError:
        raise InputError(
            "needs the extra 'tensorboard': pip install tensorboard",
            where="netsim export tensorboard",
        ) from None
    path = out / FILE
    with export_folder(out, OWN), naming_damage(run), path.open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(file_version="brain.Event:2").SerializeToString())
        for time_s, step, tag, value in scalars(run):
            summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
            event = Event(
                wall_time=time_s,
                step=step,
                summary=summary,
            )
            writer.write(event.SerializeToString())
        writer.flush()
    return path


def scalars(run: Run) -> Iterator[tuple[float, int, str, float]]:
    """(simulated s, round, tag, value) in the order of time."""
    both = pl.concat([_of_rounds(run), _of_evaluations(run)])
    yield from both.sort("time_s", "round", "tag").collect().iter_rows()


def _of_rounds(run: Run) -> pl.LazyFrame:
    """time_s, round, tag, value of the metrics of rounds, at their end."""
    ended = run.rounds.group_by("round").agg(time_s=col("end_s").max())
    rounds = per_round(run).drop("accuracy", "loss").join(ended, on="round")
    metrics = rounds.unpivot(index=["time_s", "round"], variable_name="metric")
    return metrics.select(
        "time_s",
        "round",
        tag=pl.format("rounds/{}", "metric"),
        value=col("value").cast(pl.Float64),
    )


def _of_evaluations(run: Run) -> pl.LazyFrame:
    """time_s, round, tag, value of accuracy and loss on the common split."""
    is_ensemble = col("target") == "ensemble"
    name = pl.when(is_ensemble).then("target").otherwise(pl.format("module_{}", "target"))
    common = run.evaluations.filter(col("ue").is_null()).with_columns(target=name)
    index = ["time_s", "round", "target"]
    scores = common.select(*index, "accuracy", "loss").unpivot(index=index, variable_name="measure")
    return scores.select(
        "time_s",
        "round",
        tag=pl.format("{}/{}", "measure", "target"),
        value="value",
    )

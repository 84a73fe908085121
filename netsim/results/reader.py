"""A run folder as lazy polars frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from netsim.errors import DataError
from netsim.records import TABLES
from netsim.results import accuracy as _accuracy
from netsim.results import energy as _energy
from netsim.results import latency as _latency
from netsim.results import reliability as _reliability
from netsim.results.run_folder import RunFolder
from netsim.results.writer import table_schema


@dataclass(frozen=True)
class Run:
    """What a run left. Frames are lazy: nothing is read before `.collect()`."""

    path: Path
    part: int | None = None  # only the rows of one part of the tables; parts hold whole rounds

    latency = _latency.latency
    latency_means = _latency.latency_means
    critical_path = _latency.critical_path
    energy = _energy.energy
    learning_curve = _accuracy.learning_curve
    to_accuracy = _accuracy.to_accuracy
    outcomes = _reliability.outcomes
    outage_by_distance = _reliability.outage_by_distance
    participation = _reliability.participation
    staleness = _reliability.staleness
    handover_counts = _reliability.handover_counts

    @property
    def metadata(self) -> dict[str, Any]:
        """Status, seed, versions, wall time, record counts, reason of the end."""
        return RunFolder(self.path).metadata()

    @property
    def spans(self) -> pl.LazyFrame:
        """One row per timed activity."""
        return self.table("spans")

    @property
    def uploads(self) -> pl.LazyFrame:
        """One row per upload."""
        return self.table("uploads")

    @property
    def rounds(self) -> pl.LazyFrame:
        """One row per round and gNB."""
        return self.table("rounds")

    @property
    def evaluations(self) -> pl.LazyFrame:
        """One row per evaluation."""
        return self.table("evaluations")

    @property
    def subscriptions(self) -> pl.LazyFrame:
        """One row per (round, UE, module)."""
        return self.table("subscriptions")

    @property
    def ues(self) -> pl.LazyFrame:
        """One row per UE."""
        return self.table("ues")

    @property
    def handovers(self) -> pl.LazyFrame:
        """One row per handover."""
        return self.table("handovers")

    @property
    def risk(self) -> pl.LazyFrame:
        """One row per round: measured risk gap and its bound; empty unless `learning.log_risk`."""
        return self.table("risk")

    def table(self, name: str) -> pl.LazyFrame:
        """A table by name; empty if the run wrote no rows of it."""
        if name not in TABLES:
            raise DataError(
                f"table must be one of {', '.join(TABLES)}", where=self.path, value=name
            )
        number = "*" if self.part is None else f"{self.part:06d}"
        parts = sorted((self.path / name).glob(f"part-{number}.parquet"))
        if not parts:
            return pl.LazyFrame(schema=table_schema(name))
        return pl.scan_parquet(parts)

    @property
    def sites(self) -> pl.LazyFrame:
        """One row per gNB: its position."""
        return self.table("sites")

    @property
    def mobility(self) -> pl.LazyFrame:
        """One row per sample of a UE's position; empty where UEs stand still."""
        return self.table("mobility")

    def parts(self) -> list[Run]:
        """The run in pieces of whole rounds, each a Run of its own: what is big can be done in
        turn.
        """
        if self.part is not None:
            return [self]
        found = {int(p.stem.removeprefix("part-")) for p in self.path.glob("*/part-*.parquet")}
        return [Run(self.path, number) for number in sorted(found)]

    def timeline(self, round: int) -> pl.DataFrame:
        """Spans of one round, by UE and start, in seconds from the round's start."""
        spans = self.spans.filter(pl.col("round") == round)
        origin = pl.col("start_s").min()
        return (
            spans.with_columns(
                (pl.col("start_s") - origin).alias("from_s"),
                (pl.col("end_s") - origin).alias("to_s"),
            )
            .sort("ue", "start_s", "end_s", nulls_last=True)
            .collect()
        )

    def time_to_accuracy(self, accuracy: float) -> float | None:
        """Simulated seconds until the ensemble first reached `accuracy` on common rows; None if
        never.
        """
        reached = self.learning_curve().filter(pl.col("accuracy") >= accuracy)
        hit = reached.select(pl.col("time_s").min()).collect().item()
        return None if hit is None else float(hit)


def open_run(path: str | Path) -> Run:
    """Open a run folder. Raises DataError if it is none."""
    run = Run(Path(path))
    _ = run.metadata
    return run

"""A run folder opened: its tables, and the analyses that can be asked of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from polars import col

from netsim.plain import check_plain_file
from netsim.results import accuracy as _accuracy
from netsim.results import card as _card
from netsim.results import energy as _energy
from netsim.results import latency as _latency
from netsim.results import own_rows as _own_rows
from netsim.results import reliability as _reliability
from netsim.results import targets as _targets
from netsim.results.arguments import check_round
from netsim.results.damage import check_schemas, telling_what_is_whole
from netsim.results.run_folder import SCENARIO
from netsim.results.tables import RunTables


@dataclass(frozen=True)
class Run(RunTables):
    """What a run left: its tables, and what follows from them.

    Frames are lazy: nothing is read before `.collect()`.
    """

    latency = _latency.latency
    latency_means = _latency.latency_means
    critical_path = _latency.critical_path
    energy = _energy.energy
    learning_curve = _accuracy.learning_curve
    to_accuracy = _accuracy.to_accuracy
    time_to_accuracy = _accuracy.time_to_accuracy
    own_accuracy = _own_rows.own_accuracy
    own_curve = _own_rows.own_curve
    own_distribution = _own_rows.own_distribution
    sustained_cost = _targets.sustained_cost
    mean_accuracy = _targets.mean_accuracy
    outcomes = _reliability.outcomes
    outage_by_distance = _reliability.outage_by_distance
    participation = _reliability.participation
    staleness = _reliability.staleness
    handover_counts = _reliability.handover_counts
    _repr_html_ = _card.run_card

    def timeline(self, round: int) -> pl.DataFrame:
        """Spans of one round, by UE and start, in seconds from the round's start.

        Raises InputError for a round that the run has not had.
        """
        last = self.rounds.select(col("round").max()).collect().item()
        check_round(round, last or 0)
        spans = self.spans.filter(col("round") == round)
        origin = col("start_s").min()
        return (
            spans.with_columns(
                from_s=col("start_s") - origin,
                to_s=col("end_s") - origin,
            )
            .sort(
                "ue",
                "start_s",
                "end_s",
                nulls_last=True,
            )
            .collect()
        )


def open_run(path: str | Path) -> Run:
    """Open a run folder. Raises DataError if it is none, or if its tables are not a run's."""
    run = Run(Path(path))
    with telling_what_is_whole(run):
        _ = run.metadata
        if os.path.lexists(run.path / SCENARIO):
            check_plain_file(run.path / SCENARIO)
        check_schemas(run)
    return run

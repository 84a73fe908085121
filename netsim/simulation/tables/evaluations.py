"""The `evaluations` table: one row per measurement of a module or the ensemble."""

from __future__ import annotations

from collections.abc import Sequence

from netsim.protocols import Evaluation, RecordSink


def write_evaluations(
    sink: RecordSink, number: int, time_s: float, energy_j: float, rows: Sequence[Evaluation]
) -> None:
    """Rows of one evaluation; energy_j: spent so far."""
    sink.write(
        "evaluations",
        {
            "round": number,
            "time_s": time_s,
            "energy_j": energy_j,
            "target": [row.target for row in rows],
            "ue": [-1 if row.ue is None else row.ue for row in rows],
            "split": [row.split for row in rows],
            "loss": [row.loss for row in rows],
            "accuracy": [row.accuracy for row in rows],
            "samples": [row.samples for row in rows],
        },
    )

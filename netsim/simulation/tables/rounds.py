"""The `rounds` table: one row per round and gNB, its uploads counted, their energy summed."""

from __future__ import annotations

import numpy as np

from netsim.device.idle import idle_of_gnbs
from netsim.protocols import RecordSink
from netsim.simulation.tables.closed import ClosedRound
from netsim.units import FloatArray


def write_rounds(sink: RecordSink, closed: ClosedRound) -> None:
    """Rows of the round's gNBs."""
    round_, cells = closed.round, closed.round.cells
    outcomes, uploads = closed.outcomes(), closed.books.uploads
    not_ready, on_time, late, outage, aborted = outcomes
    dead_ranks, epsilon = -1, np.nan
    if round_.redeemed is not None:
        epsilon = round_.redeemed.epsilon
        if closed.plan.rank is not None:
            dead_ranks = round_.redeemed.dead_ranks
    rows = np.bincount(round_.cell, minlength=len(cells))
    truncated = np.bincount(closed.cell[uploads.truncated], minlength=len(cells))
    idle_j, empty = idle_of_gnbs(round_.idle, cells.gnb)
    sink.write(
        "rounds",
        {
            "round": round_.number,
            "gnb": cells.gnb,
            "start_s": cells.open_s,
            "deadline_s": cells.open_s + closed.rules.deadline_s,
            "end_s": cells.close_s,
            "subscribed": round_.per_cell(round_.own),
            "on_time": on_time,
            "late": late,
            "outage": outage,
            "truncated": truncated,
            "aborted": aborted,
            "not_ready": not_ready,
            "carried": rows - np.bincount(closed.cell, minlength=len(cells)),
            **closed.totals(_by_upload(closed)),
            "idle_energy_j": idle_j,
            "gnb_energy_j": closed.gnb_energy_j,
            "empty_batteries": empty,
            "dead_ranks": dead_ranks,
            "payload_emulated": closed.payloads.emulated.any(),
            "epsilon": epsilon,
        },
    )


def _by_upload(closed: ClosedRound) -> dict[str, FloatArray]:
    """What is summed over uploads: their UEs' energy by what they did, and bits. [M] each."""
    books = closed.books
    bits = books.uploads.payload_bits
    return {
        "compute_energy_j": books.compute_energy_j,
        "uplink_energy_j": books.uplink_energy_j,
        "receive_energy_j": books.receive_energy_j,
        "wait_energy_j": books.wait_energy_j,
        "wasted_energy_j": np.where(books.on_time, 0.0, books.spent_j),
        "payload_bits": np.where(books.uploads.ready, bits, 0.0),
        "delivered_bits": np.where(books.on_time, bits, 0.0),
    }

"""The `rounds` table: one row per round and gNB, its uploads counted, their energy summed."""

from __future__ import annotations

import numpy as np

from netsim.device.idle import idle_of_gnbs
from netsim.protocols import Columns, RecordSink
from netsim.records import ABORTED, LATE, OUTAGE
from netsim.simulation.tables.closed import ClosedRound
from netsim.simulation.uploads.outcomes import NOT_READY


def write_rounds(sink: RecordSink, closed: ClosedRound) -> None:
    """Rows of the round's gNBs."""
    round_ = closed.round
    books = closed.books
    outcome = books.outcome
    on_time = books.on_time
    payload_bits = books.uploads.payload_bits
    dead_ranks = -1
    if round_.redeemed is not None and closed.plan.rank is not None:
        dead_ranks = round_.redeemed.dead_ranks
    cells = len(round_.cells)
    rows = np.bincount(round_.cell, minlength=cells)
    over = np.bincount(closed.cell, minlength=cells)
    sink.write(
        "rounds",
        {
            "round": round_.number,
            "gnb": round_.cells.gnb,
            "start_s": round_.cells.open_s,
            "deadline_s": round_.cells.open_s + closed.rules.deadline_s,
            "end_s": round_.cells.close_s,
            "subscribed": round_.per_cell(round_.own),
            "on_time": closed.count(on_time),
            "late": closed.count(outcome == LATE),
            "outage": closed.count(outcome == OUTAGE),
            "aborted": closed.count(outcome == ABORTED),
            "not_ready": closed.count(outcome == NOT_READY),
            "carried": rows - over,
            **_energy(closed),
            "payload_bits": closed.total(payload_bits, books.uploads.ready),
            "delivered_bits": closed.total(payload_bits, on_time),
            "dead_ranks": dead_ranks,
        },
    )


def _energy(closed: ClosedRound) -> Columns:
    """Of the UEs of each gNB, by what they did, and its own."""
    books, round_ = closed.books, closed.round
    idle_j, empty = idle_of_gnbs(round_.idle, round_.cells.gnb)
    return {
        "compute_energy_j": closed.total(books.compute_energy_j),
        "uplink_energy_j": closed.total(books.uplink_energy_j),
        "receive_energy_j": closed.total(books.receive_energy_j),
        "wait_energy_j": closed.total(books.wait_energy_j),
        "idle_energy_j": idle_j,
        "gnb_energy_j": closed.gnb_energy_j,
        "empty_batteries": empty,
        "wasted_energy_j": closed.total(books.spent_j, ~books.on_time),
    }

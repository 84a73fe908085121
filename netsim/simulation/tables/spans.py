"""The `spans` table: one row per timed activity."""

from __future__ import annotations

from typing import Any

import numpy as np

from netsim.protocols import RecordSink
from netsim.records import (
    ABORTED,
    AGGREGATE,
    BACKHAUL,
    BROADCAST,
    COMPUTE,
    EVALUATE,
    IDLE,
    ON_TIME,
    OUTAGE,
    UPLINK,
    WAIT,
)
from netsim.simulation.state import Links
from netsim.simulation.tables.closed import ClosedRound
from netsim.units import FloatArray, IntArray


def add_spans(sink: RecordSink, *, energy_j: FloatArray | float = 0.0, **given: Any) -> None:
    """Write rows of `spans`; what is not given is null, and energy none."""
    sink.write("spans", {**given, "energy_j": energy_j})


def write_foundation(
    sink: RecordSink,
    links: Links,
    foundation_bits: float,
    reached_s: FloatArray,
    heard_s: FloatArray,
    receive_w: float,
) -> float:
    """The foundation model's way to the gNBs and its broadcast to every UE, as round 0.

    Gives what UEs spend on hearing it, J.
    """
    ue = links.ues_present
    cell = np.searchsorted(links.gnbs, links.gnb[ue])
    bits = np.full(len(links.gnbs), foundation_bits)
    energy_j = receive_w * (heard_s - reached_s)[cell]
    _write_backhaul(
        sink,
        0,
        links.gnbs,
        np.zeros(len(links.gnbs)),
        reached_s,
        bits,
    )
    add_spans(
        sink,
        round=0,
        ue=ue,
        gnb=links.gnb[ue],
        kind=BROADCAST,
        start_s=reached_s[cell],
        end_s=heard_s[cell],
        bits=foundation_bits,
        energy_j=energy_j,
    )
    return float(energy_j.sum())


def write_evaluate(
    sink: RecordSink,
    number: int,
    gnb: int,
    time_s: float,
) -> None:
    """Evaluation is off the simulated clock."""
    add_spans(
        sink,
        round=number,
        ue=[-1],
        gnb=gnb,
        kind=EVALUATE,
        start_s=time_s,
        end_s=time_s,
    )


def write_spans(sink: RecordSink, closed: ClosedRound) -> None:
    """All spans of a round.

    Those of an upload that goes on are written in the round in which it is over, all but the
    foundation model's broadcast.
    """
    if closed.core is not None:
        _write_modules_to_gnbs(sink, closed)
    if closed.rules.foundation_every_round and len(closed.plan.ue):
        _write_foundation_again(sink, closed)
    _write_downloads(sink, closed)
    _write_computing(sink, closed)
    _write_waiting(sink, closed)
    _write_uplink(sink, closed)
    _write_idle(sink, closed)
    _write_merging(sink, closed)


def _write_modules_to_gnbs(sink: RecordSink, closed: ClosedRound) -> None:
    round_, cells = closed.round, closed.round.cells
    start_s = np.full(len(cells), round_.start_s)
    _write_backhaul(
        sink,
        round_.number,
        cells.gnb,
        start_s,
        cells.open_s,
        cells.model_bits,
    )


def _write_foundation_again(sink: RecordSink, closed: ClosedRound) -> None:
    """The foundation model, before the modules: to each UE of the plan, once."""
    round_, uploads, cells = closed.round, closed.round.uploads, closed.round.cells
    own = np.flatnonzero(round_.own)
    until_s = np.full(len(cells), np.inf)
    np.minimum.at(
        until_s,
        round_.cell[own],
        uploads.slot_start_s[own],
    )
    first = own[np.diff(uploads.ue[own], prepend=-1) > 0]
    cell = round_.cell[first]
    add_spans(
        sink,
        round=round_.number,
        ue=uploads.ue[first],
        gnb=uploads.gnb[first],
        kind=BROADCAST,
        start_s=cells.open_s[cell],
        end_s=until_s[cell],
        bits=closed.payloads.foundation_bits,
    )


def _write_downloads(sink: RecordSink, closed: ClosedRound) -> None:
    uploads = closed.books.uploads
    add_spans(
        sink,
        round=closed.round.number,
        ue=uploads.ue,
        gnb=uploads.gnb,
        module=uploads.module,
        kind=BROADCAST,
        start_s=uploads.slot_start_s,
        end_s=uploads.slot_end_s,
        bits=uploads.slot_bits,
        energy_j=closed.books.receive_energy_j,
    )


def _write_computing(sink: RecordSink, closed: ClosedRound) -> None:
    """Loss and gradient norm are known of what arrived: only that was computed in earnest."""
    books, redeemed = closed.books, closed.round.redeemed
    uploads = books.uploads
    told: dict[str, FloatArray] = {}
    if redeemed is not None:
        loss, norm = np.full((2, len(uploads)), np.nan)
        loss[books.learnt] = redeemed.train_loss
        norm[books.learnt] = redeemed.gradient_norm
        told = {"train_loss": loss, "gradient_norm": norm}
    add_spans(
        sink,
        round=closed.round.number,
        ue=uploads.ue,
        gnb=uploads.gnb,
        module=uploads.module,
        kind=COMPUTE,
        start_s=uploads.compute_start_s,
        end_s=uploads.compute_end_s,
        cycles=books.cycles,
        energy_j=books.compute_energy_j,
        outcome=np.where(uploads.compute_done >= 1.0, ON_TIME, ABORTED),
        **told,
    )


def _write_waiting(sink: RecordSink, closed: ClosedRound) -> None:
    uploads = closed.books.uploads
    ready = closed.ready
    add_spans(
        sink,
        round=closed.round.number,
        ue=uploads.ue[ready],
        gnb=uploads.gnb[ready],
        module=uploads.module[ready],
        kind=WAIT,
        start_s=uploads.computed_s[ready],
        end_s=uploads.upload_start_s[ready],
        energy_j=closed.books.wait_energy_j[ready],
    )


def _write_uplink(sink: RecordSink, closed: ClosedRound) -> None:
    """A span for each segment; an attempt before the last was in outage."""
    books, row = closed.books, closed.books.segment_row
    uploads, segments = books.uploads, books.segments
    last = segments.attempt == uploads.attempt[row]
    add_spans(
        sink,
        round=closed.round.number,
        ue=uploads.ue[row],
        gnb=segments.gnb,
        module=uploads.module[row],
        kind=UPLINK,
        start_s=segments.start_s,
        end_s=segments.end_s,
        bandwidth_hz=closed.bandwidth_hz * segments.share,
        bits=segments.bits,
        energy_j=books.segment_energy_j,
        outcome=np.where(
            last,
            books.outcome[row],
            OUTAGE,
        ),
        attempt=segments.attempt,
    )


def _write_idle(sink: RecordSink, closed: ClosedRound) -> None:
    """UEs that are there, from the end of what they did to the end of the round."""
    idle, end_s = closed.round.idle, closed.round.end_s
    if idle is None:
        return
    lasts = idle.start_s < end_s
    add_spans(
        sink,
        round=closed.round.number,
        ue=idle.ue[lasts],
        gnb=idle.gnb[lasts],
        kind=IDLE,
        start_s=idle.start_s[lasts],
        end_s=end_s,
        energy_j=idle.energy_j[lasts],
    )


def _write_merging(sink: RecordSink, closed: ClosedRound) -> None:
    """Aggregation at the gNBs, their aggregates' way to the core, and the merge there."""
    round_, cells, takes_s = closed.round, closed.round.cells, closed.rules.aggregation_s
    add_spans(
        sink,
        round=round_.number,
        ue=np.full(len(cells), -1),
        gnb=cells.gnb,
        kind=AGGREGATE,
        start_s=cells.close_s - takes_s,
        end_s=cells.close_s,
    )
    if closed.core is None:
        return
    way = (cells.close_s, cells.arrive_s, cells.aggregate_bits)
    _write_backhaul(
        sink,
        round_.number,
        cells.gnb,
        *way,
    )
    if round_.merges:
        add_spans(
            sink,
            round=round_.number,
            ue=[-1],
            gnb=closed.core,
            kind=AGGREGATE,
            start_s=round_.end_s - takes_s,
            end_s=round_.end_s,
        )


def _write_backhaul(
    sink: RecordSink,
    number: int,
    site: IntArray,
    start_s: FloatArray,
    end_s: FloatArray,
    bits: FloatArray,
) -> None:
    """Transfers between the core and `site` that take time."""
    taken = end_s > start_s
    if not taken.any():
        return
    add_spans(
        sink,
        round=number,
        ue=np.full(int(taken.sum()), -1),
        gnb=site[taken],
        kind=BACKHAUL,
        start_s=start_s[taken],
        end_s=end_s[taken],
        bits=bits[taken],
    )

"""The timed activities of a round as rows of `spans`."""

from __future__ import annotations

from typing import Any

import numpy as np

from netsim.protocols import Columns, RecordSink
from netsim.records import (
    AGGREGATE,
    BACKHAUL,
    BROADCAST,
    COMPUTE,
    EVALUATE,
    ON_TIME,
    OUTAGE,
    TABLES,
    UPLINK,
    WAIT,
)
from netsim.simulation.state import Links, RoundState, Rules
from netsim.units import FloatArray, IntArray


def write_foundation(
    sink: RecordSink, links: Links, rules: Rules, reached_s: FloatArray, heard_s: FloatArray
) -> None:
    """The foundation model's way to the gNBs and its broadcast to every UE, as round 0."""
    ue = np.arange(len(links)) if links.present is None else np.flatnonzero(links.present)
    cell = np.searchsorted(links.gnbs, links.gnb[ue])
    _write_backhaul(
        sink,
        0,
        links.gnbs,
        np.zeros(len(links.gnbs)),
        reached_s,
        np.full(len(links.gnbs), rules.foundation_bits),
    )
    sink.write(
        "spans",
        span(
            round=0,
            ue=ue,
            gnb=links.gnb[ue],
            kind=BROADCAST,
            start_s=reached_s[cell],
            end_s=heard_s[cell],
            bits=rules.foundation_bits,
            energy_j=0.0,
        ),
    )


def write_evaluate(sink: RecordSink, number: int, gnb: int, time_s: float) -> None:
    """Evaluation is off the simulated clock."""
    sink.write(
        "spans",
        span(
            round=number,
            ue=[-1],
            gnb=gnb,
            kind=EVALUATE,
            start_s=time_s,
            end_s=time_s,
            energy_j=0.0,
        ),
    )


def write_spans(
    sink: RecordSink, round_: RoundState, rules: Rules, core: int | None, whole: RoundState
) -> None:
    """All spans of a round; `core` is the site of the core node where several gNBs learn.

    `round_` is the part of `whole` that is over; the rows that go on leave only what went to all
    UEs.
    """
    _write_to_all(sink, whole, rules)
    _write_downlink(sink, round_)
    _write_computing(sink, round_)
    _write_uplink(sink, round_)
    _write_merging(sink, round_, rules, core)


def _write_to_all(sink: RecordSink, round_: RoundState, rules: Rules) -> None:
    plan, number = round_.plan, round_.number
    down = np.flatnonzero(round_.open_s > round_.start_s)
    _write_backhaul(
        sink,
        number,
        round_.gnbs[down],
        np.full(len(down), round_.start_s),
        round_.open_s[down],
        round_.model_bits[down],
    )
    if rules.w0_every_round and len(plan.ue):
        first, own = round_.first, round_.own
        first = first[own[first]]
        until = np.full(len(round_.gnbs), np.inf)
        np.minimum.at(until, round_.cell[own], round_.slot_start_s[own])
        sink.write(
            "spans",
            span(
                round=number,
                ue=plan.ue[first],
                gnb=round_.gnb[first],
                kind=BROADCAST,
                start_s=round_.open_s[round_.cell[first]],
                end_s=until[round_.cell[first]],
                bits=rules.foundation_bits,
                energy_j=0.0,
            ),
        )


def _write_downlink(sink: RecordSink, round_: RoundState) -> None:
    plan = round_.plan
    sink.write(
        "spans",
        span(
            round=round_.number,
            ue=plan.ue,
            gnb=round_.gnb,
            module=plan.module,
            kind=BROADCAST,
            start_s=round_.slot_start_s,
            end_s=round_.slot_end_s,
            bits=round_.slot_bits,
            energy_j=0.0,
        ),
    )


def _write_computing(sink: RecordSink, round_: RoundState) -> None:
    plan = round_.plan
    loss = round_.redeemed.train_loss if round_.redeemed else np.nan
    norm = round_.redeemed.gradient_norm if round_.redeemed else np.nan
    arrived = round_.outcome == ON_TIME
    loss_of, norm_of = np.full((2, len(arrived)), np.nan)
    loss_of[arrived], norm_of[arrived] = loss, norm
    sink.write(
        "spans",
        span(
            round=round_.number,
            ue=plan.ue,
            gnb=round_.gnb,
            module=plan.module,
            kind=COMPUTE,
            start_s=round_.compute_start_s,
            end_s=round_.compute_end_s,
            cycles=round_.cycles,
            energy_j=round_.compute_energy_j,
            outcome=round_.compute_outcome,
            train_loss=loss_of,
            gradient_norm=norm_of,
        ),
    )


def _write_uplink(sink: RecordSink, round_: RoundState) -> None:
    plan, ready, air = round_.plan, round_.ready, round_.airing
    sink.write(
        "spans",
        span(
            round=round_.number,
            ue=plan.ue[ready],
            gnb=round_.gnb[ready],
            module=plan.module[ready],
            kind=WAIT,
            start_s=round_.computed_s[ready],
            end_s=round_.upload_start_s[ready],
            energy_j=0.0,
        ),
    )
    row = air.segment_row
    last = air.segment_attempt == air.attempts[row]  # an attempt before the last was in outage
    sink.write(
        "spans",
        span(
            round=round_.number,
            ue=plan.ue[row],
            gnb=round_.gnb[row] if air.segment_gnb is None else air.segment_gnb,
            module=plan.module[row],
            kind=UPLINK,
            start_s=air.segment_start_s,
            end_s=air.segment_end_s,
            bandwidth_hz=air.segment_hz,
            bits=air.segment_bits,
            energy_j=round_.segment_energy_j,
            outcome=np.where(last, round_.outcome[row], OUTAGE),
            attempt=air.segment_attempt,
        ),
    )


def _write_merging(sink: RecordSink, round_: RoundState, rules: Rules, core: int | None) -> None:
    site, close, none = round_.gnbs, round_.close_s, np.full(len(round_.gnbs), -1)
    sink.write(
        "spans",
        span(
            round=round_.number,
            ue=none,
            gnb=site,
            kind=AGGREGATE,
            start_s=close - rules.aggregation_s,
            end_s=close,
            energy_j=0.0,
        ),
    )
    up = round_.arrive_s > close
    _write_backhaul(
        sink, round_.number, site[up], close[up], round_.arrive_s[up], round_.aggregate_bits[up]
    )
    if core is not None:
        sink.write(
            "spans",
            span(
                round=round_.number,
                ue=[-1],
                gnb=core,
                kind=AGGREGATE,
                start_s=round_.end_s - rules.aggregation_s,
                end_s=round_.end_s,
                energy_j=0.0,
            ),
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
    sink.write(
        "spans",
        span(
            round=number,
            ue=np.full(int(taken.sum()), -1),
            gnb=site[taken],
            kind=BACKHAUL,
            start_s=start_s[taken],
            end_s=end_s[taken],
            bits=bits[taken],
            energy_j=0.0,
        ),
    )


def span(**given: Any) -> Columns:
    """A row set of `spans` in which what is not given is null."""
    nulls = {"int": -1, "enum": -1, "float": np.nan}
    return {c.name: given.get(c.name, nulls[c.kind]) for c in TABLES["spans"]}

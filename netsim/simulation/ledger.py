"""A finished round as rows of the tables. Discarded work is paid for and stays in the records."""

from __future__ import annotations

from typing import Any

import numpy as np

from netsim.device.energy import compute_energy_j, transmit_energy_j
from netsim.protocols import Columns, RecordSink
from netsim.records import (
    ABORTED,
    AGGREGATE,
    BROADCAST,
    COMPUTE,
    EVALUATE,
    LATE,
    ON_TIME,
    OUTAGE,
    TABLES,
    UPLINK,
    WAIT,
)
from netsim.simulation.state import Cell, RoundState, Rules
from netsim.units import FloatArray, to_db


def compute_energy(round_: RoundState, cell: Cell) -> FloatArray:
    """[M] J, in proportion to the work done."""
    ue = round_.plan.ue
    cycles = cell.cycles[ue] * round_.compute_done
    return compute_energy_j(cycles, cell.cpu_hz[ue], cell.energy_coefficient[ue])


def uplink_energy(round_: RoundState) -> FloatArray:
    """[M] J; 0 where the UE was not ready."""
    airtime = np.where(round_.ready, round_.upload_end_s - round_.upload_start_s, 0.0)
    return transmit_energy_j(round_.plan.power_w, airtime)


def write_ues(sink: RecordSink, cell: Cell) -> None:
    """The `ues` table."""
    sink.write(
        "ues",
        {
            "ue": np.arange(len(cell)),
            "class": cell.device_class,
            "cpu_hz": cell.cpu_hz,
            "energy_coefficient": cell.energy_coefficient,
            "samples": cell.samples,
            "local_samples": cell.label_counts.sum(axis=1),
            "label_histogram": cell.label_counts,
            "x_m": cell.position_m[:, 0],
            "y_m": cell.position_m[:, 1],
            "gnb": cell.gnb,
            "distance_m": cell.distance_m,
            "gain_db": to_db(cell.gain),
        },
    )


def write_foundation(sink: RecordSink, cell: Cell, rules: Rules, seconds: float) -> None:
    """Spans of the foundation model's broadcast to every UE, as round 0."""
    ues = np.arange(len(cell))
    sink.write(
        "spans",
        _span(round=0, ue=ues, gnb=cell.gnb, kind=BROADCAST, start_s=0.0, end_s=seconds,
              bits=rules.foundation_bits, energy_j=0.0),
    )  # fmt: skip


def write_round(sink: RecordSink, round_: RoundState, cell: Cell, rules: Rules, bandwidth_hz: float) -> None:
    """Spans, uploads, subscriptions and the round's own row."""
    _write_spans(sink, round_, cell, rules, bandwidth_hz)
    _write_uploads(sink, round_, cell, rules, bandwidth_hz)
    _write_subscriptions(sink, round_, len(cell), len(rules.payload_emulated))
    _write_totals(sink, round_, cell)


def write_evaluate_span(sink: RecordSink, number: int, gnb: int, time_s: float) -> None:
    """Evaluation is off the simulated clock."""
    sink.write(
        "spans",
        _span(round=number, ue=[-1], gnb=gnb, kind=EVALUATE, start_s=time_s, end_s=time_s, energy_j=0.0),
    )


def _span(**given: Any) -> Columns:
    """A row set of `spans` in which what is not given is null."""
    nulls = {"int": -1, "enum": -1, "float": np.nan}
    return {c.name: given.get(c.name, nulls[c.kind]) for c in TABLES["spans"]}


def _write_spans(sink: RecordSink, round_: RoundState, cell: Cell, rules: Rules, bandwidth_hz: float) -> None:
    plan, ready = round_.plan, round_.ready
    who: dict[str, Any] = {"round": round_.number, "gnb": cell.gnb}
    row = {**who, "ue": plan.ue, "module": plan.module}
    if rules.w0_every_round and len(plan.ue):
        sink.write(
            "spans",
            _span(**who, ue=round_.ues, kind=BROADCAST, start_s=round_.start_s,
                  end_s=round_.slot_start_s.min(), bits=rules.foundation_bits, energy_j=0.0),
        )  # fmt: skip
    sink.write(
        "spans",
        _span(**row, kind=BROADCAST, start_s=round_.slot_start_s, end_s=round_.slot_end_s,
              bits=round_.slot_bits, energy_j=0.0),
    )  # fmt: skip
    loss = round_.redeemed.train_loss if round_.redeemed else np.nan
    norm = round_.redeemed.gradient_norm if round_.redeemed else np.nan
    arrived = round_.outcome == ON_TIME
    sink.write(
        "spans",
        _span(**row, kind=COMPUTE, start_s=round_.compute_start_s, end_s=round_.compute_end_s,
              cycles=cell.cycles[plan.ue] * round_.compute_done, energy_j=compute_energy(round_, cell),
              outcome=round_.compute_outcome, train_loss=_at(arrived, loss),
              gradient_norm=_at(arrived, norm)),
    )  # fmt: skip
    sent = {**who, "ue": plan.ue[ready], "module": plan.module[ready]}
    sink.write(
        "spans",
        _span(**sent, kind=WAIT, start_s=round_.compute_end_s[ready], end_s=round_.upload_start_s[ready],
              energy_j=0.0),
    )  # fmt: skip
    sink.write(
        "spans",
        _span(**sent, kind=UPLINK, start_s=round_.upload_start_s[ready], end_s=round_.upload_end_s[ready],
              bandwidth_hz=bandwidth_hz * plan.share[ready], bits=round_.bits_sent[ready],
              energy_j=uplink_energy(round_)[ready], outcome=round_.outcome[ready], attempt=1),
    )  # fmt: skip
    sink.write(
        "spans",
        _span(**who, ue=[-1], kind=AGGREGATE, start_s=round_.end_s - rules.aggregation_s,
              end_s=round_.end_s, energy_j=0.0),
    )  # fmt: skip


def _write_uploads(
    sink: RecordSink, round_: RoundState, cell: Cell, rules: Rules, bandwidth_hz: float
) -> None:
    ready, plan = round_.ready, round_.plan
    ue, module = plan.ue[ready], plan.module[ready]
    airtime = (round_.upload_end_s - round_.upload_start_s)[ready]
    first = np.searchsorted(plan.ue, ue)  # a UE's first row, whose computing begins after its downloads
    sink.write(
        "uploads",
        {
            "round": round_.number,
            "ue": ue,
            "gnb": cell.gnb,
            "module": module,
            "payload_bits": round_.payload_bits[ready],
            "payload_emulated": rules.payload_emulated[module],
            "bandwidth_hz": bandwidth_hz * plan.share[ready],
            "power_w": plan.power_w[ready],
            "distance_m": cell.distance_m[ue],
            "sinr_db": to_db(round_.sinr[ready]),
            "rate_bps": round_.rate_bps[ready],
            "bits_sent": round_.bits_sent[ready],
            "attempts": 1,
            "start_s": round_.upload_start_s[ready],
            "end_s": round_.upload_end_s[ready],
            "deadline_s": round_.deadline_s,
            "download_s": round_.compute_start_s[first] - round_.start_s,
            "compute_s": round_.compute_end_s[ready] - round_.compute_start_s[first],
            "wait_s": round_.upload_start_s[ready] - round_.compute_end_s[ready],
            "airtime_s": airtime,
            "retransmit_s": 0.0,
            "backhaul_s": 0.0,
            "staleness": 0,
            "energy_j": uplink_energy(round_)[ready],
            "outcome": round_.outcome[ready],
        },
    )


def _write_subscriptions(sink: RecordSink, round_: RoundState, ues: int, modules: int) -> None:
    """Rows the plan says something about: all pairs if it gives fractions, else the subscribed ones."""
    plan = round_.plan
    beta = np.zeros((ues, modules), dtype=bool)
    beta[plan.ue, plan.module] = True
    known = [a for a in (plan.fraction, plan.success_probability, plan.dual) if a is not None]
    ue, module = np.nonzero(np.ones_like(beta) if known else beta)
    sink.write(
        "subscriptions",
        {
            "round": round_.number,
            "ue": ue,
            "module": module,
            "subscribed": beta[ue, module],
            "fraction": np.nan if plan.fraction is None else plan.fraction[ue, module],
            "success_probability": np.nan
            if plan.success_probability is None
            else plan.success_probability[ue, module],
            "dual": np.nan if plan.dual is None else plan.dual[ue, module],
        },
    )


def _write_totals(sink: RecordSink, round_: RoundState, cell: Cell) -> None:
    outcome = round_.outcome
    arrived = outcome == ON_TIME
    computing, sending = compute_energy(round_, cell), uplink_energy(round_)
    sink.write(
        "rounds",
        {
            "round": [round_.number],
            "gnb": cell.gnb,
            "start_s": round_.start_s,
            "deadline_s": round_.deadline_s,
            "end_s": round_.end_s,
            "subscribed": len(outcome),
            "on_time": int(arrived.sum()),
            "late": int((outcome == LATE).sum()),
            "outage": int((outcome == OUTAGE).sum()),
            "aborted": int((outcome == ABORTED).sum()),
            "not_ready": int((outcome == -1).sum()),
            "compute_energy_j": computing.sum(),
            "uplink_energy_j": sending.sum(),
            "wasted_energy_j": (computing + sending)[~arrived].sum(),
            "payload_bits": round_.payload_bits[round_.ready].sum(),
            "delivered_bits": round_.payload_bits[arrived].sum(),
        },
    )


def _at(mask: Any, values: Any) -> FloatArray:
    """[M] with `values` (per true row, or one for all) where the mask is true, null elsewhere."""
    out = np.full(len(mask), np.nan)
    out[mask] = values
    return out

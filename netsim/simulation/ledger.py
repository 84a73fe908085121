"""A finished round as rows of the tables (its spans are in `spans`). Discarded work stays in the
records.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from netsim.protocols import Evaluation, RecordSink
from netsim.records import ABORTED, LATE, ON_TIME, OUTAGE
from netsim.simulation.state import Fleet, Links, RoundState, Rules
from netsim.units import BoolArray, FloatArray, IntArray, to_db


def write_sites(sink: RecordSink, sites_m: FloatArray, core: int) -> None:
    """The `sites` table; `core` is where the modules are merged."""
    index = np.arange(len(sites_m))
    sink.write(
        "sites", {"gnb": index, "x_m": sites_m[:, 0], "y_m": sites_m[:, 1], "core": index == core}
    )


def write_ues(sink: RecordSink, fleet: Fleet, links: Links) -> None:
    """The `ues` table."""
    absent = np.zeros(len(links), dtype=bool) if links.present is None else ~links.present
    place = np.where(absent[:, None], np.nan, links.position_m)
    sink.write(
        "ues",
        {
            "ue": np.arange(len(fleet)),
            "name": None if fleet.name is None else list(fleet.name),
            "class": fleet.device_class,
            "cpu_hz": fleet.cpu_hz,
            "energy_coefficient": fleet.energy_coefficient,
            "samples": fleet.samples,
            "local_samples": fleet.label_counts.sum(axis=1),
            "label_histogram": fleet.label_counts,
            **_held_columns(fleet),
            "x_m": place[:, 0],
            "y_m": place[:, 1],
            "gnb": np.where(absent, -1, links.gnb),
            "distance_m": np.where(absent, np.nan, links.distance_m),
            "gain_db": np.where(absent, np.nan, to_db(links.gain)),
        },
    )


def _held_columns(fleet: Fleet) -> dict[str, Any]:
    """What is told of the rows that UEs hold; nulls where nothing is known."""
    held = fleet.held
    if held is None:
        return dict.fromkeys(("domain_histogram", "data_group"), None) | dict.fromkeys(
            ("concept", "distinct_samples", "shared_samples"), -1
        )
    return {
        "domain_histogram": held.domain_counts,
        "data_group": held.group,
        "concept": held.concept,
        "distinct_samples": held.distinct,
        "shared_samples": held.shared,
    }


def write_round(
    sink: RecordSink, round_: RoundState, rules: Rules, bandwidth_hz: float, whole: RoundState
) -> None:
    """Uploads, subscriptions and one row for each gNB; `round_` is the part of `whole` that is
    over.
    """
    _write_uploads(sink, round_, rules, bandwidth_hz)
    _write_subscriptions(sink, whole, len(round_.fleet), len(rules.payload_emulated))
    _write_totals(sink, round_, rules, whole)


def _write_uploads(sink: RecordSink, round_: RoundState, rules: Rules, bandwidth_hz: float) -> None:
    ready, plan, air, links = round_.ready, round_.plan, round_.airing, round_.links
    ue, module, cell = plan.ue[ready], plan.module[ready], round_.cell[ready]
    start, end = round_.upload_start_s[ready], air.end_s[ready]
    downloaded, computed = round_.download_end_s[ready], round_.computed_s[ready]
    on_air = np.bincount(
        air.segment_row, weights=air.segment_end_s - air.segment_start_s, minlength=len(ready)
    )[ready]
    rate = np.divide(air.bits[ready], on_air, out=np.zeros(len(ue)), where=on_air > 0)
    sink.write(
        "uploads",
        {
            "round": round_.number,
            "begun": round_.number if round_.lineage is None else round_.lineage.begun[ready],
            "ue": ue,
            "gnb": round_.gnb[ready],
            "module": module,
            "payload_bits": round_.payload_bits[ready],
            "payload_emulated": rules.payload_emulated[module],
            "rank": round_.rank_sent[ready],
            "bandwidth_hz": bandwidth_hz * plan.share[ready],
            "power_w": plan.power_w[ready],
            "distance_m": links.distance_m[ue],
            "sinr_db": to_db(air.sinr[ready]),
            "rate_bps": rate,
            "bits_sent": air.bits[ready],
            "attempts": air.attempts[ready],
            "start_s": start,
            "end_s": end,
            "deadline_s": round_.deadline_s[ready],
            "download_s": downloaded - round_.opened_s[ready],
            "compute_s": computed - downloaded,
            "wait_s": start - computed,
            "airtime_s": end - start,
            "retransmit_s": end - air.first_end_s[ready],
            "backhaul_s": round_.arrive_s[cell] - round_.close_s[cell],
            "staleness": 0 if round_.age is None else round_.age[ready],
            "energy_j": round_.uplink_energy_j[ready],
            "outcome": round_.outcome[ready],
        },
    )


def _write_subscriptions(sink: RecordSink, round_: RoundState, ues: int, modules: int) -> None:
    """Rows the plan says something about: all pairs if it gives fractions, else the subscribed
    ones.
    """
    plan = round_.plan
    beta = np.zeros((ues, modules), dtype=bool)
    own = slice(None) if round_.lineage is None else round_.own
    beta[plan.ue[own], plan.module[own]] = True
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


def _write_totals(sink: RecordSink, round_: RoundState, rules: Rules, whole: RoundState) -> None:
    outcome, cells, alone = round_.outcome, len(round_.gnbs), round_.lineage is None
    arrived = outcome == ON_TIME
    computing, sending = round_.compute_energy_j, round_.uplink_energy_j

    def count(rows: BoolArray) -> IntArray:
        return np.bincount(round_.cell[rows], minlength=cells)

    def total(values: FloatArray, rows: BoolArray) -> FloatArray:
        summed = np.bincount(round_.cell[rows], weights=values[rows], minlength=cells)
        return np.asarray(summed, dtype=np.float64)

    every = np.ones(len(outcome), dtype=bool)
    sink.write(
        "rounds",
        {
            "round": round_.number,
            "gnb": round_.gnbs,
            "start_s": round_.open_s,
            "deadline_s": round_.open_s + rules.deadline_s,
            "end_s": round_.close_s,
            "subscribed": np.bincount(
                whole.cell if alone else whole.cell[whole.own], minlength=cells
            ),
            "on_time": count(arrived),
            "late": count(outcome == LATE),
            "outage": count(outcome == OUTAGE),
            "aborted": count(outcome == ABORTED),
            "not_ready": count(outcome == -1),
            "carried": 0 if round_.goes_on is None else round_.goes_on,
            "compute_energy_j": total(computing, every),
            "uplink_energy_j": total(sending, every),
            "wasted_energy_j": total(computing + sending, ~arrived),
            "payload_bits": total(round_.payload_bits, round_.ready),
            "delivered_bits": total(round_.payload_bits, arrived),
            "dead_ranks": round_.redeemed.dead_ranks
            if round_.redeemed and round_.plan.rank is not None
            else -1,
        },
    )


def write_evaluations(
    sink: RecordSink, number: int, time_s: float, energy_j: float, rows: Sequence[Evaluation]
) -> None:
    """Append to the `evaluations` table."""
    sink.write(
        "evaluations",
        {
            "round": number,
            "time_s": time_s,
            "energy_j": energy_j,
            "target": [r.target for r in rows],
            "ue": [-1 if r.ue is None else r.ue for r in rows],
            "split": [r.split for r in rows],
            "loss": [r.loss for r in rows],
            "accuracy": [r.accuracy for r in rows],
            "samples": [r.samples for r in rows],
        },
    )

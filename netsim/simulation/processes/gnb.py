"""A gNB in a round: grants the uplink, collects, aggregates, passes its aggregate on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from netsim.protocols import MaskedSums, bits_to_core
from netsim.simulation.clock import Clock, ProcessGenerator
from netsim.simulation.processes.hub import Hub
from netsim.simulation.state import Round
from netsim.simulation.uploads.flight import Flight
from netsim.simulation.uploads.outcomes import arrived_by
from netsim.units import IntArray


@dataclass(frozen=True)
class Gnb:
    """One gNB of a round and how long what it does takes."""

    cell: int  # its position among the round's
    aggregation_s: float
    # time of an aggregate of so many bits to the core; None: it is there
    passing_s: Callable[[float], float] | None
    idle_s: float  # until then it passes the time if nobody is scheduled


def gnb_process(
    clock: Clock, hub: Hub, round_: Round, flight: Flight, gnb: Gnb
) -> ProcessGenerator:
    """Collects uploads, unmasks their sums, and takes the time to aggregate and to pass on."""
    cells, cell = round_.cells, gnb.cell
    mine = (round_.cell == cell).nonzero()[0]
    if len(mine):
        # uploads that may not outlast the round stop at its deadline by themselves
        deadline_s = np.inf
        if flight.outlasts:
            deadline_s = float(round_.uploads.deadline_s[mine][0])
        yield from _collect(
            clock,
            hub,
            cell,
            float(cells.open_s[cell]),
            deadline_s,
        )
        cells.cut_s[cell] = clock.now
        flight.mark(cell, float(clock.now))
        if round_.plan.sums is not None:
            yield clock.at(_unmask(round_.plan.sums, flight, mine, float(clock.now)))
    else:
        yield clock.at(gnb.idle_s)
    yield clock.at(clock.now + gnb.aggregation_s)
    cells.close_s[cell] = clock.now

    if gnb.passing_s is not None:
        bits = _bits_to_core(round_, flight, mine, float(cells.cut_s[cell]))
        cells.aggregate_bits[cell] = bits
        delay_s = gnb.passing_s(bits)
        if delay_s > 0:
            yield clock.at(clock.now + delay_s)
    cells.arrive_s[cell] = clock.now


def _unmask(
    sums: MaskedSums,
    flight: Flight,
    rows: IntArray,
    cut_s: float,
) -> float:
    """UEs whose uploads have arrived answer the gNB, if they are enough. When the last one has."""
    uploads = flight.uploads
    arrived = arrived_by(uploads, rows, cut_s)
    known = sums.close(arrived)
    uploads.unsummed[arrived] = ~known
    answering = arrived[known]
    rate_bps = uploads.payload_bits[answering] / uploads.airtime_s[answering]
    asked_s = cut_s + sums.rule.round_trip_s
    bits, takes_s = sums.answers(answering, rate_bps)
    flight.send_more(answering, bits, asked_s, takes_s)
    return float((asked_s + takes_s).max(initial=cut_s))


def _bits_to_core(
    round_: Round,
    flight: Flight,
    rows: IntArray,
    cut_s: float,
) -> float:
    """Of what the core needs of what has arrived of `rows`."""
    uploads = flight.uploads
    trained = rows[uploads.trained[rows] > 0]
    arrived = arrived_by(uploads, trained, cut_s)
    module = uploads.module[arrived]
    return bits_to_core(round_.plan.to_core_bits, module, uploads.payload_bits[arrived])


def _collect(
    clock: Clock, hub: Hub, cell: int, open_s: float, deadline_s: float
) -> ProcessGenerator:
    """Waits until all uploads have ended, enough have arrived, or the deadline, whichever is first.

    Under the barrier uploads start together, when the last UE has computed.
    """
    watch = hub.watches[cell]
    if clock.now < open_s:
        yield clock.at(open_s)
    if hub.barrier:
        yield watch.computed
    ends = [watch.finished]
    if watch.wanted is not None:
        ends.append(watch.filled)
    if np.isfinite(deadline_s):
        passes_s = max(deadline_s, clock.now)
        ends.append(clock.at(passes_s))
    yield clock.any_of(ends) if len(ends) > 1 else watch.finished

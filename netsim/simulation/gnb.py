"""The gNB: opens a round, grants the uplink, closes at the deadline, aggregates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from simpy.events import Event

from netsim.protocols import RoundPlan
from netsim.simulation.core import Clock, ProcessGenerator
from netsim.simulation.state import Cell, RoundState, Rules
from netsim.simulation.uplink import Uplink
from netsim.units import FloatArray


@dataclass
class Site:
    """What a gNB and its UEs share: the event that opens the next round, and their reports."""

    clock: Clock
    barrier: bool
    opened: Event = field(init=False)

    def __post_init__(self) -> None:
        self.opened = self.clock.event()

    def open(self, round_: RoundState) -> None:
        """Tell all waiting UEs; the next round gets an event of its own."""
        opened, self.opened = self.opened, self.clock.event()
        opened.succeed(round_)

    def report_computed(self, round_: RoundState) -> None:
        """A UE is ready, or has given up at the limit."""
        round_.computing -= 1
        if round_.computing == 0:
            round_.computed.succeed()

    def report_sent(self, round_: RoundState) -> None:
        """One upload is over."""
        round_.sending -= 1
        if round_.sending == 0:
            round_.finished.succeed()


def gnb_process(
    clock: Clock,
    site: Site,
    cell: Cell,
    rules: Rules,
    uplink: Uplink,
    payload_bits: FloatArray,
    next_plan: Callable[[], tuple[int, RoundPlan] | None],
    close: Callable[[RoundState], None],
    foundation_sent: Callable[[float], None],
) -> ProcessGenerator:
    """Waits for its UEs' reports; takes the rounds' time and, before them, that of the first broadcast.

    `next_plan()` gives the number and plan of the next round, or None at the end of the run;
    `foundation_sent(seconds)` is called after the broadcast of the foundation model, `close(round)`
    at the end of each round.
    """
    w0_s = foundation_broadcast_s(cell, rules)
    if not rules.w0_every_round:
        yield clock.at(w0_s)
        foundation_sent(w0_s)
    else:
        foundation_sent(0.0)
    while (planned := next_plan()) is not None:
        number, plan = planned
        round_ = open_round(clock, number, plan, cell, rules, payload_bits)
        if not len(plan.ue):  # nobody was admitted: the round passes
            yield clock.at(round_.deadline_s if np.isfinite(round_.deadline_s) else clock.now)
            uplink.transmit(round_, cell)
        elif rules.barrier:
            site.open(round_)
            yield round_.computed
            if round_.sending:
                round_.upload_start_s = np.full(len(plan.ue), clock.now)
                uplink.transmit(round_, cell)
                round_.granted.succeed()
                yield round_.finished
            else:
                uplink.transmit(round_, cell)
        else:
            uplink.transmit(round_, cell)
            site.open(round_)
            yield round_.computed
            if round_.sending:
                yield round_.finished
        yield clock.at(clock.now + rules.aggregation_s)
        round_.end_s = float(clock.now)
        close(round_)


def foundation_broadcast_s(cell: Cell, rules: Rules) -> float:
    """Seconds to multicast the foundation model to the UE with the worst downlink."""
    return rules.foundation_bits / (rules.downlink_hz * float(cell.downlink_efficiency.min()))


def open_round(
    clock: Clock, number: int, plan: RoundPlan, cell: Cell, rules: Rules, payload_bits: FloatArray
) -> RoundState:
    """Times that the plan fixes: broadcasts one module after the other, then each UE's computing.

    A module is multicast at the rate of its worst subscriber over the whole downlink band. A UE
    computes its modules one after the other, once its last download is through, until the limit.
    """
    start = float(clock.now)
    limit = start + (rules.compute_limit_s if rules.barrier else rules.deadline_s)
    rows = len(plan.ue)
    slot_start, slot_end = np.empty(rows), np.empty(rows)
    at = start
    if rules.w0_every_round and rows:
        worst = float(cell.downlink_efficiency[plan.ue].min())
        at += rules.foundation_bits / (rules.downlink_hz * worst)
    for module in np.unique(plan.module):
        mine = plan.module == module
        worst = float(cell.downlink_efficiency[plan.ue[mine]].min())
        slot_start[mine] = at
        at += float(payload_bits[module]) / (rules.downlink_hz * worst)
        slot_end[mine] = at
    heard = np.clip((limit - slot_start) / (slot_end - slot_start), 0.0, 1.0)  # a broadcast ends at the limit
    ue, first, per_ue = np.unique(plan.ue, return_index=True, return_counts=True)
    downloaded = np.maximum.reduceat(slot_end, first) if rows else np.empty(0)
    turn = np.arange(rows) - np.repeat(first, per_ue)  # 0, 1, ... within each UE
    one_s = cell.compute_s[plan.ue]
    begin = np.minimum(np.repeat(downloaded, per_ue) + turn * one_s, limit)
    done = begin + one_s
    compute_done = np.where(done <= limit, 1.0, np.clip((limit - begin) / one_s, 0.0, 1.0))
    ready_ue = np.maximum.reduceat(done, first) <= limit if rows else np.empty(0, dtype=bool)
    ready = np.repeat(ready_ue, per_ue)
    end = np.minimum(done, limit)
    uploads_from = np.repeat(np.maximum.reduceat(end, first), per_ue) if rows else np.empty(0)
    return RoundState(
        number=number,
        start_s=start,
        deadline_s=start + rules.deadline_s,
        plan=plan,
        payload_bits=payload_bits[plan.module],
        granted=clock.event(),
        computed=clock.event(),
        finished=clock.event(),
        slot_start_s=np.minimum(slot_start, limit),
        slot_end_s=np.minimum(slot_end, limit),
        slot_bits=payload_bits[plan.module] * heard,
        compute_start_s=begin,
        compute_end_s=end,
        compute_done=compute_done,
        ready=ready,
        upload_start_s=uploads_from,
        computing=len(ue),
        sending=int(ready.sum()),
    )

"""The gNB: opens a round, grants the uplink, closes at the deadline, aggregates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from simpy.events import Event

from netsim.protocols import RoundPlan
from netsim.simulation.core import Clock, ProcessGenerator
from netsim.simulation.state import Cell, RoundState, Rules
from netsim.simulation.timetable import timetable
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
    """A round that starts now, with the times that its plan fixes."""
    start = float(clock.now)
    times = timetable(plan.ue, plan.module, cell, rules, payload_bits)
    return RoundState(
        number=number,
        start_s=start,
        deadline_s=start + rules.deadline_s,
        plan=plan,
        payload_bits=payload_bits[plan.module],
        granted=clock.event(),
        computed=clock.event(),
        finished=clock.event(),
        slot_start_s=start + times.slot_start_s,
        slot_end_s=start + times.slot_end_s,
        slot_bits=times.slot_bits,
        compute_start_s=start + times.compute_start_s,
        compute_end_s=start + times.compute_end_s,
        compute_done=times.compute_done,
        ready=times.ready,
        upload_start_s=start + times.computed_s,
        computing=len(np.unique(plan.ue)),
        sending=int(times.ready.sum()),
    )

"""The core node: opens rounds, waits for the gNBs' aggregates, merges them. With one cell it is the
gNB.

Where several gNBs learn, modules and aggregates travel over the backhaul, stored and forwarded on
the fastest path; transfers do not queue behind one another. The merge is weighted by samples, as
each gNB's own average is, so it is the average over all UEs that arrived (associativity), and is
computed as that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from netsim.protocols import RoundPlan
from netsim.simulation.clock import Clock, ProcessGenerator
from netsim.simulation.gnb import Hub, gnb_process
from netsim.simulation.state import Fleet, Links, RoundState, Rules, bits_once
from netsim.simulation.timetable import timetable
from netsim.units import FloatArray


@dataclass
class Backhaul:
    """Delays between the core and the S sites; none where one gNB learns and aggregates itself."""

    delay_of: Callable[[float], FloatArray] | None = None  # payload in bit -> [S] s
    core: int | None = None  # site of the core node; None: the one gNB itself
    _known: dict[float, FloatArray] = field(default_factory=dict, init=False)

    def delay_s(self, site: int, payload_bits: float) -> float:
        """Time of a payload between the core and `site`; 0 of no payload."""
        if self.delay_of is None or payload_bits == 0:
            return 0.0
        if payload_bits not in self._known:
            self._known[payload_bits] = self.delay_of(payload_bits)
        return float(self._known[payload_bits][site])


def foundation_process(
    clock: Clock,
    rules: Rules,
    backhaul: Backhaul,
    links: Links,
    sent: Callable[[FloatArray, FloatArray], None],
) -> ProcessGenerator:
    """Takes the time of the foundation model's broadcast before the first round, if that is when it
    is sent.

    `sent(reached, heard)` is called at its end with the times [G] at which it was at each gNB and
    its UEs had it.
    """
    reached, heard = foundation_times(links, rules, backhaul)
    if not rules.w0_every_round:
        yield clock.at(float(heard.max(initial=0.0)))
    else:
        heard = reached = np.zeros(len(reached))
    sent(reached, heard)


def core_process(
    clock: Clock,
    hub: Hub,
    rules: Rules,
    backhaul: Backhaul,
    next_plan: Callable[[], RoundState | None],
    close: Callable[[RoundState], None],
) -> ProcessGenerator:
    """Waits for the gNBs; takes the rounds' time.

    `next_plan()` opens the next round, or gives None at the end of the run. `close(round)` is
    called at the end of each round.
    """
    while (round_ := next_plan()) is not None:
        hub.open(round_)
        idle = not len(round_.plan.ue) and np.isfinite(
            rules.deadline_s
        )  # nobody was admitted: it passes
        gnbs = []
        for cell, site in enumerate(round_.gnbs.tolist()):
            idle_s = float(round_.open_s[cell]) + (rules.deadline_s if idle else 0.0)
            passing_s = partial(backhaul.delay_s, site)
            gnbs.append(
                clock.process(
                    gnb_process(clock, hub, round_, cell, rules.aggregation_s, passing_s, idle_s)
                )
            )
        yield clock.all_of(gnbs)
        if backhaul.core is not None:
            yield clock.at(clock.now + rules.aggregation_s)
        round_.end_s = float(clock.now)
        close(round_)


def open_round(
    clock: Clock,
    number: int,
    plan: RoundPlan,
    fleet: Fleet,
    links: Links,
    rules: Rules,
    backhaul: Backhaul,
    payload_bits: FloatArray,
) -> RoundState:
    """A round that starts now at the core, with the times that its plan fixes; payload_bits [M]."""
    start = float(clock.now)
    gnbs = links.gnbs
    gnb = links.gnb[plan.ue]
    cell = np.searchsorted(gnbs, gnb)
    wanted = bits_once(cell, plan.module, payload_bits, len(gnbs))
    down = [
        backhaul.delay_s(site, bits)
        for site, bits in zip(gnbs.tolist(), wanted.tolist(), strict=True)
    ]
    open_s = start + np.array(down)
    begin = open_s[cell]
    times = timetable(plan.ue, plan.module, fleet, links, rules, payload_bits)
    return RoundState(
        number=number,
        start_s=start,
        plan=plan,
        fleet=fleet,
        links=links,
        gnbs=gnbs,
        open_s=open_s,
        model_bits=wanted,
        payload_bits=payload_bits,
        gnb=gnb,
        deadline_s=begin + rules.deadline_s,
        slot_start_s=begin + times.slot_start_s,
        slot_end_s=begin + times.slot_end_s,
        slot_bits=times.slot_bits,
        compute_start_s=begin + times.compute_start_s,
        compute_end_s=begin + times.compute_end_s,
        compute_done=times.compute_done,
        ready=times.ready,
        upload_start_s=begin + times.upload_start_s,
        granted=[clock.event() for _ in gnbs],
        sent=[clock.event() for _ in plan.ue],
    )


def foundation_times(
    links: Links, rules: Rules, backhaul: Backhaul
) -> tuple[FloatArray, FloatArray]:
    """When the foundation model is at each gNB and, at its worst UE's rate, at its UEs. [G],
    [G].
    """
    reached = np.array(
        [backhaul.delay_s(site, rules.foundation_bits) for site in links.gnbs.tolist()]
    )
    worst = np.full(len(links.gnbs), np.inf)
    here = slice(None) if links.present is None else links.present
    np.minimum.at(
        worst, np.searchsorted(links.gnbs, links.gnb[here]), links.downlink_efficiency[here]
    )
    return reached, reached + rules.foundation_bits / (rules.downlink_hz * worst)

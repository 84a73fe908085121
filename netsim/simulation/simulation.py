"""A run: processes on one clock, tickets redeemed at the close of each round, rows to the sink."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from netsim.errors import RunError
from netsim.protocols import (
    Learner,
    Listener,
    Observation,
    PayloadSize,
    Progress,
    RecordSink,
    RoundOutcome,
    RoundPlan,
    Scheme,
    SuccessModel,
    Tickets,
)
from netsim.records import LATE, ON_TIME, OUTAGE
from netsim.simulation import carrying, ledger, spans
from netsim.simulation.carrying import InFlight, in_flight_of
from netsim.simulation.checkpoint import outcome_of, plain_outcome
from netsim.simulation.clock import Clock, ProcessGenerator
from netsim.simulation.core import Backhaul, core_process, foundation_process, open_round
from netsim.simulation.gnb import Hub
from netsim.simulation.medium import NetworkUplink
from netsim.simulation.recording import Logbook
from netsim.simulation.risk import RiskLog
from netsim.simulation.roaming import Roaming
from netsim.simulation.state import Fleet, Links, RoundState, Rules
from netsim.simulation.stopping import RunEnd, StopRules
from netsim.simulation.timetable import timetable
from netsim.simulation.ue import ue_process
from netsim.simulation.uplink import Uplink
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass
class Simulation:
    """The gNBs that learn, their UEs and the core. `learner` is None in a network-only run."""

    seed: int
    sites_m: FloatArray  # [S, 2]
    fleet: Fleet
    links_at: Callable[[float], Links]  # at a time, s
    rules: Rules
    uplink: Uplink | NetworkUplink
    backhaul: Backhaul
    scheme: Scheme
    check_plan: Callable[[str, RoundPlan, Observation], RoundPlan]
    min_power_w: float
    max_power_w: float
    transmit_power_w: (
        Callable[[FloatArray, FloatArray], FloatArray] | None
    )  # (gain, Hz) -> W; None: the plan's
    formulas: str
    success_of: Callable[[Links], SuccessModel]
    payload_bits: FloatArray  # [N] on the air
    payload_of: PayloadSize
    stop: StopRules
    sink: RecordSink
    listener: Listener
    learner: Learner | None = None
    evaluate_every: int = 1
    log_risk: bool = False
    tie_seed: int | None = None
    roaming: Roaming | None = None  # None: nothing changes during a round
    records: bool = False  # places and channels
    round: int = field(default=0, init=False)
    energy_j: float = field(default=0.0, init=False)
    versions: list[int] = field(init=False)  # round in which each module last changed
    _made: IntArray = field(init=False)  # [N] how often each module has changed
    _in_flight: InFlight | None = field(default=None, init=False)  # None: nothing is under way
    _free: FloatArray = field(init=False)  # [K] all bands are free
    _clock: Clock = field(init=False)
    _links: Links = field(init=False)
    _success: SuccessModel = field(init=False)
    _previous: RoundOutcome | None = field(default=None, init=False)
    _losses: list[float] = field(default_factory=list, init=False)
    _accuracy: float | None = field(default=None, init=False)
    _reason: str = field(default="", init=False)
    _risk: RiskLog | None = field(default=None, init=False)
    _logbook: Logbook | None = field(default=None, init=False)
    _resumed: bool = field(default=False, init=False)
    _boundary: Callable[[], None] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.versions = [0] * len(self.payload_bits)
        self._made = np.zeros(len(self.payload_bits), dtype=np.int64)
        self._free = np.ones(len(self.fleet))
        self._clock = Clock(self.tie_seed)
        if self.roaming is not None:
            self._logbook = Logbook(self.roaming, self.uplink, self.records)
        self._links = self.links_at(0.0)
        self._success = self.success_of(self._links)
        if self.log_risk and self.learner is not None:
            band = self.uplink.bandwidth_hz
            self._risk = RiskLog(self.learner, self.sink, len(self.fleet), band, self.formulas)

    def run(self, boundary: Callable[[], None] | None = None) -> RunEnd:
        """Run to the end. Raises what the scheme or the learner raises.

        `boundary()` is called at the end of every round, where `state()` may be asked for; what it
        raises ends the run.
        """
        clock, self._boundary = self._clock, boundary
        hub = Hub(clock, self.rules.barrier)
        for ue in range(len(self.fleet)):
            clock.process(ue_process(clock, ue, hub))
        clock.run(until=clock.process(self._course(hub)))
        return RunEnd(self._reason, self.round, float(clock.now), self.energy_j)

    def state(self) -> dict[str, Any]:
        """What the rounds to come depend on, at the end of a round; without the learner's and the
        sink's.
        """
        return {
            "course": {
                "round": self.round,
                "time_s": float(self._clock.now),
                "energy_j": self.energy_j,
                "versions": list(self.versions),
                "made": self._made.copy(),
                "losses": list(self._losses),
                "accuracy": self._accuracy,
            },
            "previous": plain_outcome(self._previous),
            "in_flight": None if self._in_flight is None else self._in_flight.state(),
            "scheme": self.scheme.state(),
            "risk": None if self._risk is None else self._risk.state(),
            "roaming": None if self.roaming is None else self.roaming.state(),
            "logbook": None if self._logbook is None else self._logbook.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on after the round at whose end `state` was taken, in a simulation of the same
        scenario.
        """
        course = state["course"]
        self._clock = Clock(self.tie_seed, course["time_s"])
        self.round, self.energy_j = course["round"], course["energy_j"]
        self.versions, self._losses = list(course["versions"]), list(course["losses"])
        self._accuracy, self._made = course["accuracy"], course["made"]
        self._in_flight = in_flight_of(state["in_flight"])
        self._previous = outcome_of(state["previous"])
        self.scheme.restore(state["scheme"])
        if self._risk is not None:
            self._risk.restore(state["risk"])
        if self.roaming is not None and self._logbook is not None:
            self.roaming.restore(state["roaming"])
            self._logbook.restore(state["logbook"])
        self._resumed = True

    def _course(self, hub: Hub) -> ProcessGenerator:
        """The foundation model's broadcast, if the run has just begun, and the rounds."""
        clock, rules, backhaul = self._clock, self.rules, self.backhaul
        yield clock.at(float(clock.now))  # UEs are there before the first round opens
        if not self._resumed:
            ledger.write_sites(self.sink, self.sites_m, self._core)
            ledger.write_ues(self.sink, self.fleet, self._links)
            yield from foundation_process(
                clock, rules, backhaul, self._links, self._foundation_sent
            )
        yield from core_process(clock, hub, rules, backhaul, self._next_round, self._close)

    @property
    def _core(self) -> int:
        """Site at which the modules are merged."""
        return int(self._links.gnbs[0]) if self.backhaul.core is None else self.backhaul.core

    def _foundation_sent(self, reached_s: FloatArray, heard_s: FloatArray) -> None:
        if heard_s.any():
            spans.write_foundation(self.sink, self._links, self.rules, reached_s, heard_s)
        self._evaluate()
        if self._risk is not None:
            self._risk.start()
        self.sink.close_round(0)
        self._over(None)

    def _next_round(self) -> RoundState | None:
        reason = self._stop_reason()
        if reason is not None:
            self._reason = reason
            return None
        self.round += 1
        links = self.links_at(float(self._clock.now))
        if links is not self._links:
            self._links, self._success = links, self.success_of(links)
        observation = self._observe()
        plan = self.check_plan(self.scheme.name, self.scheme.plan(observation), observation)
        if plan.close_after is not None and not self.rules.stale:
            rule = "close_after needs a run whose uploads may outlast their rounds"
            raise RunError(f"scheme {self.scheme.name}: {rule}")
        if self.transmit_power_w is not None and len(plan.ue):
            plan = replace(plan, power_w=self._open_loop(plan))
        round_ = open_round(
            self._clock,
            self.round,
            plan,
            self.fleet,
            links,
            self.rules,
            self.backhaul,
            self.payload_of(plan.module, plan.rank),
        )
        if self.roaming is not None:
            self.roaming.enter(round_)
        if plan.redeem == "before_uplink":
            self._train(round_)
        if self.rules.stale:
            at = np.array(self.versions), self._made
            carrying.enter(self._clock, round_, self.rules.deadline_s, *at, self._in_flight)
        self.uplink.begin(self._clock, round_)
        return round_

    def _open_loop(self, plan: RoundPlan) -> FloatArray:
        """Power of each row: that of its UE's whole band, divided by share (model-spec 10.7)."""
        assert self.transmit_power_w is not None
        share = np.asarray(np.bincount(plan.ue, weights=plan.share)[plan.ue], dtype=np.float64)
        power = self.transmit_power_w(self._links.gain[plan.ue], self.uplink.bandwidth_hz * share)
        return power * plan.share / share

    def _observe(self) -> Observation:
        links, uplink, flight = self._links, self.uplink, self._in_flight
        available, free = links.available, self._free
        if flight is not None:
            free = flight.free_share(links, float(self._clock.now))
            available = available & (free > 0)
            available[flight.plan.ue] = False
        return Observation(
            round=self.round,
            start_s=float(self._clock.now),
            seed=self.seed,
            gnb=links.gnb,
            available=available,
            free_share=free,
            distance_m=links.distance_m,
            signal_gain=links.gain,
            interference_w=links.interference_w,
            noise_psd_w_hz=links.noise_psd_w_hz,
            compute_energy_j=self.fleet.compute_energy_j,
            samples=self.fleet.samples,
            payload_bits=self.payload_bits,
            payload_of=self.payload_of,
            bandwidth_hz=uplink.bandwidth_hz,
            sinr_threshold=uplink.model.threshold,
            rate_model=uplink.model.kind,
            min_power_w=self.min_power_w,
            max_power_w=self.max_power_w,
            deadline_s=self.rules.deadline_s,
            rounds=self.stop.rounds,
            formulas=self.formulas,
            interferers_follow=uplink.interferers_follow,
            module_gap=partial(self.learner.module_gap, self.round) if self.learner else None,
            success=self._success,
            label_counts=self.fleet.label_counts,
            barrier=self.rules.barrier,
            computed=self._computed,
            channel=partial(uplink.channel, self.round, links),
            previous=self._previous,
        )

    def _computed(
        self, ue: IntArray, module: IntArray, rank: IntArray | None = None
    ) -> tuple[FloatArray, BoolArray]:
        times = timetable(
            ue, module, self.fleet, self._links, self.rules, self.payload_of(module, rank)
        )
        return times.computed_s, times.ready & (times.computed_s <= self.rules.deadline_s)

    def _train(self, round_: RoundState) -> None:
        """Redeem before the uplink, where training decides what is sent; who will be ready is
        known.
        """
        if self.learner is None:
            return
        plan, rows = round_.plan, np.flatnonzero(round_.ready)
        round_.rank = np.full(len(plan.ue), -1)
        round_.rank[rows] = self.learner.compute(self._tickets(round_, rows)).rank
        round_.payload_bits[rows] = self.payload_of(plan.module[rows], round_.rank[rows])

    def _tickets(self, round_: RoundState, rows: IntArray) -> Tickets:
        plan, lineage = round_.plan, round_.lineage
        module, rank = plan.module[rows], None if plan.rank is None else plan.rank[rows]
        if lineage is None:
            return Tickets(self.round, plan.ue[rows], module, np.array(self.versions)[module], rank)
        age = None if lineage.age is None else lineage.age[rows]
        return Tickets(
            self.round, plan.ue[rows], module, lineage.version[rows], rank, lineage.begun[rows], age
        )

    def _close(self, round_: RoundState) -> None:
        """Aggregate what arrived, evaluate, write the round."""
        whole = round_
        if whole.lineage is not None:
            round_, self._in_flight = carrying.leave(whole, self._made)
        arrived = round_.outcome == ON_TIME
        self._aggregate(round_, np.flatnonzero(arrived))
        self.energy_j += round_.energy_j
        if self.round % self.evaluate_every == 0 or self._stop_reason() is not None:
            self._evaluate()
        if self._in_flight is not None and self._stop_reason() is not None:
            paid_j = round_.energy_j
            round_, self._in_flight = carrying.stop(whole, round_), None
            self.energy_j += round_.energy_j - paid_j
            arrived = round_.outcome == ON_TIME
        spans.write_spans(self.sink, round_, self.rules, self.backhaul.core, whole)
        ledger.write_round(self.sink, round_, self.rules, self.uplink.bandwidth_hz, whole)
        if self._logbook is not None:
            self._logbook.close(self.sink, round_)
        if self._risk is not None:
            self._risk.close(round_, self._success)
        self.sink.close_round(self.round)
        self._previous = RoundOutcome(
            round_.plan, arrived, round_.start_s, round_.end_s, round_.rank
        )
        self._over(round_)

    def _aggregate(self, round_: RoundState, arrived: IntArray) -> None:
        """Make new versions of the modules that the rows `arrived` are of."""
        name = round_.plan.aggregation
        if self.rules.stale and name == "average":
            name = "staleness_weighted"
        if self.learner is not None and len(arrived):
            flight = None if self._in_flight is None else self._in_flight.tickets(self.round)
            round_.redeemed = self.learner.redeem(self._tickets(round_, arrived), name, flight)
        changed = np.unique(round_.plan.module[arrived])
        self._made[changed] += 1
        for module in changed.tolist():
            self.versions[module] = self.round

    def _evaluate(self) -> None:
        if self.learner is None:
            return
        rows = self.learner.evaluate()
        now = float(self._clock.now)
        ledger.write_evaluations(self.sink, self.round, now, self.energy_j, rows)
        spans.write_evaluate(self.sink, self.round, self._core, now)
        common = next(r for r in rows if r.target == "ensemble" and r.ue is None)
        self._losses.append(common.loss)
        self._accuracy = common.accuracy

    def _stop_reason(self) -> str | None:
        now_s = float(self._clock.now)
        return self.stop.reason(self.round, now_s, self.energy_j, self._losses, self._accuracy)

    def _over(self, round_: RoundState | None) -> None:
        self._report(round_)
        if self._boundary is not None:
            self._boundary()

    def _report(self, round_: RoundState | None) -> None:
        outcome = round_.outcome if round_ is not None else np.empty(0, dtype=np.int64)
        redeemed = round_.redeemed if round_ is not None else None
        self.listener.round_closed(
            Progress(
                round=self.round,
                time_s=float(self._clock.now),
                energy_j=self.energy_j,
                on_time=int((outcome == ON_TIME).sum()),
                late=int((outcome == LATE).sum()),
                outage=int((outcome == OUTAGE).sum()),
                not_ready=int((outcome == -1).sum()),
                train_loss=float(redeemed.train_loss.mean()) if redeemed else None,
                loss=self._losses[-1] if self._losses else None,
                accuracy=self._accuracy,
            )
        )

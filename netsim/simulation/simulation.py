"""A run: processes on one clock, tickets redeemed at the close of each round, rows to the sink."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from netsim.protocols import (
    Evaluation,
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
from netsim.simulation import ledger, spans
from netsim.simulation.checkpoint import outcome_of, plain_outcome
from netsim.simulation.clock import Clock, ProcessGenerator
from netsim.simulation.core import Backhaul, core_process, foundation_process, open_round
from netsim.simulation.gnb import Hub
from netsim.simulation.medium import NetworkUplink
from netsim.simulation.recording import Logbook
from netsim.simulation.risk import RiskLog
from netsim.simulation.roaming import Roaming
from netsim.simulation.state import Fleet, Links, RoundState, Rules
from netsim.simulation.timetable import timetable
from netsim.simulation.ue import ue_process
from netsim.simulation.uplink import Uplink
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class StopRules:
    """When a run ends, tested between rounds; the first rule that holds gives the reason."""

    rounds: int
    simulated_s: float | None = None
    energy_j: float | None = None
    target_accuracy: float | None = None
    patience_evaluations: int | None = None
    trace_end_s: float | None = None  # nobody is there any more


@dataclass(frozen=True)
class RunEnd:
    """How a run ended."""

    reason: str  # rounds | simulated_s | energy_j | target_accuracy | converged
    rounds: int
    time_s: float
    energy_j: float


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

        `boundary()` is called at the end of every round, where `state()` may be asked for; what it raises
        ends the run.
        """
        clock, self._boundary = self._clock, boundary
        hub = Hub(clock, self.rules.barrier)
        for ue in range(len(self.fleet)):
            clock.process(ue_process(clock, ue, hub))
        clock.run(until=clock.process(self._course(hub)))
        return RunEnd(self._reason, self.round, float(clock.now), self.energy_j)

    def state(self) -> dict[str, Any]:
        """What the rounds to come depend on, at the end of a round; without the learner's and the sink's."""
        return {
            "course": {
                "round": self.round,
                "time_s": float(self._clock.now),
                "energy_j": self.energy_j,
                "versions": list(self.versions),
                "losses": list(self._losses),
                "accuracy": self._accuracy,
            },
            "previous": plain_outcome(self._previous),
            "scheme": self.scheme.state(),
            "risk": None if self._risk is None else self._risk.state(),
            "roaming": None if self.roaming is None else self.roaming.state(),
            "logbook": None if self._logbook is None else self._logbook.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on after the round at whose end `state` was taken, in a simulation of the same scenario."""
        course = state["course"]
        self._clock = Clock(self.tie_seed, course["time_s"])
        self.round, self.energy_j = course["round"], course["energy_j"]
        self.versions, self._losses = list(course["versions"]), list(course["losses"])
        self._accuracy = course["accuracy"]
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
        if not self._resumed:
            ledger.write_sites(self.sink, self.sites_m, self._core)
            ledger.write_ues(self.sink, self.fleet, self._links)
            yield from foundation_process(clock, rules, backhaul, self._links, self._foundation_sent)
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
        self.uplink.begin(self._clock, round_)
        return round_

    def _open_loop(self, plan: RoundPlan) -> FloatArray:
        """Power of each row: that of its UE's whole band, divided by share (model-spec 10.7)."""
        assert self.transmit_power_w is not None
        share = np.asarray(np.bincount(plan.ue, weights=plan.share)[plan.ue], dtype=np.float64)
        power = self.transmit_power_w(self._links.gain[plan.ue], self.uplink.bandwidth_hz * share)
        return power * plan.share / share

    def _observe(self) -> Observation:
        links, uplink = self._links, self.uplink
        return Observation(
            round=self.round,
            start_s=float(self._clock.now),
            seed=self.seed,
            gnb=links.gnb,
            available=links.available,
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
        times = timetable(ue, module, self.fleet, self._links, self.rules, self.payload_of(module, rank))
        return times.computed_s, times.ready

    def _train(self, round_: RoundState) -> None:
        """Redeem before the uplink, where training decides what is sent; who will be ready is known."""
        if self.learner is None:
            return
        plan, rows = round_.plan, np.flatnonzero(round_.ready)
        round_.rank = np.full(len(plan.ue), -1)
        round_.rank[rows] = self.learner.compute(self._tickets(plan, rows)).rank
        round_.payload_bits[rows] = self.payload_of(plan.module[rows], round_.rank[rows])

    def _tickets(self, plan: RoundPlan, rows: IntArray) -> Tickets:
        module, rank = plan.module[rows], None if plan.rank is None else plan.rank[rows]
        return Tickets(self.round, plan.ue[rows], module, np.array(self.versions)[module], rank)

    def _close(self, round_: RoundState) -> None:
        arrived = round_.outcome == ON_TIME
        plan = round_.plan
        if self.learner is not None and arrived.any():
            tickets = self._tickets(plan, np.flatnonzero(arrived))
            round_.redeemed = self.learner.redeem(tickets, plan.aggregation)
        for module in np.unique(plan.module[arrived]).tolist():
            self.versions[module] = self.round
        self.energy_j += float(round_.compute_energy_j.sum() + round_.uplink_energy_j.sum())
        spans.write_spans(self.sink, round_, self.rules, self.backhaul.core)
        ledger.write_round(self.sink, round_, self.rules, self.uplink.bandwidth_hz)
        if self._logbook is not None:
            self._logbook.close(self.sink, round_)
        if self.round % self.evaluate_every == 0 or self._stop_reason() is not None:
            self._evaluate()
        if self._risk is not None:
            self._risk.close(round_, self._success)
        self.sink.close_round(self.round)
        self._previous = RoundOutcome(plan, arrived, round_.start_s, round_.end_s, round_.rank)
        self._over(round_)

    def _evaluate(self) -> None:
        if self.learner is None:
            return
        rows = self.learner.evaluate()
        now = float(self._clock.now)
        write_evaluations(self.sink, self.round, now, self.energy_j, rows)
        spans.write_evaluate(self.sink, self.round, self._core, now)
        common = next(r for r in rows if r.target == "ensemble" and r.ue is None)
        self._losses.append(common.loss)
        self._accuracy = common.accuracy

    def _stop_reason(self) -> str | None:
        stop, patience = self.stop, self.stop.patience_evaluations
        if (
            stop.target_accuracy is not None
            and self._accuracy is not None
            and self._accuracy >= stop.target_accuracy
        ):
            return "target_accuracy"
        if patience is not None and len(self._losses) > patience:
            best_before = min(self._losses[:-patience])
            if min(self._losses[-patience:]) >= best_before:
                return "converged"
        if stop.simulated_s is not None and self._clock.now >= stop.simulated_s:
            return "simulated_s"
        if stop.energy_j is not None and self.energy_j >= stop.energy_j:
            return "energy_j"
        if stop.trace_end_s is not None and self._clock.now > stop.trace_end_s:
            return "trace_end"
        return "rounds" if self.round >= stop.rounds else None

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

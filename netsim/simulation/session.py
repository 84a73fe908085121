"""A run that is stepped round by round: what schemes see, what a plan brings about, what is kept.

simulation.begin()
while not simulation.done:
    outcome = simulation.step(scheme.plan(simulation.observe()))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from netsim.course import Course
from netsim.errors import RunError
from netsim.protocols import (
    Learner,
    Listener,
    Observation,
    RoundOutcome,
    RoundPlan,
    Scheme,
    SuccessModel,
)
from netsim.simulation.clock import Clock
from netsim.simulation.closing import Ending, outcome_of_round
from netsim.simulation.observing import Outlook
from netsim.simulation.opening import open_round, ready_to_send, take_up
from netsim.simulation.processes.core import foundation_times, round_process
from netsim.simulation.processes.hub import Hub
from netsim.simulation.processes.ue import ue_process
from netsim.simulation.state import Links, Round
from netsim.simulation.stores import Stores
from netsim.simulation.system import System
from netsim.simulation.tables.progress import progress_of
from netsim.simulation.tables.writer import TableWriter
from netsim.simulation.training import aggregate, train_before_uplink
from netsim.simulation.uploads.flight import Flight
from netsim.simulation.uploads.under_way import UnderWay
from netsim.stopping import RunEnd

STARTED_AT_A_TIME = 1000
"""UEs; their first events are gone before the next ones come."""

CheckPlan = Callable[[RoundPlan, Observation], RoundPlan]
"""The plan itself if it is feasible; raises RunError otherwise."""


@dataclass
class Simulation:
    """The gNBs that learn, their UEs and the core. `learner` is None in a network-only run."""

    system: System
    check_plan: CheckPlan
    learner: Learner | None
    tables: TableWriter
    listener: Listener
    course: Course = field(init=False)
    _clock: Clock = field(init=False)
    _hub: Hub = field(init=False)
    _links: Links = field(init=False)
    _success: SuccessModel = field(init=False)
    _under_way: UnderWay | None = field(default=None, init=False)  # None: nothing is
    _previous: RoundOutcome | None = field(default=None, init=False)
    _observed: Observation | None = field(default=None, init=False)  # of the next round
    _stores: Stores = field(init=False)

    def __post_init__(self) -> None:
        self.course = Course.start(len(self.system.setting.payloads.bits))
        self._links = self.system.links_at(0.0)
        self._success = self.system.success_of(self._links)
        self._stores = Stores.full(self.system.setting)
        self._start_clock(0.0)

    def _start_clock(self, begin_s: float) -> None:
        """Processes of all UEs, waiting for a round to open.

        They are made in the order in which they will compute: what a round comes to in turn then
        lies side by side in memory.
        """
        self._clock = Clock(self.system.tie_seed, begin_s)
        self._hub = Hub(self._clock, self.system.setting.rules.barrier)
        turn = np.argsort(self.system.setting.fleet.compute_s, kind="stable")
        for place, ue in enumerate(turn.tolist()):
            self._hub.ues[ue] = self._clock.process(ue_process(ue, self._hub))
            if place % STARTED_AT_A_TIME == 0:
                self._settle()
        self._settle()

    def _settle(self) -> None:
        """Let all UEs get to where they wait for the next round."""
        self._clock.run_until(self._clock.at(self.now_s))

    # -- the run, step by step ---------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Simulated time, s."""
        return float(self._clock.now)

    @property
    def done(self) -> bool:
        """The run has come to its end: a stop rule holds."""
        return self._stop_reason() is not None

    @property
    def end(self) -> RunEnd:
        """How the run has ended."""
        reason = self._stop_reason()
        if reason is None:
            raise RunError(f"the run is not over after round {self.course.round}")
        return RunEnd(reason, self.course.round, self.now_s, self.course.energy_j)

    def run(self, scheme: Scheme) -> RunEnd:
        """From the beginning to the end, as the scheme plans."""
        self.begin()
        while not self.done:
            self.step(scheme.plan(self.observe()))
        return self.end

    def begin(self) -> None:
        """What comes before the first round: the foundation model's broadcast, an evaluation."""
        self.tables.begin(self._links, self._core)
        if not self.system.setting.rules.foundation_every_round:
            self._send_foundation()
        self._evaluate()
        self.tables.before_rounds()
        self.listener.round_closed(progress_of(self.course, self.now_s, None, None))

    def observe(self) -> Observation:
        """What a scheme may know when it plans the next round."""
        if self._observed is None:
            outlook = Outlook(
                system=self.system,
                links=self._update_links(),
                success=self._success,
                learner=self.learner,
                under_way=self._under_way,
                previous=self._previous,
                round=self.course.round + 1,
                now_s=self.now_s,
                alive=self._stores.alive,
            )
            self._observed = outlook.observation()
        return self._observed

    def step(self, plan: RoundPlan) -> RoundOutcome:
        """Carry out a plan for the round that was observed last. Raises RunError if it can't be."""
        if self.done:
            raise RunError(f"the run is over after round {self.course.round}: {self.end.reason}")
        plan = self._checked(plan)
        self._observed = None
        self.course.round += 1
        round_, flight = self._open(plan)
        setting = self.system.setting
        process = round_process(
            self._clock, self._hub, round_, flight, rules=setting.rules, core=setting.core
        )
        self._clock.run_until(self._clock.process(process))
        return self._close(round_, flight)

    # -- a round opens -----------------------------------------------------------------------------

    def _checked(self, plan: RoundPlan) -> RoundPlan:
        observation = self.observe()
        plan = self.check_plan(plan, observation)
        if plan.close_after is not None and not self.system.setting.rules.stale:
            raise RunError("close_after needs a run whose uploads may outlast their rounds")
        return self.system.as_sent(plan, self._links, observation.free_share)

    def _open(self, plan: RoundPlan) -> tuple[Round, Flight]:
        """The round of a plan, with its uploads and those under way."""
        system, setting = self.system, self.system.setting
        round_ = open_round(
            setting,
            self._links,
            plan,
            self.course.versions,
            number=self.course.round,
            start_s=self.now_s,
            cache=self._stores.cache,
        )
        moves = [] if system.roaming is None else system.roaming.enter(round_)
        self._stores.enter(round_)
        if plan.redeem == "before_uplink" and self.learner is not None:
            train_before_uplink(self.learner, round_, setting.payloads)
        ready_to_send(round_.uploads)
        sent = None
        if self._under_way is not None:
            sent = self._under_way.segments
            round_ = take_up(round_, self._under_way.uploads, setting.rules.deadline_s)
        return round_, system.flight(round_, moves, sent)

    def _update_links(self) -> Links:
        """Links as they are now."""
        links = self.system.links_at(self.now_s)
        if links is not self._links:
            self._links, self._success = links, self.system.success_of(links)
        return links

    # -- a round ends ------------------------------------------------------------------------------

    def _close(self, round_: Round, flight: Flight) -> RoundOutcome:
        """Aggregate what arrived, evaluate, write the round."""
        round_.uploads = flight.uploads
        setting, course = self.system.setting, self.course
        ending = Ending(
            round=round_, flight=flight, fleet=setting.fleet, versions=course.made.copy()
        )
        books, self._under_way = ending.books()
        changed = aggregate(
            self.learner,
            round_,
            books,
            under_way=self._under_way,
            versions=course.made,
            stale=setting.rules.stale,
        )
        course.change(changed)
        spent_j = books.energy_j + self._stores.close(round_, books)
        course.energy_j += spent_j
        if course.round % self.system.evaluate_every == 0 or self.done:
            self._evaluate()
        if self._under_way is not None and self.done:
            books, self._under_way = ending.last_books(), None
            course.energy_j += books.energy_j + self._stores.close(round_, books) - spent_j

        self.tables.close(round_, books, self._success)
        trained = round_.plan.redeem == "before_uplink" and self.learner is not None
        self._previous = outcome_of_round(round_, books, sent_ranks=trained)
        if flight.outlasts:
            self._hub.recall()
            self._settle()
        progress = progress_of(course, self.now_s, books, round_.redeemed)
        self.listener.round_closed(progress)
        return self._previous

    # -- around the rounds -------------------------------------------------------------------------

    def _send_foundation(self) -> None:
        """Takes the time of the foundation model's broadcast."""
        setting = self.system.setting
        reached_s, heard_s = foundation_times(
            self._links, setting.rules, setting.payloads, setting.core
        )
        self._clock.run_until(self._clock.at(float(heard_s.max(initial=0.0))))
        if heard_s.any():
            spent_j = self.tables.foundation(self._links, reached_s, heard_s)
            self.course.energy_j += spent_j

    def _evaluate(self) -> None:
        """Measure the modules; takes no simulated time."""
        if self.learner is None:
            return
        rows = self.learner.evaluate()
        self.tables.evaluation(self.course, self._core, self.now_s, rows)
        common = next(row for row in rows if row.target == "ensemble" and row.ue is None)
        self.course.losses.append(common.loss)
        self.course.accuracy = common.accuracy

    @property
    def _core(self) -> int:
        """Site at which the modules are merged."""
        core = self.system.setting.core.core
        return int(self._links.gnbs[0]) if core is None else core

    def _stop_reason(self) -> str | None:
        return self.course.stop_reason(self.system.stop, self.now_s)

    # -- checkpoints -------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """What the rounds to come depend on, between two rounds; without learner and sink."""
        roaming = self.system.roaming
        under_way = self._under_way
        return {
            "time_s": self.now_s,
            "course": self.course.state(),
            "previous": None if self._previous is None else self._previous.state(),
            "under_way": None if under_way is None else under_way.state(),
            "roaming": None if roaming is None else roaming.state(),
            "tables": self.tables.state(),
            "stores": self._stores.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on after the round at whose end `state` was taken, instead of beginning."""
        self.course = Course.restored(state["course"])
        self._under_way = UnderWay.restored(state["under_way"])
        self._previous = RoundOutcome.restored(state["previous"])
        if self.system.roaming is not None:
            self.system.roaming.restore(state["roaming"])
        self.tables.restore(state["tables"])
        self._stores.restore(state["stores"])
        self._start_clock(state["time_s"])

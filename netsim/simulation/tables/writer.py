"""Writes all tables of a run: what comes before its rounds, and each round when it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from netsim.allocation.pairing import pair_columns
from netsim.course import Course
from netsim.protocols import Evaluation, Learner, RecordSink, SuccessModel
from netsim.simulation.state import Links, Round
from netsim.simulation.system import System
from netsim.simulation.tables.closed import ClosedRound
from netsim.simulation.tables.evaluations import write_evaluations
from netsim.simulation.tables.logbook import Logbook
from netsim.simulation.tables.risk import RiskLog
from netsim.simulation.tables.rounds import write_rounds
from netsim.simulation.tables.spans import write_evaluate, write_foundation, write_spans
from netsim.simulation.tables.subscriptions import write_subscriptions
from netsim.simulation.tables.ues import write_sites, write_ues
from netsim.simulation.tables.uploads import write_uploads
from netsim.simulation.uploads.outcomes import Books
from netsim.theory.risk_monitor import RiskMonitor
from netsim.units import FloatArray


@dataclass
class TableWriter:
    """Knows the sink, and what the rows to come depend on."""

    sink: RecordSink
    system: System
    learner: Learner | None
    _logbook: Logbook | None = field(default=None, init=False)
    _risk: RiskLog | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        system = self.system
        if system.roaming is not None:
            self._logbook = Logbook(system.roaming, system.uplink, system.records)
        if system.log_risk and self.learner is not None:
            self._risk = RiskLog(
                learner=self.learner,
                sink=self.sink,
                monitor=RiskMonitor(system.formulas, len(system.setting.fleet)),
                bandwidth_hz=system.uplink.bandwidth_hz,
            )

    def begin(self, links: Links, core: int) -> None:
        """Sites and UEs, before anything happens."""
        write_sites(self.sink, self.system.sites_m, core)
        write_ues(
            self.sink,
            self.system.setting.fleet,
            links,
        )

    def foundation(
        self,
        links: Links,
        reached_s: FloatArray,
        heard_s: FloatArray,
    ) -> float:
        """The foundation model's broadcast before the first round. Gives its energy, J."""
        setting = self.system.setting
        return write_foundation(
            self.sink,
            links,
            setting.payloads.foundation_bits,
            reached_s,
            heard_s,
            setting.fleet.power.receive_w,
        )

    def evaluation(
        self,
        course: Course,
        core: int,
        now_s: float,
        rows: Sequence[Evaluation],
    ) -> None:
        """An evaluation at the end of the course's round."""
        write_evaluations(
            self.sink,
            course.round,
            now_s,
            course.energy_j,
            rows,
        )
        write_evaluate(self.sink, course.round, core, now_s)

    def before_rounds(self) -> None:
        """All that comes before the first round has been."""
        if self._risk is not None:
            self._risk.start()
        self.sink.close_round(0)

    def close(
        self,
        round_: Round,
        books: Books,
        success: SuccessModel,
    ) -> None:
        """A round is over."""
        setting = self.system.setting
        closed = ClosedRound(
            round=round_,
            books=books,
            rules=setting.rules,
            payloads=setting.payloads,
            bandwidth_hz=self.system.uplink.bandwidth_hz,
            core=setting.core.core,
        )
        write_spans(self.sink, closed)
        write_uploads(self.sink, closed)
        ues, modules = len(setting.fleet), len(setting.payloads.bits)
        write_subscriptions(self.sink, round_, ues, modules)
        write_rounds(self.sink, closed)
        if round_.plan.partner is not None:
            found = pair_columns(round_.plan, round_.links.gnb, round_.links.gain)
            self.sink.write("pairs", {"round": round_.number, **found})
        if round_.plan.sums is not None:
            self.sink.write("masked_sums", {"round": round_.number, **round_.plan.sums.columns()})
        if self._logbook is not None:
            self._logbook.close(self.sink, round_, books)
        if self._risk is not None:
            self._risk.close(round_, success)
        self.sink.close_round(round_.number)

    def state(self) -> dict[str, Any]:
        """What the rows to come depend on."""
        return {
            "logbook": None if self._logbook is None else self._logbook.state(),
            "risk": None if self._risk is None else self._risk.monitor.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        if self._logbook is not None:
            self._logbook.restore(state["logbook"])
        if self._risk is not None:
            self._risk.monitor.restore(state["risk"])

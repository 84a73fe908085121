"""A round ends: which uploads are over, which go on, and what stops when the run does."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from netsim.device.circuits import answered_s
from netsim.device.fleet import Fleet
from netsim.protocols import Exchange, RoundOutcome, RoundPlan
from netsim.simulation.motion.leaving import break_off
from netsim.simulation.state import Round
from netsim.simulation.uploads.flight import Flight
from netsim.simulation.uploads.outcomes import Books, books_of
from netsim.simulation.uploads.segments import segments_of
from netsim.simulation.uploads.table import Uploads
from netsim.simulation.uploads.under_way import UnderWay, over_by
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Ending:
    """A round that has just ended, with its flight halted."""

    round: Round
    flight: Flight
    fleet: Fleet
    versions: IntArray  # [N] how many each module has had, before what arrived is aggregated

    @property
    def cut_s(self) -> FloatArray:
        """[M] when the rows' gNBs stopped collecting uploads."""
        return self.round.cells.cut_s[self.round.cell]

    def books(self) -> tuple[Books, UnderWay | None]:
        """The books of uploads that are over, and those that go on."""
        uploads, log = self.flight.uploads, self.flight.on_air.log
        if not self.flight.outlasts:
            return self._books_of(slice(None)), None
        over = over_by(uploads, self.cut_s)
        goes_on = UnderWay.of(
            uploads,
            log,
            np.flatnonzero(~over),
        )
        if goes_on is not None and (circuit_s := self._circuit_s) is not None:
            goes_on.uploads.circuit_s = circuit_s[~over]
        return self._books_of(over), goes_on

    def last_books(self) -> Books:
        """The books of the run's last round: all that would go on has stopped, and has paid."""
        uploads = self.flight.uploads
        cut_s = self.cut_s
        rows = np.flatnonzero(~over_by(uploads, cut_s))
        self.flight.stop(
            rows,
            self.round.cell[rows],
            cut_s[rows],
        )
        _stop_computing(uploads, rows, cut_s[rows])
        return self._books_of(slice(None))

    def _books_of(self, rows: BoolArray | slice) -> Books:
        circuit_s = self._circuit_s
        return books_of(
            self.flight.uploads.select(rows),
            self.flight.on_air.log,
            self.cut_s[rows],
            circuit_s=None if circuit_s is None else circuit_s[rows],
            versions=self.versions,
            fleet=self.fleet,
        )

    @property
    def _circuit_s(self) -> FloatArray | None:
        """[M] for how long rows answer for their UEs' circuits; None: these draw nothing."""
        if not self.fleet.power.circuit_w:
            return None
        uploads = self.flight.uploads
        sent = segments_of(uploads, self.flight.on_air.log)
        return answered_s(uploads, *sent, since_s=self.round.start_s)


def _stop_computing(
    uploads: Uploads,
    rows: IntArray,
    cut_s: FloatArray,
) -> None:
    """End downloads and computing of `rows` [R] at `cut_s`; a UE still busy then is not ready."""
    until_s = np.full(len(uploads), np.inf)
    until_s[rows] = cut_s
    busy = uploads.computed_s > until_s
    break_off(uploads, until_s)
    uploads.ready = uploads.ready & ~busy


def outcome_of_round(
    round_: Round,
    books: Books,
    *,
    sent_ranks: bool,
) -> RoundOutcome:
    """What schemes are told of it; sent_ranks: training has decided what was sent."""
    uploads = books.uploads
    train_loss, loss_rms = np.full((2, len(uploads)), np.nan)
    if round_.redeemed is not None:
        train_loss[books.learnt] = round_.redeemed.train_loss
        loss_rms[books.learnt] = round_.redeemed.loss_rms
    return RoundOutcome(
        plan=_plan_of(round_.plan, uploads),
        on_time=books.on_time,
        start_s=round_.start_s,
        end_s=round_.end_s,
        rank=uploads.rank_sent if sent_ranks else None,
        heard=uploads.compute_done > 0,
        took_s=uploads.end_s - uploads.opened_s,
        train_loss=train_loss,
        loss_rms=loss_rms,
    )


def _plan_of(plan: RoundPlan, uploads: Uploads) -> RoundPlan:
    """A plan with the rows of uploads in place of its own."""
    return replace(
        plan,
        ue=uploads.ue,
        module=uploads.module,
        share=uploads.share,
        power_w=uploads.power_w,
        rank=uploads.trained_rank,
        exchange=Exchange(uploads.trained, uploads.sent),
        sums=None,
    )

"""A round opens: rows for its plan, the gNBs' times, and the rows still under way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from netsim.arrays import Recent, group_starts
from netsim.course import Versions
from netsim.device.fleet import Fleet
from netsim.device.timetable import Timetable, timetable
from netsim.errors import RunError
from netsim.protocols import WHOLE_MODULES, Needs, RoundPlan
from netsim.radio.downlink import ModuleCache
from netsim.radio.multicast import bits_once, broadcast_slots
from netsim.simulation.state import Cells, Links, Payloads, Round, Rules
from netsim.simulation.uploads.table import NO_RANK, Uploads
from netsim.topology.core_links import CoreLinks
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Demands:
    """What goes over the air for the M rows of a plan at G gNBs; must not be written into."""

    payload_bits: FloatArray  # [M] of the uploads
    needs: Needs  # [M] before them
    model_bits: FloatArray  # [G] that the gNBs need


@dataclass(frozen=True)
class Setting:
    """What rounds are made from, the same for the whole run."""

    fleet: Fleet
    rules: Rules
    payloads: Payloads
    core: CoreLinks
    _timetables: Recent[Timetable] = field(default_factory=Recent, init=False)
    _demands: Recent[Demands] = field(default_factory=Recent, init=False)

    @property
    def foundation_bits_per_round(self) -> float:
        """Of the foundation model, broadcast before the modules in every round."""
        return self.payloads.foundation_bits if self.rules.foundation_every_round else 0.0

    def demands(self, links: Links, plan: RoundPlan) -> Demands:
        """What goes over the air for a plan. Those of whole modules are often asked for again."""
        if plan.exchange is not WHOLE_MODULES or plan.rank is not None:
            return self._demands_of(links, plan)
        return self._demands.of(
            links,
            (plan.ue, plan.module),
            lambda: self._demands_of(links, plan),
        )

    def _demands_of(self, links: Links, plan: RoundPlan) -> Demands:
        needs = plan.needs(self.payloads.down_of, self.payloads.work_of)
        model_bits = bits_once(
            np.searchsorted(links.gnbs, links.gnb[plan.ue]),
            plan.module,
            needs.down_bits,
            len(links.gnbs),
        )
        return Demands(plan.up_bits(self.payloads.size_of), needs, model_bits)

    def timetable(
        self,
        links: Links,
        ue: IntArray,
        module: IntArray,
        needs: Needs,
        round: int | None = None,
        wanted: BoolArray | None = None,
    ) -> Timetable:
        """Broadcasts and computing of rows [M], from the round's start at the gNB.

        round: in which fading is drawn; None: as planned.
        wanted: rows that lack the module.
        """
        rows = (
            links,
            ue,
            module,
            needs,
        )
        if wanted is not None or self.rules.downlink.model is not None:
            return self._timetable(*rows, round, wanted)
        return self._timetables.of(
            links,
            (
                ue,
                module,
                needs.down_bits,
                needs.own_down_bits,
                needs.work,
            ),
            lambda: self._timetable(*rows),
        )

    def _timetable(
        self,
        links: Links,
        ue: IntArray,
        module: IntArray,
        needs: Needs,
        round: int | None = None,
        wanted: BoolArray | None = None,
    ) -> Timetable:
        rules = self.rules
        efficiency = rules.downlink.efficiency(links.downlink_efficiency, round)
        slots = broadcast_slots(
            links.gnb[ue],
            module,
            needs.down_bits,
            own_bits=needs.own_down_bits,
            efficiency=efficiency[ue],
            downlink_hz=rules.downlink.bandwidth_hz,
            foundation_bits=self.foundation_bits_per_round,
            wanted=wanted,
            unicast=rules.downlink.unicast,
        )
        return timetable(
            ue,
            links.gnb[ue],
            slots,
            needs.down_bits * (wanted is None or wanted) + needs.own_down_bits,
            compute_s=self.fleet.compute_s[ue] * needs.work,
            limit_s=rules.last_compute_s,
            gives_up_s=rules.deadline_s,
            barrier=rules.barrier,
        )


def open_round(
    setting: Setting,
    links: Links,
    plan: RoundPlan,
    versions: Versions,
    *,
    number: int,
    start_s: float,
    cache: ModuleCache | None = None,
) -> Round:
    """A round that starts now at the core, with the rows of its plan.

    cache: what UEs hold already, and of which they hear nothing again.
    """
    demands = setting.demands(links, plan)
    needs = demands.needs
    cells = _cells(setting.core, links, plan, demands.model_bits, start_s)
    made_in = versions.made_in[plan.module]
    rows = plan.ue, plan.module, made_in, needs.down_bits
    times = setting.timetable(
        links,
        plan.ue,
        plan.module,
        needs,
        round=number,
        wanted=None if cache is None else cache.missing(*rows),
    )
    begin_s = cells.open_s[cells.index_of(links.gnb[plan.ue])]
    uploads = _planned(plan, links, times, begin_s, demands.payload_bits.copy())
    uploads.begun_round[:] = number
    uploads.version = made_in
    uploads.trained[:], uploads.sent[:] = plan.exchange.trained, plan.exchange.sent_parts
    uploads.work, uploads.down_bits = needs.work, needs.down_bits
    uploads.pruned[:] = plan.exchange.pruned
    if plan.partner is not None:
        uploads.partner = plan.partner
    uploads.versions_before = versions.count[plan.module]
    _time_uploads(uploads, setting.rules, number, needs.server_s)
    return Round(number, start_s, plan, links, cells, uploads)


def _time_uploads(uploads: Uploads, rules: Rules, number: int, server_s: FloatArray) -> None:
    """Uploads begin once they are granted, and end by the deadline, unless they outlast it.

    server_s: [M] that their UEs wait for their gNB's computing.
    """
    uploads.access_s = rules.access.delay_s(uploads.ue, uploads.module, number) + server_s
    uploads.upload_start_s += uploads.access_s
    uploads.deadline_s = uploads.opened_s + rules.deadline_s
    if not rules.stale:
        uploads.stop_s = uploads.deadline_s
        uploads.upload_start_s = np.minimum(uploads.upload_start_s, uploads.stop_s)


def _cells(
    core: CoreLinks, links: Links, plan: RoundPlan, model_bits: FloatArray, start_s: float
) -> Cells:
    """The round's gNBs, which begin once they have got the modules from the core."""
    if plan.from_core_bits is not None:
        model_bits = np.full(
            len(links.gnbs),
            plan.from_core_bits,
        )
    wanted = zip(
        links.gnbs.tolist(),
        model_bits.tolist(),
        strict=True,
    )
    down_s = np.array([core.delay_s(site, bits) for site, bits in wanted])
    return Cells(links.gnbs, start_s + down_s, model_bits)


def _planned(
    plan: RoundPlan,
    links: Links,
    times: Timetable,
    begin_s: FloatArray,
    payload_bits: FloatArray,
) -> Uploads:
    """One row for each of the plan's, in rounds that begin at its gNB at `begin_s` [M]."""
    count = len(plan.ue)
    rank = np.full(count, NO_RANK) if plan.rank is None else plan.rank
    gnb = links.gnb[plan.ue]
    leads = np.zeros(count, dtype=bool)
    leads[group_starts(plan.ue)] = True
    return Uploads(
        serial=np.arange(count),
        ue=plan.ue,
        leads=leads,
        module=plan.module,
        gnb=gnb,
        rank=rank,
        rank_sent=rank,
        payload_bits=payload_bits,
        share=plan.share,
        power_w=plan.power_w,
        opened_s=begin_s,
        slot_start_s=begin_s + times.slot_start_s,
        slot_end_s=begin_s + times.slot_end_s,
        slot_bits=times.slot_bits,
        compute_start_s=begin_s + times.compute_start_s,
        compute_end_s=begin_s + times.compute_end_s,
        compute_done=times.compute_done,
        downloaded_s=begin_s + times.downloaded_s,
        computed_s=begin_s + times.computed_s,
        ready=times.ready,
        upload_start_s=begin_s + times.upload_start_s,
        left_bits=payload_bits.copy(),
        band=plan.share.copy(),
        site=gnb.copy(),
    )


def ready_to_send(uploads: Uploads) -> None:
    """Rows go on the air when their uploads start, with the payloads they have now."""
    uploads.start_s = uploads.upload_start_s.copy()
    uploads.segment_start_s = uploads.upload_start_s.copy()
    uploads.left_bits = uploads.payload_bits.copy()


def take_up(
    round_: Round,
    under_way: Uploads,
    deadline_s: float,
) -> Round:
    """The round with rows of earlier rounds, too; no UE has rows of both kinds.

    All are ordered by (ue, module).
    """
    own = round_.uploads
    _same_kind_of_rank(own, under_way)
    own.serial = own.serial + int(under_way.serial.max()) + 1
    ue = np.append(own.ue, under_way.ue)
    module = np.append(own.module, under_way.module)
    uploads = own.join(under_way, np.lexsort((module, ue)))
    cell = round_.cells.index_of(uploads.gnb)
    uploads.deadline_s = round_.cells.open_s[cell] + deadline_s
    return replace(round_, uploads=uploads)


def _same_kind_of_rank(own: Uploads, under_way: Uploads) -> None:
    """Tickets of one redemption all have ranks, or none has."""
    found = {bool(r) for rank in (own.rank, under_way.rank) for r in (rank == NO_RANK).tolist()}
    if len(found) > 1:
        rule = "a scheme whose uploads outlast rounds must give ranks in every round, or in none"
        raise RunError(rule)


def heard_of(round_: Round) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    """UEs, modules, versions and bits of what was computed on in a round."""
    uploads = round_.uploads.select(round_.uploads.compute_done > 0)
    return uploads.ue, uploads.module, uploads.version, uploads.down_bits

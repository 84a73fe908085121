"""All that stays the same during a run, made by the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from netsim.allocation.reallocation import Division
from netsim.changing_channel import ChangingChannel
from netsim.protocols import RoundPlan, SuccessModel
from netsim.radio.nr.shares import on_whole_blocks
from netsim.radio.power_control import Powers
from netsim.simulation.air.field import FieldUplink
from netsim.simulation.air.network import NetworkUplink
from netsim.simulation.air.protocol import Air
from netsim.simulation.motion.roaming import Roaming
from netsim.simulation.opening import Setting
from netsim.simulation.state import Links, Round, RoundSpan
from netsim.simulation.uploads.advance import OnAir
from netsim.simulation.uploads.band import ReallocatedBand, StaticBand
from netsim.simulation.uploads.flight import Flight
from netsim.simulation.uploads.segments import SegmentLog, Segments, nothing_sent
from netsim.simulation.uploads.table import Uploads
from netsim.simulation.uploads.transfers import Move, Transfers
from netsim.stopping import StopRules
from netsim.units import FloatArray


@dataclass(frozen=True)
class System:
    """Sites, UEs, the air between them and the rules."""

    seed: int
    sites_m: FloatArray  # [S, 2]
    setting: Setting
    uplink: FieldUplink | NetworkUplink
    powers: Powers
    links_at: Callable[[float], Links]  # at a time, s
    success_of: Callable[[Links], SuccessModel]
    channel_of: Callable[[int, Links], tuple[FloatArray, FloatArray]]  # as it will be in a round
    formulas: str  # corrected | paper
    stop: StopRules
    evaluate_every: int = 1  # rounds
    log_risk: bool = False
    roaming: Roaming | None = None  # None: nothing changes during a round
    records: bool = False  # places and channels
    tie_seed: int | None = None  # shuffles simultaneous events, for tests
    superpose: Callable[[Air, Uploads], Air] | None = None  # None: each upload has its own band

    def as_sent(
        self,
        plan: RoundPlan,
        links: Links,
        free_share: FloatArray,
    ) -> RoundPlan:
        """The plan on whole resource blocks, where a band has them, with the powers that are used.

        Uploads for which no block is left wait: they are not in the plan. free_share: what is free
        of the band of each UE's gNB, [K].
        """
        blocks = self.uplink.model.band_blocks
        if blocks is not None and len(plan.ue):
            share = on_whole_blocks(
                plan.share,
                links.gnb[plan.ue],
                free_share[plan.ue],
                blocks,
            )
            plan = replace(plan, share=share).select(share > 0)
        return self.powers.of(
            plan,
            links.gain,
            self.uplink.bandwidth_hz,
        )

    @property
    def changing(self) -> ChangingChannel | None:
        """What changes during a round."""
        return None if self.roaming is None else self.roaming.changing

    def flight(
        self,
        round_: Round,
        moves: list[Move],
        sent: Segments | None,
    ) -> Flight:
        """The uploads of a round that opens; `sent`: what those under way have sent before."""
        outlasts = self.setting.rules.stale
        deadline_s = float(round_.uploads.deadline_s.max(initial=round_.start_s))
        horizon_s = deadline_s if outlasts else np.inf
        span = RoundSpan(
            round_.number,
            round_.start_s,
            deadline_s,
            horizon_s,
        )
        air: Air = self.uplink.open(
            span,
            round_.links,
            self.changing,
        )
        if self.superpose is not None:
            air = self.superpose(air, round_.uploads)
        on_air = OnAir(
            uploads=round_.uploads,
            air=air,
            band=self._band(round_),
            log=SegmentLog(nothing_sent(round_.uploads) if sent is None else sent),
            retransmissions=self.uplink.retransmissions,
        )
        return Flight(on_air, Transfers.of(moves), outlasts)

    def _band(self, round_: Round) -> StaticBand | ReallocatedBand:
        """How the gNBs divide their bands in a round."""
        uplink = self.uplink
        if not uplink.reallocates:
            return StaticBand()
        division = Division(
            bandwidth_hz=uplink.bandwidth_hz,
            one_rate=uplink.model.kind == "threshold",
            max_power_w=uplink.max_power_w,
            interferers_follow=uplink.interferers_follow,
            gain=round_.links.gain,
            interference_w=round_.links.interference_w,
            noise_psd_w_hz=round_.links.noise_psd_w_hz,
        )
        return ReallocatedBand.of(
            division,
            round_.uploads,
            len(self.sites_m),
        )

"""What a scheme may know when it plans a round."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from netsim.protocols import (
    WHOLE_MODULES,
    Exchange,
    Learner,
    LocalLoss,
    LocalLosses,
    Observation,
    RoundOutcome,
    SuccessModel,
)
from netsim.simulation.state import Links
from netsim.simulation.system import System
from netsim.simulation.uploads.under_way import UnderWay
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Outlook:
    """The facts before a round."""

    system: System
    links: Links
    success: SuccessModel
    learner: Learner | None
    under_way: UnderWay | None  # None: no upload is
    previous: RoundOutcome | None  # None: it is the first round
    round: int
    now_s: float
    alive: BoolArray | None = None  # [K] has energy; None: all

    def observation(self) -> Observation:
        """As schemes see it."""
        system, setting, links = self.system, self.system.setting, self.links
        uplink, powers, fleet = system.uplink, system.powers, setting.fleet
        available, free_share = self._availability()
        return Observation(
            round=self.round,
            start_s=self.now_s,
            seed=system.seed,
            gnb=links.gnb,
            available=available,
            free_share=free_share,
            distance_m=links.distance_m,
            signal_gain=links.gain,
            interference_w=links.interference_w,
            noise_psd_w_hz=links.noise_psd_w_hz,
            compute_energy_j=fleet.compute_energy_j,
            samples=fleet.samples,
            payload_bits=setting.payloads.bits,
            payload_of=setting.payloads.size_of,
            unencoded_of=setting.payloads.unencoded_of,
            bandwidth_hz=uplink.bandwidth_hz,
            sinr_threshold=uplink.model.threshold,
            rate_model=uplink.model.kind,
            min_power_w=powers.min_w,
            max_power_w=powers.max_w,
            deadline_s=setting.rules.deadline_s,
            rounds=system.stop.rounds,
            formulas=system.formulas,
            interferers_follow=uplink.interferers_follow,
            local_loss=self._local_loss(),
            success=self.success,
            label_counts=fleet.label_counts,
            barrier=setting.rules.barrier,
            computed=self._computed,
            channel=partial(system.channel_of, self.round, links),
            previous=self.previous,
            rate_factor=uplink.model.planned.factor,
            sinr_gap=uplink.model.planned.gap,
            training=fleet.training,
            sent_power_w=powers.in_equal_shares(links.gain, links.gnb, uplink.bandwidth_hz),
        )

    def _availability(self) -> tuple[BoolArray, FloatArray]:
        """(may be scheduled [K], free part of the gNB's band [K])."""
        available = self.links.available
        if self.alive is not None:
            available = available & self.alive
        if self.under_way is None:
            return available, np.ones(len(self.links))
        free_share = self.under_way.free_share(self.links, self.now_s)
        available = available & (free_share > 0)
        available[self.under_way.uploads.ue] = False
        return available, free_share

    def _local_loss(self) -> LocalLoss | None:
        if self.learner is None:
            return None
        return LocalLosses(
            self.learner,
            self.round,
            len(self.links),
        )

    def _computed(
        self,
        ue: IntArray,
        module: IntArray,
        rank: IntArray | None = None,
        exchange: Exchange = WHOLE_MODULES,
    ) -> tuple[FloatArray, BoolArray]:
        """As `Observation.computed`."""
        setting = self.system.setting
        sizes = setting.payloads
        needs = exchange.needs(sizes.down_of, sizes.work_of, module, rank)
        times = setting.timetable(self.links, ue, module, needs)
        ready_s = times.computed_s + setting.rules.access.delay_s(ue, module) + needs.server_s
        return ready_s, times.ready & (ready_s <= setting.rules.deadline_s)

"""The `risk` table, on request: the measured risk gap beside its bound, one row per round.

lambda is the plan's, or that of the plan's shares and powers where the scheme gives none; beta is 1
where the UE was subscribed and ready.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.protocols import Learner, RecordSink, SuccessModel
from netsim.simulation.state import Round
from netsim.theory.risk_monitor import RiskMonitor, RiskRow
from netsim.units import FloatArray


@dataclass
class RiskLog:
    """Probes the learner and writes rows; round 0 has no bound."""

    learner: Learner
    sink: RecordSink
    monitor: RiskMonitor
    bandwidth_hz: float

    def start(self) -> None:
        """Before training."""
        self._write(0, self.monitor.measure(self.learner.probe()))

    def close(
        self,
        round_: Round,
        success: SuccessModel,
    ) -> None:
        """After the round's modules are made."""
        uploads = round_.uploads
        subscribed = np.zeros(self.monitor.shape)
        subscribed[uploads.ue[uploads.ready], uploads.module[uploads.ready]] = 1.0
        bound = self.monitor.bound(self._lambda(round_, success), subscribed)
        measured = self.monitor.measure(self.learner.probe())
        self._write(round_.number, {**bound, **measured})

    def _write(
        self,
        number: int,
        row: RiskRow,
    ) -> None:
        """What is not known is null."""
        self.sink.write("risk", {"round": [number], **row})

    def _lambda(
        self,
        round_: Round,
        success: SuccessModel,
    ) -> FloatArray:
        """Success probability of the plan's uploads, the plan's own where it gives one. [K, N]."""
        if round_.plan.success_probability is not None:
            return round_.plan.success_probability
        uploads = round_.uploads
        left_s = uploads.deadline_s - uploads.upload_start_s
        lam = np.zeros(self.monitor.shape)
        lam[uploads.ue, uploads.module] = success.probability(
            uploads.ue,
            self.bandwidth_hz * uploads.share,
            uploads.power_w,
            uploads.payload_bits,
            float(left_s.max(initial=0.0)),
        )
        return lam

"""The uplink: how the uploads of a round end, given their start, share and power."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from netsim.errors import ScenarioError
from netsim.radio.fading import block_fading, upload_fading
from netsim.radio.interference import PoissonField
from netsim.radio.link import Transmission, sinr, transmit_blocks, transmit_constant
from netsim.simulation.state import Cell, RoundState
from netsim.units import FloatArray, IntArray

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class Uplink:
    """Orthogonal channels in the cell, Poisson interferers from outside, Rayleigh fading."""

    seed: int
    bandwidth_hz: float
    noise_psd_w_hz: float
    threshold: float  # linear
    field: PoissonField  # of interferers at its power, P_max
    interferers_follow: bool  # they send with the power of the UE they disturb instead
    coherence_s: float | None  # None: one fading draw per upload

    def channel(self, round: int, cell: Cell) -> tuple[FloatArray, FloatArray]:
        """(channel gain with fading [K], interference in W [K]) of the uploads of a round (round fading)."""
        if self.coherence_s is not None:
            raise ScenarioError(
                "perfect channel knowledge needs one fading draw per upload",
                where="scenario: radio.fading",
                value="block",
            )
        interferers = self.field.draw(self.seed, round, cell.distance_m)
        h = upload_fading(self.seed, round, len(cell))
        return h * cell.gain, interferers.upload_power_w()

    def transmit(self, round_: RoundState, cell: Cell) -> None:
        """Fill in how every upload of ready UEs ends; rows that are not ready are left empty."""
        on_air = np.flatnonzero(round_.ready)
        plan = round_.plan
        ue, share = plan.ue[on_air], plan.share[on_air]
        bandwidth = self.bandwidth_hz * share
        power = plan.power_w[on_air]
        noise = self.noise_psd_w_hz * bandwidth
        # a UE with several modules hears the interference of its whole band, each row its part
        level = share / np.bincount(ue, weights=share)[ue]
        if self.interferers_follow:
            ue_power = np.bincount(ue, weights=power)[ue]
            level = level * ue_power / self.field.power_w
        start, bits = round_.upload_start_s[on_air], round_.payload_bits[on_air]
        result: Transmission
        if self.coherence_s is None:
            gain, interference = self.channel(round_.number, cell)
            ratio = sinr(power * gain[ue], level * interference[ue], noise)
            result = transmit_constant(
                bits, bandwidth, ratio, start, round_.deadline_s, threshold=self.threshold
            )
        else:
            mean_signal = power * cell.gain[ue]
            interferers = self.field.draw(self.seed, round_.number, cell.distance_m)

            def sinr_of_chunk(chunk: int) -> FloatArray:
                h = block_fading(self.seed, round_.number, chunk, len(cell))[ue]
                interference = level[:, None] * interferers.block_power_w(chunk)[ue]
                return sinr(h * mean_signal[:, None], interference, noise[:, None])

            result = transmit_blocks(
                bits, bandwidth, sinr_of_chunk, start, round_.deadline_s,
                threshold=self.threshold, origin_s=round_.start_s, coherence_s=self.coherence_s,
            )  # fmt: skip
        round_.finish_s = _scatter(result.finish_s, on_air, len(round_.ready), np.inf)
        round_.bits_sent = _scatter(result.bits_by_deadline, on_air, len(round_.ready), 0.0)
        round_.rate_bps = _scatter(result.rate_bps, on_air, len(round_.ready), 0.0)
        round_.sinr = _scatter(result.sinr, on_air, len(round_.ready), np.nan)
        round_.in_outage = _scatter(result.outage, on_air, len(round_.ready), False)
        round_.upload_end_s = np.minimum(round_.finish_s, round_.deadline_s)


def _scatter(values: NDArray[T], rows: IntArray, count: int, empty: float) -> NDArray[T]:
    """[count] with `values` in `rows` and `empty` elsewhere."""
    out = np.full(count, empty, dtype=values.dtype)
    out[rows] = values
    return out

"""What the controller of one gNB knows about its UEs when it divides the band."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from netsim.allocation.bandwidth import Allocation, allocate_bandwidth
from netsim.allocation.uplinks import required_shares
from netsim.protocols import Observation, SuccessModel
from netsim.radio.superposition import ANALOG
from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class CellView:
    """What the controller of one gNB knows about its UEs in a round."""

    ue: IntArray  # [K] numbers of the UEs, as the success model knows them
    gain: FloatArray  # [K] linear channel gain, mean or realised
    interference_w: FloatArray  # [K] expected, with interferers at P_max
    noise_psd_w_hz: FloatArray  # [K]
    payload_bits: FloatArray  # [N]
    success: SuccessModel
    bandwidth_hz: float
    min_power_w: float
    max_power_w: float
    interferers_follow: bool = False  # interferers send with the power of the UE they disturb
    # rates are those of a code with this threshold, or of symbols, and not of the channel
    code_sinr: float | None = None
    # [K] part of its gNB's band that is to be divided; None: all
    free_share: FloatArray | None = None
    rate_factor: float = 1.0  # rates are rate_factor W delta log2(1 + SINR / sinr_gap)
    sinr_gap: float = 1.0
    sent_power_w: FloatArray | None = None  # [K] set by power control; None: what is asked

    @property
    def rate_hz(self) -> float:
        """Bandwidth whose capacity is the rate of the whole band, Hz."""
        return self.bandwidth_hz * self.rate_factor

    @classmethod
    def of(cls, observation: Observation, *, perfect: bool = False) -> CellView:
        """The view of all UEs of an observation; `perfect` sees the channel as it will be."""
        gain = observation.signal_gain
        interference = observation.interference_w
        if perfect:
            gain, interference = observation.channel()
        code_sinr = None
        if observation.rate_model == "threshold":
            code_sinr = observation.sinr_threshold
        elif observation.rate_model == ANALOG:
            code_sinr = 1.0  # so that a rate is rate_hz times the share
        return cls(
            ue=np.arange(len(gain)),
            gain=gain,
            interference_w=interference,
            noise_psd_w_hz=observation.noise_psd_w_hz,
            payload_bits=observation.payload_bits,
            success=observation.success,
            bandwidth_hz=observation.bandwidth_hz,
            min_power_w=observation.min_power_w,
            max_power_w=observation.max_power_w,
            interferers_follow=observation.interferers_follow,
            code_sinr=code_sinr,
            free_share=observation.free_share,
            rate_factor=observation.rate_factor,
            sinr_gap=observation.sinr_gap,
            sent_power_w=observation.sent_power_w,
        )

    def select(self, ue: IntArray) -> CellView:
        """The view of some UEs, all of one gNB; its `bandwidth_hz` is the free part of the band."""
        free = 1.0
        if self.free_share is not None and len(ue):
            free = float(self.free_share[ue[0]])
        return replace(
            self,
            bandwidth_hz=self.bandwidth_hz * free,
            free_share=None,
            ue=self.ue[ue],
            gain=self.gain[ue],
            interference_w=self.interference_w[ue],
            noise_psd_w_hz=self.noise_psd_w_hz[ue],
            sent_power_w=None if self.sent_power_w is None else self.sent_power_w[ue],
        )

    def used_w(self, power_w: FloatArray) -> FloatArray:
        """Power that is sent where a plan asks for `power_w`, [..., K]; 0 stays silent."""
        if self.sent_power_w is None:
            return power_w
        return np.where(power_w > 0, self.sent_power_w, 0.0)

    def link(self, power_w: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """What sets the rates at power_w: signal, W, interference, W, and noise, W/Hz. [K] each.

        With these, the rate of a share is the capacity of as large a part of `rate_hz`. Where the
        rate is that of a code, they are an equivalent channel of the code's SINR in every band.
        """
        if self.code_sinr is not None:
            count = len(self.ue)
            return np.full(count, self.code_sinr), np.ones(count), np.zeros(count)
        power_w = self.used_w(power_w)
        signal = power_w * (self.gain / self.sinr_gap)
        interference = self.interference_w
        if self.interferers_follow:
            interference = interference * (power_w / self.max_power_w)
        return signal, interference, self.noise_psd_w_hz / self.rate_factor

    def success_at(
        self,
        power_w: FloatArray,
        shares: FloatArray,
        payload_bits: FloatArray,
        budget_s: float,
    ) -> FloatArray:
        """lambda for powers [..., K, 1] in shares [K, N]; 0 in an infinite share. [..., K, N].

        payload_bits, [N] or [K, 1], and the time left matter under block fading only.
        """
        band = self.bandwidth_hz * shares
        return self.success.probability(
            self.ue[:, np.newaxis],
            band,
            self.used_w(power_w[..., 0])[..., np.newaxis],
            payload_bits,
            budget_s,
        )

    def shares_for(
        self,
        power_w: FloatArray,
        payload_bits: FloatArray,
        finish_s: float,
    ) -> FloatArray:
        """Share with which payloads [N] or [K, N] end in time, or infinity. [K, N]."""
        signal, interference, noise = (a[:, np.newaxis] for a in self.link(power_w))
        return required_shares(
            signal,
            interference,
            payload_bits,
            finish_s,
            bandwidth_hz=self.rate_hz,
            noise_psd_w_hz=noise,
        )

    def allocate(self, power_w: FloatArray, payload_bits: FloatArray) -> Allocation:
        """Algorithm 1 over all UEs of the view; payload_bits [K]."""
        signal, interference, noise = self.link(power_w)
        return allocate_bandwidth(
            signal,
            interference,
            payload_bits,
            bandwidth_hz=self.rate_hz,
            noise_psd_w_hz=noise,
        )

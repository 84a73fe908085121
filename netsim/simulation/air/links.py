"""Rows on the air: which links they are on, and what they send there."""

from __future__ import annotations

from dataclasses import dataclass

from netsim.arrays import ArrayTable
from netsim.radio.link import sinr
from netsim.radio.link_rows import LinkRows
from netsim.simulation.uploads.table import Uploads
from netsim.units import FloatArray, IntArray


@dataclass
class Sending(ArrayTable):
    """What R uploads send from `start_s` to `stop_s` on constant bands."""

    module: IntArray
    bits: FloatArray
    hz: FloatArray
    power_w: FloatArray
    level: FloatArray  # part of the interference in the UE's band that falls into the upload's
    noise_w: FloatArray
    share: FloatArray
    partner: IntArray
    learnt: FloatArray  # by link adaptation
    start_s: FloatArray
    stop_s: FloatArray

    @classmethod
    def of(
        cls,
        uploads: Uploads,
        rows: IntArray,
        stop_s: FloatArray,
        *,
        bandwidth_hz: float,
        noise_psd_w_hz: float,
    ) -> Sending:
        """`rows` [R] of the table as they are, until `stop_s` [R]."""
        share = uploads.band[rows]
        hz = bandwidth_hz * share
        return cls(
            module=uploads.module[rows],
            bits=uploads.left_bits[rows],
            hz=hz,
            power_w=uploads.power_w[rows],
            level=uploads.level[rows],
            noise_w=noise_psd_w_hz * hz,
            share=share,
            partner=uploads.partner[rows],
            learnt=uploads.learnt[rows],
            start_s=uploads.start_s[rows],
            stop_s=stop_s,
        )

    def sinr(
        self, rows: IntArray | slice, gain: FloatArray, interference_w: FloatArray
    ) -> FloatArray:
        """Eq. (2) for some rows [R] at T times, from gains with fading and what their UEs' whole
        bands hear, [R, T] each."""
        power_w = self.power_w[rows]
        level = self.level[rows]
        noise_w = self.noise_w[rows]
        return sinr(
            power_w[:, None] * gain,
            level[:, None] * interference_w,
            noise_w[:, None],
        )


def links_of(uploads: Uploads, rows: IntArray) -> LinkRows:
    """The links that `rows` [R] of the table are on."""
    return LinkRows(
        ue=uploads.ue[rows],
        site=uploads.site[rows],
        attempt=uploads.attempt[rows],
        begun_round=uploads.begun_round[rows],
    )

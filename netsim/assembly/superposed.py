"""The air where the uploads of a gNB are sent at once, and add up: all is known at the opening."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from netsim.radio.link import transmit_constant
from netsim.radio.progress import Transmission
from netsim.radio.superposition import Senders, superpose
from netsim.simulation.air.field import FieldAir
from netsim.simulation.air.links import links_of
from netsim.simulation.air.protocol import Air
from netsim.simulation.uploads.table import Uploads
from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class SuperposedAir:
    """One round's; channel and interference are those of `field`."""

    field: FieldAir

    block_fading = False  # as `Air`
    block_end_s = None
    whole_threshold = None

    def next_step_s(self, start_s: FloatArray) -> tuple[float, float]:
        """As `Air`: all of the round."""
        return self.field.next_step_s(start_s)

    def interference_level(
        self,
        uploads: Uploads,
        rows: IntArray,
    ) -> FloatArray:
        """As `Air`: the SINR is known."""
        return np.ones(len(rows))

    def transmit(self, uploads: Uploads, rows: IntArray, stop_s: FloatArray) -> Transmission:
        """As `Air`: at the rate of the symbols; who is silent sends nothing, in no time."""
        sent = transmit_constant(
            uploads.left_bits[rows],
            self.field.uplink.bandwidth_hz * uploads.band[rows],
            uploads.sinr[rows],
            uploads.start_s[rows],
            stop_s,
            model=self.field.uplink.model,
        )
        return replace(sent, outage=uploads.outage[rows])


def superposed(
    field: Air, uploads: Uploads, *, samples: IntArray, truncation: float | None
) -> SuperposedAir:
    """The air of a round; its uploads get their bands and powers. samples: D_k, [K]."""
    assert isinstance(field, FieldAir)  # held by the scenario
    rows = uploads.live
    if len(rows):
        _superpose(
            field,
            uploads,
            rows,
            samples,
            truncation,
        )
    return SuperposedAir(field)


def _superpose(
    field: FieldAir,
    uploads: Uploads,
    rows: IntArray,
    samples: IntArray,
    truncation: float | None,
) -> None:
    """Write what `rows` are sent with."""
    fading, interference_w = field.draws.in_attempts(links_of(uploads, rows))
    ue, amplitude = uploads.ue[rows], uploads.amplitude[rows]
    found = superpose(
        Senders(
            ue=ue,
            gnb=uploads.gnb[rows],
            module=uploads.module[rows],
            payload_bits=uploads.payload_bits[rows],
            limit_w=uploads.power_w[rows],
            amplitude=np.where(np.isnan(amplitude), samples[ue], amplitude),
            gain=field.links.gain[ue],
            fading=fading,
            interference_w=interference_w,
        ),
        bandwidth_hz=field.uplink.bandwidth_hz,
        noise_psd_w_hz=field.uplink.noise_psd_w_hz,
        truncation=truncation,
    )
    uploads.share, uploads.power_w = uploads.share.copy(), uploads.power_w.copy()
    uploads.share[rows] = found.share
    uploads.band[rows] = found.share
    uploads.power_w[rows] = found.power_w
    uploads.sinr[rows] = found.sinr
    uploads.noise[rows] = found.deviation
    uploads.outage[rows] = found.silent
    uploads.left_bits[rows[found.silent]] = 0.0

"""Uploads that interfere with one another, in one coherence block."""

from __future__ import annotations

import numpy as np

from netsim.radio.progress import Transmission
from netsim.units import FloatArray


def transmit_within_block(
    left_bits: FloatArray,
    rate_bps: FloatArray,
    sinr: FloatArray,
    start_s: FloatArray,
    length_s: FloatArray,
    *,
    threshold: float,
    learnt: FloatArray | None = None,
) -> Transmission:
    """Constant rates for `length_s` from `start_s`, up to the end of the block. Shapes [M].

    learnt: by link adaptation, by the end of the block. The SINR told of an upload that does not
    send in the block (`length_s` 0) is NaN.
    """
    sends = length_s > 0
    through = sends & (rate_bps > 0) & (rate_bps * length_s >= left_bits)
    spent_s = np.divide(
        left_bits,
        rate_bps,
        out=length_s.copy(),
        where=through,
    )
    return Transmission(
        finish_s=np.where(through, start_s + spent_s, np.inf),
        bits=np.where(through, left_bits, rate_bps * length_s),
        sinr=np.where(sends, sinr, np.nan),
        outage=(sinr < threshold) & sends,
        learnt=learnt,
    )

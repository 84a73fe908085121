"""Hybrid ARQ: a lost transport block is sent again, and the receiver combines what it has.

Chase combining repeats the same bits, so that SINRs add up. Incremental redundancy sends new parity
bits until the mother code is exhausted, so that information adds up; from then on it repeats. See
Frenger, Parkvall, Dahlman, "Performance comparison of HARQ with Chase combining and incremental
redundancy for HSDPA", VTC Fall 2001. Here all transmissions meet one SINR; where a round trip leads
into other coherence blocks, `effective` finds the SINR that stands for those they met.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from netsim.errors import InputError
from netsim.radio.nr.error_rate import code_block_error
from netsim.units import FloatArray, to_db

MOTHER_RATE = 1 / 3  # of base graph 1, which carries large transport blocks


@dataclass(frozen=True)
class Harq:
    """How a transport block is repeated."""

    combining: Literal["chase", "incremental", "none"] = "incremental"
    transmissions: int = 4  # at most, the first included
    round_trip_slots: int = 8

    def __post_init__(self) -> None:
        if self.combining not in ("chase", "incremental", "none"):
            rule = "combining must be chase, incremental or none"
            raise InputError(rule, value=self.combining)
        if not 1 <= self.transmissions <= 4:
            rule = "a transport block must be sent at most 1..4 times"
            raise InputError(rule, value=self.transmissions)
        if self.round_trip_slots < 1:
            rule = "the round trip must take at least 1 slot"
            raise InputError(rule, value=self.round_trip_slots)

    def block_errors(
        self,
        sinr_db: FloatArray,
        order: int,
        code_rate: FloatArray,
        code_block_bits: FloatArray,
    ) -> FloatArray:
        """P(code block lost after m = 1, 2, ... transmissions); arrays broadcast. [m, ...]."""
        found = []
        for number in range(1, self.transmissions + 1):
            gain_db, rate = self._combined(number, np.asarray(code_rate))
            error = code_block_error(
                sinr_db + gain_db,
                order,
                rate,
                code_block_bits,
            )
            found.append(error)
        return np.array(found)

    def _combined(self, number: int, code_rate: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Gain of SINR in dB and code rate after `number` transmissions."""
        if self.combining == "none":
            return np.zeros_like(code_rate), code_rate
        if self.combining == "chase":
            return to_db(np.full_like(code_rate, number)), code_rate
        fresh_rate = np.maximum(code_rate / number, np.minimum(code_rate, MOTHER_RATE))
        repetition = number * fresh_rate / code_rate
        return to_db(np.asarray(repetition)), fresh_rate


def still_lost(errors: FloatArray, combining: str) -> FloatArray:
    """P(transport block lost after m transmissions) from the error of the m-th decoding. [m, ...].

    A combined block that fails once fails only while the combination is too weak, so the m-th error
    rate already is the probability that all have failed. Without combining the failures at one
    SINR are independent.
    """
    if combining == "none":
        return np.asarray(np.cumprod(errors, axis=0))
    return np.asarray(np.minimum.accumulate(errors, axis=0))


def expected_transmissions(lost: FloatArray) -> FloatArray:
    """Mean number of transmissions of a transport block from `still_lost`, [m, ...] -> [...]."""
    return np.asarray(1.0 + lost[:-1].sum(axis=0))

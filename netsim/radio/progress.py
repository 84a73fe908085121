"""How far uploads are, over blocks in which their rates differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.radio.fading import CHUNK_BLOCKS
from netsim.units import BoolArray, FloatArray, IntArray

_BLOCKS = np.arange(CHUNK_BLOCKS)


@dataclass(frozen=True)
class Transmission:
    """M uploads on the air, each until its end or its deadline."""

    # [M] when the last bit is through; under block fading, inf if not by the deadline
    finish_s: FloatArray
    bits: FloatArray  # [M] bits through at min(finish, deadline)
    sinr: FloatArray  # [M] at the start (round fading) or mean over the airtime (block fading)
    outage: BoolArray  # [M] below the threshold: at the start (round), at all times (block)
    learnt: FloatArray | None = None  # [M] by link adaptation up to then, where it learns


@dataclass(frozen=True)
class Progress:
    """How far M uploads are; the arrays are written in place, chunk by chunk."""

    finish_s: FloatArray  # [M] inf: not finished
    bits: FloatArray  # [M]
    sinr_time: FloatArray  # [M] integral of the SINR over the airtime
    usable_ever: BoolArray  # [M] some block was at or above the threshold

    @classmethod
    def none(cls, count: int) -> Progress:
        """Before the first bit."""
        return cls(
            finish_s=np.full(count, np.inf),
            bits=np.zeros(count),
            sinr_time=np.zeros(count),
            usable_ever=np.zeros(count, dtype=bool),
        )

    def send(
        self,
        rows: IntArray,
        payload_bits: FloatArray,
        deadline_s: FloatArray,
        rate: FloatArray,
        open_s: FloatArray,
        length: FloatArray,
    ) -> None:
        """Adds the bits of a chunk and ends the rows that are through.

        rows, payload_bits, deadline_s: [R]. Rate, start and length of each block, in bit/s and s:
        [R, B]. `length` is cut, in place, at the end of a row.
        """
        carried = self.bits[rows]
        total = np.cumsum(rate * length, axis=1)
        total += carried[:, None]
        sent = total[:, -1]
        (done,) = np.nonzero(sent >= payload_bits)
        self.bits[rows] = sent
        if not len(done):
            return
        wanted = payload_bits[done]
        last_block = (total[done] >= wanted[:, None]).argmax(axis=1)
        sent_before = np.where(
            last_block > 0,
            total[done, last_block - 1],
            carried[done],
        )
        spent = (wanted - sent_before) / rate[done, last_block]
        finish = open_s[done, last_block] + spent
        self.finish_s[rows[done]] = np.minimum(finish, deadline_s[done])
        self.bits[rows[done]] = wanted
        length[done] *= last_block[:, None] >= _BLOCKS
        length[done, last_block] = spent

    def observe(
        self,
        rows: IntArray,
        ratio: FloatArray,
        usable: BoolArray,
        length: FloatArray,
    ) -> None:
        """Adds what rows [R] saw in the blocks of a chunk, [R, B], while they were on the air."""
        self.sinr_time[rows] += (ratio * length).sum(axis=1)
        self.usable_ever[rows] |= (usable & (length > 0)).any(axis=1)

    def unfinished(self, rows: IntArray) -> IntArray:
        """Those of some rows that are not through."""
        return rows[np.isinf(self.finish_s[rows])]

    def result(
        self,
        start_s: FloatArray,
        deadline_s: FloatArray,
        learnt: FloatArray | None,
    ) -> Transmission:
        """The uploads at the end of the last chunk."""
        airtime = np.minimum(self.finish_s, deadline_s) - start_s
        none = np.zeros(len(airtime))
        mean_sinr = np.divide(self.sinr_time, airtime, out=none, where=airtime > 0)
        return Transmission(
            finish_s=self.finish_s,
            bits=self.bits,
            sinr=mean_sinr,
            outage=~self.usable_ever,
            learnt=learnt,
        )

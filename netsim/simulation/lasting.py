"""The uplink in field mode where uploads may outlast their rounds.

With one fading draw per attempt an upload is known to its end when it begins, and is carried on as
it is. Under block fading the draws are those of the round in which a block lies: an upload is
followed to the end of each round, and goes on from the bits that are left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from netsim.radio.link import Transmission
from netsim.simulation.airing import AiringLog, cut
from netsim.simulation.carrying import still_to_come
from netsim.simulation.state import Airing, RoundState
from netsim.units import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from netsim.simulation.uplink import OnAir


LEAST_BITS = 1e-9
"""What is left at least of an upload that has not ended."""


@dataclass
class DrawnOnce:
    """Uploads of a round under round fading; `airing` is that of all rows, known to its end."""

    round_: RoundState
    airing: Airing

    def mark(self, cell: int, time_s: float) -> None:
        """Nothing to note: all is known."""

    def halt(self, time_s: float) -> dict[str, FloatArray]:
        """How far rows are is in their airing."""
        return {}

    def stop(self, rows: IntArray) -> None:
        """`rows` end where their gNBs stop to collect."""
        self.round_.airing = cut(self.airing, rows, self.round_.cut_s[self.round_.cell[rows]])


@dataclass
class DrawnInBlocks:
    """Uploads of a round under block fading. R of its M rows are on the air at some time, or wait
    for it.
    """

    air: OnAir
    round_: RoundState
    bandwidth_hz: float
    rows: IntArray = field(init=False)  # [R]
    left: FloatArray = field(init=False)  # [R] bit, at the round's start
    sinr_s: FloatArray = field(init=False)  # [R] integral of SINR over the airtime before the round
    usable: BoolArray = field(init=False)  # [R] some block was
    known: Transmission = field(init=False)  # what becomes of them by the deadline

    def __post_init__(self) -> None:
        round_ = self.round_
        self.rows = np.flatnonzero(still_to_come(round_))
        left, (sinr_s, usable) = round_.payload_bits.copy(), np.zeros((2, len(round_.ready)))
        if round_.carried is not None and round_.carried.standing:
            standing, row = round_.carried.standing, round_.carried.row
            left[row], sinr_s[row], usable[row] = (
                standing[n] for n in ("left", "sinr_s", "usable")
            )
        self.left, self.sinr_s, self.usable = (
            left[self.rows],
            sinr_s[self.rows],
            usable[self.rows] > 0,
        )
        self.known = self.until(round_.deadline_s[self.rows])

    def until(self, stop_s: FloatArray) -> Transmission:
        """What becomes of them by `stop_s` [R]."""
        ones = np.ones(len(self.rows), dtype=np.int64)
        return self.air.send(self.rows, ones, self._share, self.left, self._start_s, stop_s)

    def airing_at(
        self, stop_s: FloatArray, stopped: BoolArray
    ) -> tuple[Airing, dict[str, FloatArray]]:
        """The round's airing and how far its rows are, [M] each; of `stopped` [R] the end is at
        `stop_s`.
        """
        round_, known, sent = self.round_, self.known, self.until(stop_s)
        sure = (
            known.finish_s <= stop_s
        )  # the same end, whatever rounding makes of the time until then
        later = np.where(np.isinf(known.finish_s), sent.finish_s, np.inf)
        finish_s = np.where(sure, known.finish_s, later)
        log = AiringLog(len(round_.ready))
        if round_.carried is not None:
            log.load(round_.carried.row, round_.carried.airing)
        through = finish_s <= stop_s
        begun_s, end_s = round_.upload_start_s[self.rows], np.where(through, finish_s, stop_s)
        mean = np.where(sure, known.sinr, sent.sinr)
        sinr_s = self.sinr_s + mean * np.maximum(end_s - self._start_s, 0.0)
        usable = self.usable | ~np.where(sure, known.outage, sent.outage)
        left = np.maximum(self.left - sent.bits, LEAST_BITS)
        over = through | stopped
        rows, air_s = self.rows[over], np.maximum(end_s - begun_s, 1e-300)
        payload = round_.payload_bits[self.rows]
        bits = np.where(through, payload, payload - left)
        log.segment(
            rows, 1, begun_s[over], end_s[over], self.bandwidth_hz * self._share[over], bits[over]
        )
        log.attempt(rows, 1, finish_s[over], end_s[over], (sinr_s / air_s)[over], ~usable[over])
        standing = {"left": left, "sinr_s": sinr_s, "usable": usable.astype(np.float64)}
        whole = {name: np.zeros(len(round_.ready)) for name in standing}
        for name, values in standing.items():
            whole[name][self.rows] = values
        return log.airing(), whole

    def mark(self, cell: int, time_s: float) -> None:
        """Nothing to note: all can be worked out again."""

    def halt(self, time_s: float) -> dict[str, FloatArray]:
        """The round is over: how far its rows are."""
        nobody = np.zeros(len(self.rows), dtype=bool)
        self.round_.airing, standing = self.airing_at(np.full(len(self.rows), time_s), nobody)
        return standing

    def stop(self, rows: IntArray) -> None:
        """`rows` end where their gNBs stop to collect."""
        round_ = self.round_
        stopped = np.isin(self.rows, rows)
        until_s = np.where(stopped, round_.cut_s[round_.cell[self.rows]], round_.end_s)
        self.round_.airing, _ = self.airing_at(until_s, stopped)

    @property
    def _share(self) -> FloatArray:
        return self.round_.plan.share[self.rows]

    @property
    def _start_s(self) -> FloatArray:
        return np.maximum(self.round_.upload_start_s[self.rows], self.round_.start_s)

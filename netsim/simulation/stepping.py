"""All transmitters of a network, stepped one coherence block at a time, with arrays (see
`medium`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netsim import rng
from netsim.radio.bands import overlaps, stacked_bands
from netsim.simulation.across import INTERRUPTION_S
from netsim.simulation.airing import AiringLog, rewound
from netsim.simulation.carrying import still_to_come
from netsim.simulation.reallocation import divided, reallocated
from netsim.simulation.standing import STANDING, Block, Standing, stand
from netsim.simulation.state import RoundState
from netsim.simulation.world import MediumAir
from netsim.units import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from netsim.simulation.medium import NetworkUplink

CHUNK_BLOCKS = 4
"""Blocks whose fading is drawn at a time, over all links."""


def links_fading(
    uplink: NetworkUplink, name: str, blocks: int, count: int, *ids: int
) -> FloatArray:
    """|h|^2 [block, count, S]: a stream for each site, so that adding UEs or sites leaves the
    others.
    """
    out = np.empty((blocks, count, uplink.sites))
    if count:
        for site in range(uplink.sites):
            draws = rng.stream(uplink.seed, name, *ids, site)
            out[:, :, site] = draws.standard_exponential((count, blocks)).T
    return out


class Medium:
    """All transmitters of a round: R uploads first, then the background UEs; T in all."""

    def __init__(self, uplink: NetworkUplink, round_: RoundState) -> None:
        self._uplink, self._round = uplink, round_
        rows = np.flatnonzero(still_to_come(round_))
        plan = round_.plan
        self._rows, self._count = rows, len(rows)
        self._log = AiringLog(len(round_.ready))
        if round_.carried is not None:
            self._log.load(round_.carried.row, round_.carried.airing)
        round_.airing = (
            self._log.airing()
        )  # its columns fill as attempts end; segments at the last end
        self._ue = plan.ue[rows]
        self._share, self._power = plan.share[rows].copy(), plan.power_w[rows]
        self._cell = round_.gnb[rows]
        self._cell_band = np.bincount(self._cell, weights=self._share, minlength=uplink.sites)
        order = np.arange(len(round_.links), dtype=np.float64)
        if not uplink.ordered_bands:
            order = rng.stream(uplink.seed, "band_order", round_.number).random(len(order))
        self._order = order[self._ue]
        self._deadline = round_.stop_s[rows]
        self._start = round_.upload_start_s[rows].copy()
        self._payload = round_.payload_bits[rows]
        self._left = self._payload.copy()
        self._attempt = np.ones(self._count, dtype=np.int64)
        self._begun = np.full(self._count, round_.number)
        self.open: BoolArray = np.ones(self._count, dtype=bool)
        self._outage, self._usable = (
            np.zeros(self._count, dtype=bool),
            np.zeros(self._count, dtype=bool),
        )
        self._sinr, self._airtime = np.full(self._count, np.nan), np.zeros(self._count)
        self._piece_start, self._piece_bits = self._start.copy(), np.zeros(self._count)
        self._block = 0
        self._fading: tuple[int, FloatArray] | None = None  # chunk, [block, K, S]
        self._held: FloatArray | None = None  # [R, S] under round fading
        assert round_.links.site_gain is not None
        self._gain = round_.links.site_gain[self._ue]  # [R, S]
        self._air = None if round_.world is None else MediumAir(round_.world, uplink.sites)
        self._moves = [m for m in round_.moves if round_.ready[m.row]]
        self.halted = False  # the round is over
        self._told = round_.airing  # all that was told of it
        self._last: Block | None = None  # where rows may outlast the round
        self._marks: dict[
            int, Standing
        ] = {}  # gNB's place in the round -> when it stopped to collect
        self._take_up()
        self._load_idle_cells()
        self._divide()

    # -- set-up ----------------------------------------------------------------------------------

    def _load_idle_cells(self) -> None:
        """Background UEs of every cell, at places drawn for this round."""
        uplink, places = self._uplink, self._uplink.places
        each = uplink.background_ues if places is not None else 0
        self._idle_cell = np.repeat(np.arange(uplink.sites), each)
        self._idle_gain = np.empty((len(self._idle_cell), uplink.sites))
        if places is not None and each:
            draw = rng.stream(uplink.seed, "background_place", self._round.number)
            place = (draw.random((uplink.sites, each)) * places.per_cell).astype(np.int64).ravel()
            self._idle_gain = places.gain_at(
                np.arange(uplink.sites), self._idle_cell[:, None], place[:, None]
            )

    def _divide(self) -> None:
        """Bands and overlaps, for the shares as they are."""
        uplink, each = self._uplink, self._uplink.background_ues
        hz = uplink.bandwidth_hz * self._share
        low, high = stacked_bands(self._cell, hz, self._order)
        self._hz = hz
        idle_hz = uplink.bandwidth_hz / max(each, 1)
        turn = np.arange(len(self._idle_cell)) % max(each, 1)
        # a cell is either loaded by its own UEs or by the others, so the two never overlap in time
        cell = np.concatenate([self._cell, self._idle_cell + uplink.sites])
        pairs = overlaps(
            cell,
            np.concatenate([low, turn * idle_hz]),
            np.concatenate([high, (turn + 1) * idle_hz]),
            self._count,
        )
        site = self._cell[pairs.victim]
        foreign = np.concatenate([self._cell, self._idle_cell])[pairs.source] != site
        self._victim, self._overlap_hz = pairs.victim[foreign], pairs.hz[foreign]
        self._heard = pairs.source[foreign] * uplink.sites + site[foreign]  # into [T, S], flat
        density = np.divide(self._power, hz, out=np.zeros(self._count), where=hz > 0)
        self._density = np.concatenate(
            [density, np.full(len(self._idle_cell), uplink.max_power_w / idle_hz)]
        )

    # -- stepping --------------------------------------------------------------------------------

    def next_block(self) -> tuple[float, float]:
        """The next coherence block in which somebody is on the air: its start and end."""
        origin, length = self._round.start_s, self._uplink.coherence_s
        first = int((self._start[self.open].min() - origin) // length)
        self._block = max(self._block, first)
        return origin + self._block * length, origin + (self._block + 1) * length

    def step(self, begin_s: float, end_s: float) -> list[tuple[int, float]]:
        """One block. Gives the rows whose uploads end in it, and when."""
        uplink = self._uplink
        before = None if self._round.lineage is None else self._standing()
        if self._round.moves:
            self._move(begin_s)
        open_s = np.maximum(begin_s, self._start)
        holds = self.open & (self._share > 0)  # not on its way from one gNB to another
        length = np.where(holds, np.minimum(end_s, self._deadline) - open_s, 0.0)
        on = length > 0
        ratio = self._ratio(np.where(on, length, 0.0) / (end_s - begin_s), begin_s)
        fresh = on & (self._airtime == 0)
        if uplink.block_fading:
            usable = on & (ratio >= uplink.model.threshold)
            self._usable |= usable
            self._sinr[fresh] = 0.0
        else:
            usable = on
            self._sinr[fresh], self._outage[fresh] = (
                ratio[fresh],
                ratio[fresh] < uplink.model.threshold,
            )
        rate = np.where(usable, uplink.model.rate_bps(self._hz, ratio), 0.0)
        done = usable & (rate * length >= self._left)
        spent = np.where(on, length, 0.0)
        spent[done] = self._left[done] / rate[done]
        if before is not None:
            through = np.where(done, open_s + spent, np.inf)
            self._last = Block(before, open_s, rate, ratio, on, fresh, through, end_s)
        bits = np.where(done, self._left, rate * spent)
        if uplink.block_fading:
            self._sinr[on] += (ratio * spent)[on]
        self._airtime += spent
        self._left -= bits
        self._piece_bits += bits
        finish = np.minimum(open_s + spent, self._deadline)
        over = done | (self.open & (self._deadline <= end_s))
        ends = self._end(np.flatnonzero(over), done, finish, end_s)
        self._block += 1
        closed = over & ~self.open
        if uplink.reallocates and closed.any() and self.open.any():
            self._share[closed] = 0.0
            self._reallocate(np.unique(self._cell[closed]), end_s)
        return ends

    def _ratio(self, part: FloatArray, begin_s: float) -> FloatArray:
        """SINR [R] when each upload is on the air for `part` of the block."""
        uplink = self._uplink
        here, others = self._links_fading()
        if self._air is not None:  # the gain with its fading takes the place of both
            self._gain = self._air.total(self._ue, here, self._attempt, begin_s)
            here = np.broadcast_to(1.0, here.shape)
        loaded = np.zeros(uplink.sites, dtype=bool)
        loaded[self._cell[part > 0]] = True
        weight = self._density * np.concatenate([part, ~loaded[self._idle_cell]])
        heard = (
            np.concatenate([self._gain * here, self._idle_gain * others]) * weight[:, None]
        )  # W/Hz
        interference = np.bincount(
            self._victim,
            weights=heard.ravel()[self._heard] * self._overlap_hz,
            minlength=self._count,
        )
        rows = np.arange(self._count)
        signal = self._power * self._gain[rows, self._cell] * here[rows, self._cell]
        noise = uplink.noise_psd_w_hz * self._hz
        return np.divide(
            signal, interference + noise, out=np.zeros(self._count), where=self._hz > 0
        )

    def _links_fading(self) -> tuple[FloatArray, FloatArray]:
        """|h|^2 of every upload [R, S] and background UE [T - R, S] to every site in this block."""
        number = self._round.number
        if not self._uplink.block_fading:
            if self._held is None:
                self._held = np.empty((self._count, self._uplink.sites))
                self._redraw(np.arange(self._count))
                self._held_idle = self._draw(
                    "background_fading", 1, len(self._idle_cell), number, 0
                )[0]
            return self._held, self._held_idle
        chunk, at = divmod(self._block, CHUNK_BLOCKS)
        if self._fading is None or self._fading[0] != chunk:
            ues = len(self._round.links)
            ids = (number, chunk)
            self._fading = (chunk, self._draw("network_block_fading", CHUNK_BLOCKS, ues, *ids))
            self._held_idle = self._draw(
                "background_fading", CHUNK_BLOCKS, len(self._idle_cell), *ids
            )
        return self._fading[1][at][self._ue], self._held_idle[at]

    def _redraw(self, which: IntArray) -> None:
        """|h|^2 of uploads to every site in their attempts, drawn for the round that they began
        in.
        """
        if not len(which):
            return
        assert self._held is not None
        begun, attempt = self._begun[which], self._attempt[which]
        for number, nth in np.unique(np.stack([begun, attempt], axis=1), axis=0).tolist():
            mine = which[(begun == number) & (attempt == nth)]
            drawn = self._draw("network_fading", 1, len(self._round.links), number, nth)[0]
            self._held[mine] = drawn[self._ue[mine]]

    def _draw(self, name: str, blocks: int, count: int, *ids: int) -> FloatArray:
        return links_fading(self._uplink, name, blocks, count, *ids)

    def _move(self, begin_s: float) -> None:
        """Uploads whose UEs have been handed over go on at their new gNBs (handover = resume)."""
        touched = set()
        while self._moves and self._moves[0].time_s <= begin_s:
            move = self._moves.pop(0)
            i = int(np.searchsorted(self._rows, move.row))
            if not self.open[i]:
                continue
            if self._start[i] < begin_s:
                self._close_piece(np.array([i]), np.array([begin_s]))
            touched.add(int(self._cell[i]))
            self._round.site[move.row] = self._cell[i] = move.site
            self._share[i] = 0.0
            self._start[i] = self._piece_start[i] = max(
                begin_s + INTERRUPTION_S, float(self._start[i])
            )
            self._cell_band[move.site] = self._cell_band[move.site] or 1.0
        if touched:
            self._reallocate(np.array(sorted(touched)), begin_s)
        landed = self.open & (self._share == 0) & (self._start <= begin_s)
        if landed.any():
            self._admit(np.unique(self._cell[landed]), begin_s)

    def _admit(self, cells: IntArray, at_s: float) -> None:
        """Divide the bands of gNBs with newcomers over all their uploads."""
        for cell in cells.tolist():
            there = self.open & (self._cell == cell)
            mine = np.flatnonzero(there & ((self._share > 0) | (self._start <= at_s)))
            begun = mine[(self._piece_start[mine] < at_s) & (self._share[mine] > 0)]
            self._close_piece(begun, np.full(len(begun), at_s))
            self._piece_start[begun] = at_s
            fresh = mine[(self._share[mine] == 0) & (self._start[mine] <= at_s)]
            self._start[fresh] = self._piece_start[fresh] = at_s
            band = float(self._cell_band[cell])
            self._share[mine] = band * divided(
                self._uplink,
                self._round.links,
                self._ue[mine],
                self._power[mine],
                self._left[mine],
                band,
            )
        self._divide()

    # -- ends ------------------------------------------------------------------------------------

    def _end(
        self, over: IntArray, done: BoolArray, finish: FloatArray, end_s: float
    ) -> list[tuple[int, float]]:
        """Log attempts that are over; those in outage with an attempt left start again, others
        close.
        """
        if not len(over):
            return []
        uplink = self._uplink
        stop = np.where(done[over], finish[over], self._deadline[over])
        self._close_piece(over, stop)
        if uplink.block_fading:
            outage, sinr = (
                ~self._usable[over],
                self._sinr[over] / np.maximum(self._airtime[over], 1e-300),
            )
        else:
            outage, sinr = self._outage[over], self._sinr[over]
        whole = np.where(done[over], finish[over], np.inf)
        self._log.attempt(self._rows[over], self._attempt[over], whole, stop, sinr, outage)
        again = outage & done[over] & (end_s < self._deadline[over])
        again &= self._attempt[over] <= uplink.retransmissions
        self._retransmit(over[again], end_s)
        closed = over[~again]
        self.open[closed] = False
        if not self.open.any():
            self._round.airing = self._log.airing()
        return list(zip(self._rows[closed].tolist(), stop[~again].tolist(), strict=True))

    def _close_piece(self, which: IntArray, stop_s: FloatArray) -> None:
        begin = self._piece_start[which]
        self._log.segment(
            self._rows[which],
            self._attempt[which],
            begin,
            stop_s,
            self._hz[which],
            self._piece_bits[which],
            self._cell[which] if self._round.moves else None,
            None if self._round.lineage is None or self._uplink.block_fading else self._sinr[which],
        )
        self._piece_bits[which] = 0.0

    def _retransmit(self, which: IntArray, at_s: float) -> None:
        self._attempt[which] += 1
        self._left[which] = self._payload[which]
        self._start[which] = self._piece_start[which] = at_s
        self._airtime[which] = 0.0
        self._redraw(which)

    def _reallocate(self, cells: IntArray, at_s: float) -> None:
        """The uploads on the air in `cells` get what is free of their band from `at_s`."""
        for cell in cells.tolist():
            here = self.open & (self._cell == cell) & (self._share > 0)
            mine = np.flatnonzero(here & (self._start < at_s))
            if len(mine):
                self._close_piece(mine, np.full(len(mine), at_s))
                self._piece_start[mine] = at_s
                free = self._cell_band[cell] - self._share[here & (self._start >= at_s)].sum()
                self._share[mine] = reallocated(
                    self._uplink,
                    self._round.links,
                    self._ue[mine],
                    self._power[mine],
                    self._left[mine],
                    self._share[mine],
                    float(free),
                )
        self._divide()

    # -- uploads that may outlast the round ------------------------------------------------------

    def _take_up(self) -> None:
        """Go on with the uploads that were on their way when the round opened."""
        round_ = self._round
        if round_.lineage is not None:
            self._begun = round_.lineage.begun[self._rows]
        if round_.carried is None:
            return
        waits = np.isin(round_.carried.row, self._rows)
        at = np.searchsorted(self._rows, round_.carried.row[waits])
        for name in STANDING[1:]:
            mine = getattr(self, f"_{name}")
            mine[at] = round_.carried.standing[name][waits].astype(mine.dtype)
        self._start[at] = np.maximum(self._start[at], round_.start_s)

    def _standing(self) -> Standing:
        own = {name: getattr(self, f"_{name}").astype(np.float64) for name in STANDING[1:]}
        return {"open": self.open.astype(np.float64), **own}

    def _stand(self, time_s: float) -> Standing:
        uplink = self._uplink
        return stand(
            self._standing(),
            self._last,
            time_s,
            threshold=uplink.model.threshold,
            blocks=uplink.block_fading,
        )

    def mark(self, cell: int, time_s: float) -> None:
        """A gNB has just stopped to collect uploads."""
        self._marks[cell] = self._stand(time_s)

    def halt(self, time_s: float) -> dict[str, FloatArray]:
        """The round has just ended; what was told of the time to come is taken back."""
        self.halted, standing = True, self._stand(time_s)
        self._told = self._log.airing()
        on = standing["open"] > 0
        self._round.airing = rewound(
            self._told, self._rows[on], standing["attempt"][on].astype(np.int64)
        )
        whole = {name: np.zeros(len(self._round.ready)) for name in STANDING}
        for name, values in standing.items():
            whole[name][self._rows] = values
        return whole

    def stop(self, rows: IntArray) -> None:
        """`rows` ended where their gNBs stopped to collect."""
        round_, uplink = self._round, self._uplink
        cell, at = round_.cell[rows], np.searchsorted(self._rows, rows)
        pairs = list(zip(cell.tolist(), at.tolist(), strict=True))
        was = {name: np.array([self._marks[c][name][i] for c, i in pairs]) for name in STANDING}
        attempt, until_s = was["attempt"].astype(np.int64), round_.cut_s[cell]
        log = AiringLog(len(round_.ready))
        log.load(np.arange(len(round_.ready)), rewound(self._told, rows, attempt))
        on = was["start"] < until_s
        if uplink.block_fading:
            sinr, outage = was["sinr"] / np.maximum(was["airtime"], 1e-300), was["usable"] == 0
        else:
            sinr, outage = was["sinr"], was["outage"] > 0
        log.segment(
            rows[on],
            attempt[on],
            was["piece_start"][on],
            until_s[on],
            self._hz[at[on]],
            was["piece_bits"][on],
            None,
            None if uplink.block_fading else sinr[on],
        )
        log.attempt(
            rows[on], attempt[on], np.full(int(on.sum()), np.inf), until_s[on], sinr[on], outage[on]
        )
        airing = log.airing()
        for row, nth in zip(
            rows[~on].tolist(), attempt[~on].tolist(), strict=True
        ):  # between two attempts
            mine = airing.segment_row == row
            airing.end_s[row] = (
                airing.segment_end_s[mine][-1] if nth > 1 else round_.upload_start_s[row]
            )
            airing.attempts[row] = max(nth - 1, 1)
            if nth == 1:
                airing.first_end_s[row] = airing.end_s[row]
        round_.airing = airing

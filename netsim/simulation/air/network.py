"""The air in network mode: all cells are simulated, and interferers are their actual uploads.

A UE spreads its power evenly over its own band. What a gNB hears of a UE in another cell, in the
band of one of its own, is the part of that UE's power that lies in the overlap. All uploads are
stepped together, one coherence block at a time; who is on the air, and for which part of a block,
is known at its start, so an upload that ends within a block disturbs the others until the block's
end. Freed bandwidth and retransmissions begin with the next block.

Idle cells may be loaded: a gNB with none of its UEs on the air in a block then has `background_ues`
others, at places of their own in its cell, on equal shares at P_max.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from netsim import rng
from netsim.changing_channel import ChangingChannel, SiteGains
from netsim.radio.background import background_ues
from netsim.radio.band_plan import BandPlan, band_plan
from netsim.radio.link import sinr
from netsim.radio.network_fading import RoundFading, SiteFading
from netsim.radio.network_link import transmit_within_block
from netsim.radio.places import CellPlaces
from netsim.radio.progress import Transmission
from netsim.radio.rate_model import BlockRates, RateModel, upload_draws
from netsim.radio.site_gains import GainColumns, GainMatrix, Gains, are_many
from netsim.simulation.air.links import links_of
from netsim.simulation.state import Links, RoundSpan
from netsim.simulation.uploads.table import Uploads
from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class NetworkUplink:
    """What governs the uplink in network mode, the same for the whole run."""

    seed: int
    sites: int
    bandwidth_hz: float  # of each gNB
    noise_psd_w_hz: float
    model: RateModel
    coherence_s: float  # of UEs that stand; the length of a block where nobody is faster
    block_fading: bool  # else one draw per link and attempt
    retransmissions: int  # of an upload in outage, at most
    reallocates: bool
    max_power_w: float
    background_ues: int  # in an idle cell
    places: CellPlaces | None  # of the background UEs
    ordered_bands: bool = False  # UEs lie in the band by number, else in a new order each round
    interferers_follow: bool = False

    @property
    def fading(self) -> SiteFading:
        """Draws of the links to all sites."""
        return SiteFading(self.seed, self.sites)

    def fading_of(self, number: int, links: Links, background_ues: int = 0) -> RoundFading:
        """|h|^2 in a round, and the length of its blocks."""
        return RoundFading.at_pace(
            self.fading,
            number,
            links.pace,
            standing_s=self.coherence_s,
            shortest_s=self.model.shortest_block_s,
            by_block=self.block_fading,
            background_ues=background_ues,
        )

    def band_order(
        self,
        round: int,
        ues: int,
    ) -> FloatArray:
        """By what the UEs of a cell lie in its band. [ues]."""
        if self.ordered_bands:
            return np.arange(ues, dtype=np.float64)
        return rng.stream(self.seed, "band_order", round).random(ues)

    def open(
        self,
        span: RoundSpan,
        links: Links,
        changing: ChangingChannel | None,
    ) -> NetworkAir:
        """The air of a round."""
        return NetworkAir(self, span, links, changing)


class NetworkAir:
    """One round's uplink: R uploads that may be on the air in it, and B background UEs."""

    def __init__(
        self,
        uplink: NetworkUplink,
        span: RoundSpan,
        links: Links,
        changing: ChangingChannel | None,
    ) -> None:
        self._uplink, self._span, self._links = uplink, span, links
        self._moving = None if changing is None else SiteGains(changing, uplink.sites)
        self._order = uplink.band_order(span.number, len(links))
        self._background = background_ues(
            uplink.places,
            per_cell=uplink.background_ues,
            sites=uplink.sites,
            bandwidth_hz=uplink.bandwidth_hz,
            power_w=uplink.max_power_w,
            seed=uplink.seed,
            round=span.number,
        )
        self._fading = uplink.fading_of(span.number, links, len(self._background))
        self._rows: IntArray | None = None  # [R] rows of the table
        self._bands: BandPlan | None = None
        self._block = -1
        self._rates: BlockRates | None = None
        # in the block in progress, by row of the table
        self._ratio: FloatArray | None = None  # SINR
        self._rate_bps: FloatArray = np.empty(0)

    @property
    def block_fading(self) -> bool:
        """As `Air`."""
        return self._uplink.block_fading

    @property
    def whole_threshold(self) -> float | None:
        """As `Air`: interferers come and go during an upload."""
        if self._uplink.block_fading:
            return None
        return self._uplink.model.threshold

    @property
    def block_end_s(self) -> float:
        """As `Air`."""
        return self._span.start_s + (self._block + 1) * self._fading.block_s

    @property
    def _block_begin_s(self) -> float:
        return self._span.start_s + self._block * self._fading.block_s

    def next_step_s(self, start_s: FloatArray) -> tuple[float, float]:
        """As `Air`: the next block in which somebody is on the air."""
        since_s = float(start_s.min()) - self._span.start_s
        self._block = max(self._block + 1, int(since_s // self._fading.block_s))
        self._ratio = None
        return self._block_begin_s, self.block_end_s

    def interference_level(
        self,
        uploads: Uploads,
        rows: IntArray,
    ) -> FloatArray:
        """As `Air`: an upload hears what lies in its own band."""
        return np.ones(len(rows))

    def transmit(
        self,
        uploads: Uploads,
        rows: IntArray,
        stop_s: FloatArray,
    ) -> Transmission:
        """As `Air`, within the block in progress."""
        if self._ratio is None:
            self._ratio = self._solve(uploads)
            self._rate_bps = self._rates_of(uploads, self._ratio)
        ratio = self._ratio[rows]
        start_s = np.maximum(self._block_begin_s, uploads.start_s[rows])
        length_s = np.maximum(np.minimum(self.block_end_s, stop_s) - start_s, 0.0)
        learnt = None if self._rates is None else self._rates.learnt
        return transmit_within_block(
            uploads.left_bits[rows],
            self._rate_bps[rows],
            ratio,
            start_s,
            length_s,
            threshold=self._uplink.model.threshold,
            learnt=None if learnt is None else learnt[rows],
        )

    def _rates_of(self, uploads: Uploads, ratio: FloatArray) -> FloatArray:
        """Rates of all uploads in the block in progress, by row of the table. [M]."""
        model, hz = self._uplink.model, self._uplink.bandwidth_hz * uploads.band
        if not self.block_fading:
            return model.rate_bps(hz, ratio)
        if self._rates is None:
            self._rates = model.over_blocks(
                len(uploads),
                self._fading.block_s,
                learnt=uploads.learnt,
            )
        draws = None
        if model.draws_errors:
            draws = upload_draws(
                self._uplink.seed,
                "nr_errors",
                (self._span.number, self._block),
                ue=uploads.ue,
                module=uploads.module,
                count=1,
            )
        rows = np.arange(len(uploads))
        airtime_s = self._part_of_block(uploads, rows) * self._fading.block_s
        return self._rates.next_bps(rows, hz, ratio[:, None], draws, airtime_s[:, None])[:, 0]

    # -- who hears whom ----------------------------------------------------------------------------

    def _solve(self, uploads: Uploads) -> FloatArray:
        """SINR of all uploads in the block in progress, by row of the table. [M]."""
        if self._rows is None:
            self._rows = uploads.live
        rows = self._rows
        bands = self._bands_of(uploads, rows)
        gain = self._gains(uploads, rows)
        part = self._part_of_block(uploads, rows)
        every_part = np.concatenate([part, self._background_part(bands.site[part > 0])])
        interference_w = bands.interference_w(gain, every_part)

        signal_w = uploads.power_w[rows] * gain.own(bands.site, part > 0)
        noise_w = self._uplink.noise_psd_w_hz * bands.hz
        holds = bands.hz > 0
        ratio = np.zeros(len(uploads))
        ratio[rows[holds]] = sinr(
            signal_w[holds],
            interference_w[holds],
            noise_w[holds],
        )
        return ratio

    def _part_of_block(
        self,
        uploads: Uploads,
        rows: IntArray,
    ) -> FloatArray:
        """Part of the block in progress for which each upload is on the air. [R]."""
        begin_s, end_s = self._block_begin_s, self.block_end_s
        start_s = np.maximum(begin_s, uploads.start_s[rows])
        length_s = np.minimum(end_s, uploads.stop_s[rows]) - start_s
        sends = ~uploads.over[rows] & (length_s > 0)
        return np.where(sends, length_s, 0.0) / (end_s - begin_s)

    def _background_part(self, loaded: IntArray) -> FloatArray:
        """1 where the cell is idle, else 0. [B]."""
        idle = np.ones(self._uplink.sites)
        idle[loaded] = 0.0
        return idle[self._background.cell]

    def _gains(
        self,
        uploads: Uploads,
        rows: IntArray,
    ) -> Gains:
        """With fading, of uploads and background UEs to the sites."""
        links = links_of(uploads, rows)
        still = self._moving is None and not len(self._background)
        if still and self.block_fading and are_many(len(rows), self._uplink.sites):
            return GainColumns(
                self._links.gain_of_sites,
                links.ue,
                partial(self._fading.to_site, self._block),
            )
        fading, background_fading = self._fading.of(links, self._block)
        if self._moving is not None:
            gain = self._moving.total(
                links.ue,
                links.attempt,
                fading,
                self._block_begin_s,
            )
        else:
            assert self._links.site_gain is not None
            gain = self._links.site_gain[links.ue] * fading
        others = self._background.gain * background_fading
        return GainMatrix(np.concatenate([gain, others]))

    def _bands_of(
        self,
        uploads: Uploads,
        rows: IntArray,
    ) -> BandPlan:
        """Bands and overlaps for the shares as they are."""
        site = uploads.site[rows]
        hz = self._uplink.bandwidth_hz * uploads.band[rows]
        if self._bands is None or not self._bands.fits(site, hz):
            self._bands = band_plan(
                site,
                hz,
                self._order[uploads.ue[rows]],
                uploads.power_w[rows],
                background=self._background,
                sites=self._uplink.sites,
            )
        return self._bands

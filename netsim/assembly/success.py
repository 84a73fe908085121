"""lambda of eq. (15) for the UEs of a scenario: the success probability that schemes plan with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.assembly.sharing import success_in_pairs
from netsim.protocols import SuccessModel
from netsim.radio.alignment import Reachable
from netsim.radio.arrival import BLOCKS, DRAWS, BlockArrival, planning_fading
from netsim.radio.fading import block_lengths_s, coherence_time_s
from netsim.radio.following import FollowingField
from netsim.radio.interference import PoissonField, SiteField
from netsim.radio.pathloss import PowerLaw
from netsim.radio.success import ClosedForm, Deferred, LaplaceTable, SiteLaplace
from netsim.scenario.model import Scenario
from netsim.scenario.uplink import AIRCOMP
from netsim.simulation.air.field import FieldUplink
from netsim.simulation.air.network import NetworkUplink
from netsim.simulation.state import Links
from netsim.topology.landscape import Landscape
from netsim.units import FloatArray

PLANNING_ROUND = 2**40
"""Stands for a round in the keys of draws that only planning uses."""


@dataclass(frozen=True)
class SuccessModels:
    """Makes success models for links, each worked out when it is first asked."""

    scenario: Scenario
    landscape: Landscape
    uplink: FieldUplink | NetworkUplink

    def __call__(self, links: Links) -> SuccessModel:
        """The model for UEs with these links."""
        sic = self.uplink.sic if isinstance(self.uplink, FieldUplink) else None
        alone = Deferred(lambda: self._of(links))
        if sic is None:
            return alone
        threshold = self.uplink.model.threshold
        power_w = self.uplink.max_power_w
        return Deferred(lambda: success_in_pairs(sic, links, alone, power_w, threshold))

    def _of(self, links: Links) -> SuccessModel:
        if self.scenario.uplink.access == AIRCOMP:
            return self._reachable(links)
        if self.scenario.radio.fading == "block":
            return self._of_blocks(links)
        if self.scenario.success_form == "topology":
            return self._over_sites(links)
        return self._closed_form(links)

    def _reachable(self, links: Links) -> Reachable:
        """Of uploads that add up: each UE's part of the band is disturbed as it would be."""
        in_band_w = np.bincount(links.gnb, weights=links.interference_w)[links.gnb]
        noise_w = links.noise_psd_w_hz * self.scenario.radio.bandwidth_hz
        return Reachable(
            gain=links.gain,
            gnb=links.gnb,
            disturbance_w=in_band_w + noise_w,
            max_power_w=self.scenario.radio.max_power_w,
            truncation=self.scenario.uplink.truncation,
        )

    @property
    def _follow_w(self) -> float | None:
        """P_max where interferers send with the power of the UE they disturb."""
        scenario = self.scenario
        return scenario.radio.max_power_w if scenario.interferers_follow else None

    def _closed_form(self, links: Links) -> ClosedForm | FollowingField:
        """Eq. (15) over a Poisson field."""
        scenario, uplink = self.scenario, self.uplink
        assert isinstance(self.landscape.pathloss, PowerLaw)  # held by the scenario
        assert isinstance(uplink, FieldUplink)
        if isinstance(uplink.interferers, PoissonField) and uplink.interferers.power_of is not None:
            return FollowingField(
                field=uplink.interferers,
                distance_m=links.distance_m,
                gain=links.gain,
                threshold=uplink.model.threshold,
                noise_psd_w_hz=uplink.noise_psd_w_hz,
            )
        fixed_w = None if scenario.interferers_follow else scenario.radio.max_power_w
        return ClosedForm(
            distance_m=links.distance_m,
            density_per_m2=self.landscape.deployment.density_per_m2,
            threshold=uplink.model.threshold,
            pathloss=self.landscape.pathloss,
            antenna_gain=self.landscape.antenna_gain,
            noise_psd_w_hz=uplink.noise_psd_w_hz,
            interferer_power_w=fixed_w,
            law=scenario.interferer_law,
            form=scenario.success_form,
        )

    def _over_sites(self, links: Links) -> SiteLaplace:
        """The product over real sites."""
        uplink = self.uplink
        network = isinstance(uplink, NetworkUplink)
        if isinstance(uplink, NetworkUplink):
            received = network_densities(uplink, links)
        else:
            assert isinstance(uplink.interferers, SiteField)
            received = _own_cell_silent(uplink.interferers.received_w)
        return SiteLaplace(
            gnb=links.gnb,
            gain=links.gain,
            threshold=uplink.model.threshold,
            noise_psd_w_hz=uplink.noise_psd_w_hz,
            table=LaplaceTable.of(received, links.gnb),
            density=network,
            follow_w=self._follow_w,
        )

    def _of_blocks(self, links: Links) -> BlockArrival:
        """Under block fading: by draws of fading and interference."""
        scenario, uplink, radio = self.scenario, self.uplink, self.scenario.radio
        network = isinstance(uplink, NetworkUplink)
        if isinstance(uplink, NetworkUplink):
            interference = _network_blocks(uplink, links, scenario.seed + 1)
        else:
            interference = _field_blocks(uplink, links, scenario.seed)
        return BlockArrival(
            gain=links.gain,
            interference=interference,
            density=network,
            noise_psd_w_hz=uplink.noise_psd_w_hz,
            model=uplink.model,
            coherence_s=block_lengths_s(
                coherence_time_s(radio.ue_speed_m_s, radio.carrier_hz),
                links.pace,
                uplink.model.shortest_block_s,
            ),
            fading=planning_fading(scenario.seed, DRAWS, BLOCKS),
            follow_w=self._follow_w,
        )


def _own_cell_silent(received: FloatArray) -> list[FloatArray]:
    """From [site, cell, place] to one [site, place] per cell, 0 at the cell's own site."""
    cells = []
    for cell in range(received.shape[1]):
        heard = received[:, cell].copy()
        heard[cell] = 0.0
        cells.append(heard)
    return cells


def network_densities(uplink: NetworkUplink, links: Links) -> list[FloatArray]:
    """What each site hears of each cell, in W/Hz, [site, place] per cell with any.

    That is of the UE in a given part of that cell's band: one of the cell's UEs at P_max, on equal
    shares of it, for as much of an upload's airtime as it is expected to be on the air.
    """
    assert links.site_gain is not None
    density = uplink.max_power_w / uplink.bandwidth_hz
    here = links.ues_present
    heard_gain = links.heard_gain
    assert heard_gain is not None
    cells = []
    for cell in range(uplink.sites):
        mine = links.gnb[here] == cell
        if mine.any():
            heard = heard_gain[mine].T * mine.sum() * density
        elif uplink.places is not None:
            heard = uplink.places.gain[:, cell] * uplink.background_ues * density
        else:
            continue
        heard = heard.copy()
        heard[cell] = 0.0
        cells.append(heard)
    return cells or [np.zeros((uplink.sites, 0))]


def _network_blocks(
    uplink: NetworkUplink,
    links: Links,
    seed: int,
) -> FloatArray:
    """Interference density in drawn blocks, W/Hz. [K, draw, block]."""
    fading = planning_fading(seed, DRAWS * uplink.sites, BLOCKS)
    fading = fading.reshape(DRAWS, uplink.sites, BLOCKS)
    at_site = np.zeros((uplink.sites, DRAWS, BLOCKS))
    for cell, heard in enumerate(network_densities(uplink, links)):
        places = heard.shape[1]
        if places:
            spread = (np.arange(DRAWS) * 7 + cell * 3) % places  # over the cell's UEs
            at_site += heard[:, spread, None] * fading[None, :, cell]
    return at_site[links.gnb]


def _field_blocks(
    uplink: FieldUplink,
    links: Links,
    seed: int,
) -> FloatArray:
    """Interference in drawn blocks, W. [K, draw, block]."""
    interference = np.empty((len(links), DRAWS, BLOCKS))
    for draw in range(DRAWS):
        found = uplink.interferers.draw(
            seed,
            PLANNING_ROUND,
            draw,
            links.distance_m,
            links.gnb,
        )
        interference[:, draw] = found.block_power_w(0)[:, :BLOCKS]
    return interference

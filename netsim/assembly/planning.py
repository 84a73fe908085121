"""What schemes are told of the air before a round: means, or the channel as it will be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.assembly.sharing import disturbed
from netsim.errors import ScenarioError
from netsim.protocols import Needs
from netsim.radio.load import Cell, Demand, expected_activity
from netsim.radio.multicast import bits_once
from netsim.simulation.air.field import FieldUplink
from netsim.simulation.air.network import NetworkUplink
from netsim.simulation.opening import Setting
from netsim.simulation.state import Links
from netsim.units import FloatArray, IntArray


def expected_interference(
    uplink: FieldUplink | NetworkUplink, links: Links
) -> tuple[FloatArray, FloatArray]:
    """(interference in W [K], noise density in W/Hz [K]) that schemes plan with."""
    if isinstance(uplink, FieldUplink):
        mean_w = uplink.interferers.mean_w(links.distance_m, links.gnb)
        noise = np.full(len(links), uplink.noise_psd_w_hz)
        if uplink.sic is None:
            return mean_w, noise
        received_w = uplink.max_power_w * links.gain
        return disturbed(uplink.sic, links, received_w, mean_w), 2.0 * noise
    density = np.maximum(_heard(uplink, links), 0.0) * uplink.max_power_w / uplink.bandwidth_hz
    return np.zeros(len(links)), uplink.noise_psd_w_hz + density[links.gnb]


def _heard(uplink: NetworkUplink, links: Links) -> FloatArray:
    """Sum of the gains to each site from all UEs of other cells. [S].

    They are at P_max on equal shares: their density, averaged over the band, is P_max gain / W
    each, for as much of an upload's airtime as they are expected to be on the air.
    """
    here = links.ues_present
    gain = links.heard_gain
    assert gain is not None
    heard: FloatArray = np.asarray(gain.sum(axis=0))
    own = np.zeros(uplink.sites)
    np.add.at(own, links.gnb[here], gain[np.arange(len(here)), links.gnb[here]])
    heard = heard - own
    if uplink.places is not None:
        idle = np.bincount(links.gnb[here], minlength=uplink.sites) == 0
        mean = uplink.places.gain.mean(axis=2) * idle
        np.fill_diagonal(mean, 0.0)
        heard = heard + uplink.background_ues * mean.sum(axis=1)
    return heard


def expected_gains(
    uplink: FieldUplink | NetworkUplink, links: Links, setting: Setting | None
) -> FloatArray | None:
    """Gains of the P UEs that are there to all sites, in proportion to their activity. [P, S].

    None in field mode. setting: of what is to be sent; None: all are on the air all the time.
    """
    if isinstance(uplink, FieldUplink):
        return None
    assert links.site_gain is not None
    here = links.ues_present
    gain = links.site_gain[here]
    if setting is None or not len(here):
        return gain
    cell = Cell(
        bandwidth_hz=uplink.bandwidth_hz,
        noise_psd_w_hz=uplink.noise_psd_w_hz,
        power_w=uplink.max_power_w,
        model=uplink.model,
        block_fading=uplink.block_fading,
    )
    demand = _demand(setting, links, here)
    return gain * expected_activity(gain, links.gnb[here], cell, demand)


def _demand(setting: Setting, links: Links, ue: IntArray) -> Demand:
    """If all UEs [P] take part, each with one of the modules in turn."""
    payloads, rules = setting.payloads, setting.rules
    module = ue % len(payloads.bits)
    down_bits = np.asarray(payloads.down_of(module, None))
    times = setting.timetable(links, ue, module, Needs.of_modules(down_bits))
    start_s = times.upload_start_s + rules.access.delay_s(ue, module)
    cell = np.searchsorted(links.gnbs, links.gnb[ue])
    model_bits = bits_once(cell, module, down_bits, len(links.gnbs)).tolist()
    down = zip(links.gnbs.tolist(), model_bits, strict=True)
    opens_s = np.array([setting.core.delay_s(gnb, bits) for gnb, bits in down])
    return Demand(
        payload_bits=float(payloads.bits.mean()),
        start_s=start_s + opens_s[cell],
        longest_s=rules.deadline_s - start_s,
        able=times.ready & (start_s < rules.deadline_s),
    )


@dataclass(frozen=True)
class PerfectKnowledge:
    """The channel of a round as it will be, where it does not depend on the plan."""

    uplink: FieldUplink | NetworkUplink

    def __call__(
        self,
        round: int,
        links: Links,
    ) -> tuple[FloatArray, FloatArray]:
        """(channel gain with fading [K], interference in W [K]). Raises ScenarioError."""
        if isinstance(self.uplink, NetworkUplink):
            raise ScenarioError(
                "must be field for this scheme.kind: it plans with the channel as it will be, "
                "which may not depend on the plan",
                where="scenario: radio.interference",
                value="network",
            )
        if self.uplink.coherence_s is not None:
            raise ScenarioError(
                "must be round for this scheme.kind: it plans with the channel as it will be, one "
                "draw per upload",
                where="scenario: radio.fading",
                value="block",
            )
        fading, interference_w = self.uplink.draws(round, links, attempt=1)
        gain = fading * links.gain
        if self.uplink.sic is not None:
            received_w = self.uplink.max_power_w * gain
            interference_w = disturbed(self.uplink.sic, links, received_w, interference_w)
        return gain, interference_w

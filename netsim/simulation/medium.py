"""The uplink in network mode: all cells are simulated, and interferers are their actual
transmissions.

A UE spreads its power evenly over its own band. What a gNB hears of a UE in another cell, in the
band of one of its own, is the part of that UE's power that lies in the overlap. One process steps
all uploads on the air, one coherence block at a time; who is on the air, and for which part of a
block, is known at its start, so an upload that ends within a block disturbs the others until the
block's end. Freed bandwidth and retransmissions begin with the next block.

Idle cells may be loaded: a gNB with none of its UEs on the air in a block then has `background_ues`
others, at places of their own in its cell, on equal shares at P_max.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.errors import ScenarioError
from netsim.radio.link import RateModel
from netsim.radio.places import CellPlaces
from netsim.simulation.clock import Clock, ProcessGenerator
from netsim.simulation.state import Links, RoundState
from netsim.simulation.stepping import Medium
from netsim.units import FloatArray


@dataclass(frozen=True)
class NetworkUplink:
    """What governs the uplink, the same for the whole run."""

    seed: int
    sites: int
    bandwidth_hz: float  # of each gNB
    noise_psd_w_hz: float
    model: RateModel
    coherence_s: float  # step of the medium
    block_fading: bool  # else one draw per link and attempt
    retransmissions: int  # of an upload in outage, at most
    reallocates: bool
    max_power_w: float
    background_ues: int  # in an idle cell
    places: CellPlaces | None  # of the background UEs
    # UEs take their place in the band by number, else at random in each round
    ordered_bands: bool = False
    interferers_follow: bool = False

    def expected(self, links: Links) -> tuple[FloatArray, FloatArray]:
        """(interference in W [K], noise density in W/Hz [K]) that schemes plan with.

        As if all UEs of the other cells were on the air at P_max on equal shares: their density,
        averaged over the band, is P_max gain / W each.
        """
        assert links.site_gain is not None
        here = slice(None) if links.present is None else links.present
        from_all = links.site_gain[here].sum(axis=0)  # [S]
        own = np.zeros(self.sites)
        np.add.at(own, links.gnb[here], links.gain[here])
        heard = from_all - own
        if self.places is not None:
            idle = np.bincount(links.gnb[here], minlength=self.sites) == 0
            mean = self.places.gain.mean(axis=2) * idle
            np.fill_diagonal(mean, 0.0)
            heard = heard + self.background_ues * mean.sum(axis=1)
        density = np.maximum(heard, 0.0) * self.max_power_w / self.bandwidth_hz
        return np.zeros(len(links)), self.noise_psd_w_hz + density[links.gnb]

    def channel(self, round: int, links: Links) -> tuple[FloatArray, FloatArray]:
        """Not to be had: interference depends on the plans of all cells."""
        raise ScenarioError(
            "perfect channel knowledge needs interference that does not depend on the plan",
            where="scenario: radio.interference",
            value="network",
        )

    def begin(self, clock: Clock, round_: RoundState) -> None:
        """Start the medium's process for the round."""
        medium = Medium(self, round_)
        if round_.lineage is not None:
            round_.afloat = medium
        if medium.open.any():
            clock.process(medium_process(clock, medium, round_))


def medium_process(clock: Clock, medium: Medium, round_: RoundState) -> ProcessGenerator:
    """Takes the time of the blocks in which somebody is on the air; lets the uploads' events fire.

    Ends with the round at the latest.
    """
    while medium.open.any() and not medium.halted:
        begin_s, end_s = medium.next_block()
        if begin_s > clock.now:
            yield clock.at(begin_s)
        if medium.halted:
            return
        for row, at_s in medium.step(begin_s, end_s):
            clock.fire(round_.sent[row], at_s)
        yield clock.at(end_s)

"""Selection by success probability: M. Chen et al., "A joint learning and communications framework
for federated learning over wireless networks", IEEE Trans. Wireless Commun. 20(1), 2021 ([10] of
the paper), extended to N adapters, dealt out in turn.

The gap to the optimum grows with sum_k D_k (1 - a_k + a_k q_k), a_k = 1 for selected UEs and q_k
the error rate of their packets. Given R resource blocks, one for each selected UE:

1. power: q_k falls with P, so a UE transmits with the most that its energy budget allows;
2. a UE that then misses the delay or the energy budget is not selected;
3. selection: a matching of UEs to blocks that minimises the sum. Here all blocks see the same mean
   interference, so the matching is the R UEs with the largest D_k (1 - q_k).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netsim.allocation.cell_view import CellView
from netsim.plugins import Limited, parameter
from netsim.protocols import Observation, RoundPlan, Scheme
from netsim.schemes.base import adapter_in_turn
from netsim.schemes.radio import LONG_S, gnb_ues
from netsim.units import BoolArray, FloatArray, IntArray

BISECTIONS = 50


@dataclass
class SuccessSelection(Limited, Scheme):
    """The UEs whose uploads are likeliest to count, each on one block, within an energy budget."""

    resource_blocks: int = parameter(
        10, "R, equal parts of the band, one for each selected UE", gt=0
    )
    energy_budget_j: float = parameter(
        3.0, "most energy of a UE per round, J: computing and upload", gt=0
    )

    name: ClassVar[str] = "success_selection"
    citation: ClassVar[str] = "Chen et al., IEEE Trans. Wireless Commun. 20(1), 2021"

    @property
    def reckons_rates(self) -> bool:
        """Who takes part follows from how long uploads would take."""
        return True

    def plan(self, observation: Observation) -> RoundPlan:
        """Power, feasibility and selection, at each gNB."""
        ue = np.flatnonzero(observation.available)
        module = adapter_in_turn(observation, ue)
        payload = observation.payload_bits[module]
        compute_j = observation.compute_energy_j[ue]
        block_hz = observation.bandwidth_hz / self.resource_blocks
        view = CellView.of(observation).select(ue)
        power = view.used_w(self._power(view, compute_j, payload, block_hz))

        start_s, ready = _upload_starts(observation, ue, module)
        upload_s = payload / mean_rate_bps(view, power, block_hz)
        energy_j = compute_j + power * upload_s
        in_time = ready & (start_s + upload_s <= observation.deadline_s)
        feasible = in_time & (energy_j <= self.energy_budget_j * (1 + 1e-9))

        arrival = observation.success.probability(
            ue,
            np.array(block_hz),
            power,
            payload,
            _least_time_s(observation.deadline_s - start_s[ready]),
        )
        worth = np.where(
            feasible,
            observation.samples[ue] * arrival,
            0.0,
        )
        chosen = self._choose(observation, ue, worth)
        return RoundPlan(
            ue=ue[chosen],
            module=module[chosen],
            share=np.full(int(chosen.sum()), 1.0 / self.resource_blocks),
            power_w=power[chosen],
            success_probability=_by_module(observation, ue, module, arrival),
        )

    def _choose(
        self,
        observation: Observation,
        ue: IntArray,
        worth: FloatArray,
    ) -> BoolArray:
        """At each gNB, the UEs that are worth most, as many as there are free blocks. [K]."""
        chosen = np.zeros(len(ue), dtype=np.bool_)
        for mine in gnb_ues(observation):
            rows = np.searchsorted(ue, mine)
            free = observation.free_share[mine[0]]
            blocks = int(free * self.resource_blocks + 1e-9)
            best = np.argsort(-worth[rows], kind="stable")[:blocks]
            chosen[rows[best]] = True
        return chosen & (worth > 0)

    def _power(
        self,
        view: CellView,
        compute_j: FloatArray,
        payload: FloatArray,
        block_hz: float,
    ) -> FloatArray:
        """Power that uses up the energy budget, within [P_min, P_max], W. [K].

        The energy of an upload, P G / rate(P), grows with P.
        """
        upload_budget_j = self.energy_budget_j - compute_j

        def affordable(power: FloatArray) -> FloatArray:
            upload_j = power * payload / mean_rate_bps(view, power, block_hz)
            return np.asarray(upload_j <= upload_budget_j)

        low = np.full(len(payload), view.min_power_w)
        high = np.full(len(payload), view.max_power_w)
        unbound = affordable(high)
        for _ in range(BISECTIONS):
            middle = np.sqrt(low * high)
            within = affordable(middle)
            low = np.where(within, middle, low)
            high = np.where(within, high, middle)
        return np.where(unbound, view.max_power_w, low)


def _upload_starts(
    observation: Observation,
    ue: IntArray,
    module: IntArray,
) -> tuple[FloatArray, BoolArray]:
    """When uploads would start, s from the start of the round, and who is ready. [K] each."""
    computed_s, ready = observation.computed(ue, module)
    if observation.barrier:
        return latest(computed_s, observation.gnb[ue], ready), ready
    return computed_s, ready


def _by_module(
    observation: Observation,
    ue: IntArray,
    module: IntArray,
    values: FloatArray,
) -> FloatArray:
    """Values of rows by UE and module, NaN elsewhere. [K, N]."""
    table = np.full((len(observation.gnb), len(observation.payload_bits)), np.nan)
    table[ue, module] = values
    return table


def _least_time_s(left_s: FloatArray) -> float:
    """The shortest time to the deadline, within [0, LONG_S]."""
    return float(np.clip(left_s, 0.0, LONG_S).min(initial=LONG_S))


def latest(
    computed_s: FloatArray,
    gnb: IntArray,
    ready: BoolArray,
) -> FloatArray:
    """When the uploads of each UE's gNB start under the barrier: with the last one ready. [K]."""
    last = np.zeros(int(gnb.max(initial=0)) + 1)
    np.maximum.at(last, gnb[ready], computed_s[ready])
    return np.asarray(last[gnb])


def mean_rate_bps(
    view: CellView,
    power_w: FloatArray,
    band_hz: FloatArray | float,
) -> FloatArray:
    """B E_h[log2(1 + P h g / (I + B N0))] over Rayleigh fading h ~ Exp(1), bit/s. [K].

    In closed form e^z E_1(z) / ln 2 with z = 1 / mean SINR. Where the rate is that of a code, it
    does not depend on h.
    """
    from scipy.special import exp1  # loads long; the list of schemes does without

    if view.code_sinr is not None:
        rate = band_hz * np.log2(1.0 + view.code_sinr)
        return np.broadcast_to(rate, len(view.ue)).copy()
    signal_w, interference_w, noise_psd = view.link(power_w)
    rate_hz = band_hz * view.rate_factor
    z = (interference_w + rate_hz * noise_psd) / signal_w
    small = np.minimum(z, 500.0)
    scaled = np.where(
        z < 500.0,
        np.exp(small) * exp1(small),
        1.0 / (z + 1.0),  # the tail of the continued fraction
    )
    return np.asarray(rate_hz * scaled / np.log(2.0))

"""Wireless resource management, step 1 of Algorithm 2: bandwidth and power, in turns.

Algorithm 1 finds the common finish time E of the active UEs for their powers; power control finds
the powers for that E. Each half-step may raise what the other lowers, so the alternation need not
settle: moves are damped, and the best iterate is the answer, never worse than its start at P_max.
Powers stay
above a floor with which the shares of the start remain feasible: E <= budget_s whenever the start
meets it (model-spec 6). K UEs, N modules.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from netsim.allocation.bandwidth import Allocation, allocate_bandwidth
from netsim.allocation.power import Success, damp, gives_up, optimal_power, power_cost, power_floor
from netsim.allocation.uplinks import required_shares
from netsim.protocols import Observation, SuccessModel
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class CellView:
    """What the controller of one gNB knows about its UEs in a round."""

    ue: IntArray  # [K] numbers of the UEs, as the success model knows them
    gain: FloatArray  # [K] linear channel gain, mean or realised
    interference_w: FloatArray  # [K] expected, with interferers at P_max
    noise_psd_w_hz: FloatArray  # [K]
    payload_bits: FloatArray  # [N]
    success: SuccessModel
    bandwidth_hz: float
    min_power_w: float
    max_power_w: float
    interferers_follow: bool = False  # interferers send with the power of the UE they disturb
    code_sinr: float | None = None  # the rate is that of the threshold's code, not of the channel
    # [K] part of its gNB's band that is to be divided; None: all
    free_share: FloatArray | None = None

    @classmethod
    def of(cls, observation: Observation, *, perfect: bool = False) -> CellView:
        """All UEs of an observation; `perfect` sees the channel as it will be. `select` gives one
        gNB's.
        """
        gain, interference = observation.signal_gain, observation.interference_w
        if perfect:
            gain, interference = observation.channel()
        return cls(
            ue=np.arange(len(gain)),
            gain=gain,
            interference_w=interference,
            noise_psd_w_hz=observation.noise_psd_w_hz,
            payload_bits=observation.payload_bits,
            success=observation.success,
            bandwidth_hz=observation.bandwidth_hz,
            min_power_w=observation.min_power_w,
            max_power_w=observation.max_power_w,
            interferers_follow=observation.interferers_follow,
            code_sinr=observation.sinr_threshold if observation.rate_model == "threshold" else None,
            free_share=observation.free_share,
        )

    def select(self, ue: IntArray) -> CellView:
        """The view of some of the UEs, all of one gNB: `bandwidth_hz` is what is free of its
        band.
        """
        free = 1.0 if self.free_share is None or not len(ue) else float(self.free_share[ue[0]])
        return replace(
            self,
            bandwidth_hz=self.bandwidth_hz * free,
            free_share=None,
            ue=self.ue[ue],
            gain=self.gain[ue],
            interference_w=self.interference_w[ue],
            noise_psd_w_hz=self.noise_psd_w_hz[ue],
        )

    def link(self, power_w: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """What sets the rates at power_w: (signal in W, interference in W, noise in W/Hz). [K]
        each.

        Where the rate is that of a code, an equivalent channel of that SINR in every band.
        """
        if self.code_sinr is not None:
            return (
                np.full(len(self.ue), self.code_sinr),
                np.ones(len(self.ue)),
                np.zeros(len(self.ue)),
            )
        level = power_w / self.max_power_w if self.interferers_follow else 1.0
        return power_w * self.gain, np.asarray(self.interference_w * level), self.noise_psd_w_hz

    def success_at(
        self, power_w: FloatArray, shares: FloatArray, payload_bits: FloatArray, budget_s: float
    ) -> FloatArray:
        """lambda for powers [..., K, 1] in shares [K, N]; 0 in an infinite share. [..., K, N].

        payload_bits, [N] or [K, 1], and the time left matter under block fading only.
        """
        band = self.bandwidth_hz * shares
        return self.success.probability(
            self.ue[:, np.newaxis], band, power_w, payload_bits, budget_s
        )

    def shares_for(
        self, power_w: FloatArray, payload_bits: FloatArray, finish_s: float
    ) -> FloatArray:
        """Share with which payloads [N] or [K, N] are through at finish_s, [K, N]; infinite if none
        is.
        """
        signal, interference, noise = (a[:, np.newaxis] for a in self.link(power_w))
        return required_shares(
            signal,
            interference,
            payload_bits,
            finish_s,
            bandwidth_hz=self.bandwidth_hz,
            noise_psd_w_hz=noise,
        )

    def allocate(self, power_w: FloatArray, payload_bits: FloatArray) -> Allocation:
        """Algorithm 1 over all UEs of the view; payload_bits [K]."""
        signal, interference, noise = self.link(power_w)
        return allocate_bandwidth(
            signal, interference, payload_bits, bandwidth_hz=self.bandwidth_hz, noise_psd_w_hz=noise
        )


@dataclass(frozen=True)
class Iterate:
    """Powers, and what Algorithm 1 makes of them. A UE sends all its modules in one band at one
    power.
    """

    active: BoolArray  # [K] transmits; a UE that gave up does not
    power_w: FloatArray  # [K] P_max where inactive
    shares: FloatArray  # [K] 0 where inactive
    finish_s: float  # E; 0 without active UEs
    cost: float  # sum of Q over the active UEs, without its constants


@dataclass(frozen=True)
class Wireless:
    """The best iterate of a round, and what led to it."""

    best: Iterate
    success: FloatArray  # [K, N] lambda: in the UE's share if subscribed, else in its virtual share
    costs: tuple[float, ...]  # of every iterate, the start first
    settled: bool  # the last step moved no power by more than the tolerance


def manage_wireless(
    cell: CellView,
    subscribed: BoolArray,
    weight: FloatArray,
    *,
    energy_price_per_j: float,
    budget_s: float,
    formulas: str = "corrected",
    max_iterations: int = 20,
    tolerance: float = 1e-3,
) -> Wireless:
    """Powers and shares of the admitted UEs that balance arrivals against energy.

    subscribed: [K, N], all False for UEs not admitted. weight: c of an arrival, [K, N], from
    `arrival_weight`. energy_price_per_j: mu; 0 keeps all at P_max. budget_s: E_cap, the time left
    for uploads. tolerance: on the largest change of a log power.

    Corrected: arrivals count on the subscribed modules, and a UE whose least power is no better
    than silence gives up. As printed (14): they count on the others, in their virtual shares, and
    power is paid once for each module.
    """
    game = _Alternation(cell, subscribed, weight, energy_price_per_j, budget_s, formulas == "paper")
    best = state = game.iterate(game.has_module, np.full(len(subscribed), cell.max_power_w))
    floor = game.floor(state)
    costs, settled = [state.cost], energy_price_per_j == 0 or not state.active.any()
    while not settled and len(costs) <= max_iterations:
        active, power_w = game.respond(state, floor)
        moved = np.abs(np.log(power_w / state.power_w))[active]
        settled = bool(moved.max(initial=0.0) < tolerance) and bool(np.all(active == state.active))
        state = game.iterate(active, power_w)
        costs.append(state.cost)
        best = state if state.cost < best.cost else best
    return Wireless(best, game.success(best), tuple(costs), settled)


@dataclass(frozen=True)
class _Alternation:
    """The two half-steps. J terms of Q per UE: its own (corrected), or one for each module
    (printed).
    """

    cell: CellView
    subscribed: BoolArray  # [K, N]
    weight: FloatArray  # [K, N]
    energy_price_per_j: float
    budget_s: float
    printed: bool

    @cached_property
    def has_module(self) -> BoolArray:
        return np.asarray(self.subscribed.any(axis=1))  # [K]

    @cached_property
    def payload_bits(self) -> FloatArray:
        return np.asarray(self.subscribed @ self.cell.payload_bits)  # [K]

    @cached_property
    def terms(self) -> FloatArray:
        """What an arrival of each term is worth, [K, J]."""
        if self.printed:
            return self.weight * ~self.subscribed
        return np.asarray((self.weight * self.subscribed).sum(axis=1, keepdims=True))

    def iterate(self, active: BoolArray, power_w: FloatArray) -> Iterate:
        """Algorithm 1 over the active UEs at these powers, and the cost of the outcome."""
        cell = self.cell
        on = np.flatnonzero(active)
        found = cell.select(on).allocate(power_w[on], self.payload_bits[on])
        shares = np.zeros(len(power_w))
        shares[active] = found.shares
        state = Iterate(active, power_w, shares, found.finish_s, 0.0)
        cost = power_cost(self._law(state), self.terms, self._price(state), power_w)
        return replace(state, cost=float(cost[active].sum()))

    def respond(self, state: Iterate, floor_w: FloatArray) -> tuple[BoolArray, FloatArray]:
        """Who stays active, and everyone's next power: half of the way to the best for this E. [K],
        [K].
        """
        law, price, most = self._law(state), self._price(state), self.cell.max_power_w
        wanted = optimal_power(law, self.terms, price, floor_w=floor_w, max_power_w=most)
        active = state.active.copy()
        if not self.printed:
            cost = power_cost(law, self.terms, price, wanted)
            silent = np.flatnonzero(active & gives_up(wanted, floor_w, cost))
            worst = silent[np.argsort(-cost[silent], kind="stable")]
            # Half of them at a time: when some leave, E and with it the price falls for the rest.
            active[worst[: (len(worst) + 1) // 2]] = False
        return active, np.where(active, damp(state.power_w, wanted), most)

    def floor(self, start: Iterate) -> FloatArray:
        """Powers that keep the start's shares feasible within the budget, W. [K]."""
        cell = self.cell
        if cell.code_sinr is not None:  # no power changes a rate
            return np.full(len(cell.ue), cell.min_power_w)
        return power_floor(
            cell.gain,
            cell.interference_w,
            self.payload_bits,
            start.shares,
            self.budget_s,
            bandwidth_hz=cell.bandwidth_hz,
            noise_psd_w_hz=cell.noise_psd_w_hz,
            min_power_w=cell.min_power_w,
            max_power_w=cell.max_power_w,
            interferers_follow=cell.interferers_follow,
        )

    def success(self, state: Iterate) -> FloatArray:
        """lambda of every module, [K, N]: in the UE's share where it sends it, else in its virtual
        share.
        """
        sends = self.subscribed & state.active[:, np.newaxis]
        shares = np.where(sends, state.shares[:, np.newaxis], self._virtual(state))
        return self.cell.success_at(
            state.power_w[:, np.newaxis], shares, self.cell.payload_bits, self.budget_s
        )

    def _law(self, state: Iterate) -> Success:
        cell, budget = self.cell, self.budget_s
        if self.printed:
            shares, payload = self._virtual(state), cell.payload_bits
        else:
            shares, payload = state.shares[:, np.newaxis], self.payload_bits[:, np.newaxis]
        return lambda power_w: cell.success_at(power_w, shares, payload, budget)

    def _price(self, state: Iterate) -> FloatArray:
        """L of power control, 1/W: mu E, once for each module as printed. [K]."""
        times = self.subscribed.sum(axis=1) if self.printed else self.has_module
        return np.asarray(self.energy_price_per_j * state.finish_s * times)

    def _virtual(self, state: Iterate) -> FloatArray:
        finish_s = state.finish_s or self.budget_s
        return self.cell.shares_for(state.power_w, self.cell.payload_bits, finish_s)

"""Wireless resource management, step 1 of Algorithm 2: bandwidth and power, in turns.

Algorithm 1 finds the common finish time E of the active UEs for their powers; power control finds
the powers for that E. Each half-step may raise what the other lowers, so the alternation need not
settle, and may go in circles: moves are damped, an iterate that was there before ends them, and the
best is the answer, never worse than its start at P_max.
Powers stay above a floor at which the shares of the start remain feasible, so that E <= budget_s
whenever the start meets it (docs/model/power.md). K UEs, N modules.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from netsim.allocation.cell_view import CellView
from netsim.allocation.power import Success, damp, gives_up, optimal_power, power_cost, power_floor
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Iterate:
    """Powers, and the shares of Algorithm 1 for them. A UE sends all its modules in one band."""

    active: BoolArray  # [K] transmits; a UE that gave up does not
    power_w: FloatArray  # [K] P_max where inactive
    shares: FloatArray  # [K] 0 where inactive
    finish_s: float  # E; 0 without active UEs
    cost: float  # sum of Q over the active UEs, without its constants

    def is_as(self, other: Iterate, tolerance: float) -> bool:
        """The same UEs transmit, and no log power differs by the tolerance."""
        if not np.array_equal(self.active, other.active):
            return False
        apart = np.abs(np.log(self.power_w / other.power_w))[self.active]
        return bool(apart.max(initial=0.0) < tolerance)


@dataclass(frozen=True)
class Wireless:
    """The best iterate of a round, and what led to it."""

    best: Iterate
    success: FloatArray  # [K, N] lambda: in the UE's share if subscribed, else in its virtual share
    costs: tuple[float, ...]  # of every iterate, the start first
    settled: bool  # the last iterate is one that was there before, within the tolerance


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
    steps = _Alternation(
        cell=cell,
        subscribed=subscribed,
        weight=weight,
        energy_price_per_j=energy_price_per_j,
        budget_s=budget_s,
        printed=formulas == "paper",
    )
    at_most_w = np.full(len(subscribed), cell.max_power_w)
    state = steps.iterate(steps.has_module, at_most_w)
    best = state
    floor = steps.floor(state)
    settled = energy_price_per_j == 0 or not state.active.any()
    iterates = [state]
    while not settled and len(iterates) <= max_iterations:
        state = steps.iterate(*steps.respond(state, floor))
        settled = any(state.is_as(earlier, tolerance) for earlier in iterates)
        iterates.append(state)
        if state.cost < best.cost:
            best = state
    return Wireless(
        best=best,
        success=steps.success(best),
        costs=tuple(each.cost for each in iterates),
        settled=settled,
    )


@dataclass(frozen=True)
class _Alternation:
    """The two half-steps. Q has J terms per UE: one (corrected), or one per module (printed)."""

    cell: CellView
    subscribed: BoolArray  # [K, N]
    weight: FloatArray  # [K, N]
    energy_price_per_j: float
    budget_s: float
    printed: bool
    known: dict[bytes, FloatArray] = field(default_factory=dict)  # lambda of a lone UE

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
        on_modules = self.weight * self.subscribed
        return np.asarray(on_modules.sum(axis=1, keepdims=True))

    def iterate(self, active: BoolArray, power_w: FloatArray) -> Iterate:
        """Algorithm 1 over the active UEs at these powers, and the cost of the outcome."""
        on = np.flatnonzero(active)
        found = self.cell.select(on).allocate(power_w[on], self.payload_bits[on])
        shares = np.zeros(len(power_w))
        shares[active] = found.shares
        state = Iterate(
            active=active,
            power_w=power_w,
            shares=shares,
            finish_s=found.finish_s,
            cost=0.0,
        )
        if not len(on):
            return state
        cost = power_cost(
            self._law(state, on),
            self.terms[on],
            self._price(state)[on],
            power_w[on],
        )
        return replace(state, cost=float(cost.sum()))

    def respond(self, state: Iterate, floor_w: FloatArray) -> tuple[BoolArray, FloatArray]:
        """Who stays active, and powers half of the way to the best for this E. [K] each."""
        active = state.active.copy()
        power_w = np.full(len(active), self.cell.max_power_w)
        on = np.flatnonzero(active)
        if not len(on):
            return active, power_w
        law = self._law(state, on)
        price = self._price(state)[on]
        wanted = optimal_power(
            law,
            self.terms[on],
            price,
            floor_w=floor_w[on],
            max_power_w=self.cell.max_power_w,
        )
        power_w[on] = damp(state.power_w[on], wanted)
        if not self.printed:
            cost = power_cost(law, self.terms[on], price, wanted)
            silent = np.flatnonzero(gives_up(wanted, floor_w[on], cost))
            worst = silent[np.argsort(-cost[silent], kind="stable")]
            # Half of them at a time: when some leave, E and with it the price falls for the rest.
            half = (len(worst) + 1) // 2
            gone = on[worst[:half]]
            active[gone] = False
            power_w[gone] = self.cell.max_power_w
        return active, power_w

    def floor(self, start: Iterate) -> FloatArray:
        """Powers that keep the start's shares feasible within the budget, W. [K]."""
        cell = self.cell
        if cell.code_sinr is not None:  # no power changes a rate
            return np.full(len(cell.ue), cell.min_power_w)
        return power_floor(
            cell.gain / cell.sinr_gap,
            cell.interference_w,
            self.payload_bits,
            start.shares,
            self.budget_s,
            bandwidth_hz=cell.rate_hz,
            noise_psd_w_hz=cell.noise_psd_w_hz / cell.rate_factor,
            min_power_w=cell.min_power_w,
            max_power_w=cell.max_power_w,
            interferers_follow=cell.interferers_follow,
        )

    def success(self, state: Iterate) -> FloatArray:
        """lambda of every module in the UE's share or, of one it does not send, the virtual share.

        Shape [K, N].
        """
        sends = self.subscribed & state.active[:, np.newaxis]
        shares = np.where(
            sends,
            state.shares[:, np.newaxis],
            self._virtual(state),
        )
        return self.cell.success_at(
            state.power_w[:, np.newaxis],
            shares,
            self.cell.payload_bits,
            self.budget_s,
        )

    def _law(self, state: Iterate, on: IntArray) -> Success:
        """lambda of the UEs `on`, [..., on, J], as a function of their powers."""
        cell = self.cell.select(on)
        if self.printed:
            shares = self._virtual(state)[on]
            payload = cell.payload_bits
        else:
            shares = state.shares[on, np.newaxis]
            payload = self.payload_bits[on, np.newaxis]

        def law(power_w: FloatArray) -> FloatArray:
            return cell.success_at(
                power_w,
                shares,
                payload,
                self.budget_s,
            )

        alone = len(self.cell.ue) == 1 and not self.printed
        return self._remembered(law, shares) if alone else law

    def _remembered(self, law: Success, shares: FloatArray) -> Success:
        """The law of a UE alone in its cell: with one share, iterates ask for the same powers."""

        def remembered(power_w: FloatArray) -> FloatArray:
            key = shares.tobytes() + power_w.tobytes()
            if key not in self.known:
                self.known[key] = law(power_w)
            return self.known[key]

        return remembered

    def _price(self, state: Iterate) -> FloatArray:
        """L of power control, 1/W: mu E, as printed once for each module. [K]."""
        times = self.subscribed.sum(axis=1) if self.printed else self.has_module
        return np.asarray(self.energy_price_per_j * state.finish_s * times)

    def _virtual(self, state: Iterate) -> FloatArray:
        """Share that each UE would need for each module to finish with the others. [K, N]."""
        finish_s = state.finish_s or self.budget_s
        return self.cell.shares_for(
            state.power_w,
            self.cell.payload_bits,
            finish_s,
        )

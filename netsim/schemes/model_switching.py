"""Model switching: J. Wang et al., "A federated fine-tuning paradigm of foundation models in
heterogenous wireless networks", Algorithm 2.

Each round: (step 1) powers and bandwidth of the subscribed UEs, in turns; (step 2) which module
each UE subscribes to in the next round, by dual ascent (11) on the participation constraint (7d)
and the exact solution of (12). Step 2 uses only what is known when the round is planned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from netsim import rng
from netsim.allocation.cell_view import CellView
from netsim.allocation.participation import check_participation, cost_range, dual_ascent, dual_step
from netsim.allocation.rounding import proximal_step, systematic_rounding
from netsim.allocation.subscription import module_energy_j, risk_gradient, solve_subscription
from netsim.allocation.wireless import manage_wireless
from netsim.errors import InputError, ScenarioError
from netsim.plugins import Limited, parameter
from netsim.protocols import Observation, RoundPlan, Scheme
from netsim.schemes.radio import LONG_S, admit_uploads
from netsim.theory.risk_bound import (
    RiskConstants,
    arrival_weight,
    default_constants,
    error_floor,
    missing_probability,
)
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass
class Control:
    """What step 1 decided for the K UEs of all gNBs."""

    admitted: BoolArray  # [K]
    active: BoolArray  # [K] admitted and did not give up
    power_w: FloatArray  # [K]
    shares: FloatArray  # [K]
    rate_bps: FloatArray  # [K] in an equal share of its gNB's band
    finish_s: FloatArray  # [K] E of its gNB
    success: FloatArray  # [K, N] lambda

    @classmethod
    def silent(cls, ues: int, modules: int) -> Control:
        """Nobody sends."""
        power, shares, rate, finish = np.zeros((4, ues))
        return cls(
            np.zeros(ues, dtype=np.bool_),
            np.zeros(ues, dtype=np.bool_),
            power,
            shares,
            rate,
            finish,
            np.zeros((ues, modules)),
        )


@dataclass
class ModelSwitching(Limited, Scheme):
    """Algorithm 2: module subscription, power and bandwidth optimised online."""

    max_modules: int = parameter(1, "s, modules a UE may subscribe to", ge=1)
    participation: float = parameter(0.1, "v, rate at which each UE shall work on each module (7d)")
    mu: float = parameter(1e5, "energy price as the paper prints it", ge=0)
    mu_scale: float = parameter(
        1e-7,
        "calibration of mu, per J: the price is mu x mu_scale",
        ge=0,
    )
    power_control: bool = parameter(True, "False: all at P_max")
    csi: Literal["mean", "perfect"] = parameter(
        "mean", "channel known: large scale, or as it will be"
    )
    switch_energy: Literal["own", "common"] = parameter(
        "own", "airtime that switching is charged for"
    )
    switch_gap: Literal["none", "bound", "affinity"] = parameter(
        "none", "how the fit of a module counts"
    )
    dual_step: float | None = parameter(None, "varsigma of (11); default M / sqrt(T)", gt=0)
    prox_step: float | None = parameter(
        None,
        "proximal step with rounding instead of the vertex of (12)",
        gt=0,
    )
    max_iterations: int = parameter(20, "e_max of step 1", ge=1)
    tolerance: float = parameter(
        1e-3,
        "step 1 has settled when no log power moves more",
        gt=0,
    )
    smoothness: float | None = parameter(
        None, "eps; defaults of the four constants: model-spec 3.4"
    )
    convexity: float | None = parameter(None, "xi")
    dispersion: float | None = parameter(None, "zeta_1")
    dispersion_slope: float | None = parameter(None, "zeta_2")

    name: ClassVar[str] = "model_switching"
    citation: ClassVar[str] = "Wang et al., Algorithm 2"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._state: dict[str, Any] = {}

    @property
    def needs_learning(self) -> bool:
        """The gap of a module at a UE is a measured loss."""
        return self.switch_gap != "none"

    def ranks(self, configured: Sequence[int]) -> tuple[int, ...]:
        """The modules as configured."""
        try:
            check_participation(self.participation, self.max_modules, len(configured))
        except InputError as error:
            raise ScenarioError(
                error.rule,
                where="scenario: scheme.participation",
                value=error.value,
            ) from None
        return tuple(configured)

    # -- Algorithm 2 -----------------------------------------------------------------------------

    def plan(self, observation: Observation) -> RoundPlan:
        """Step 1 for this round, gNB by gNB, then step 2 for the next."""
        constants = self._constants(observation)
        view = CellView.of(observation, perfect=self.csi == "perfect")
        if not self._state:
            self._start(observation, view, constants)
        subscribed: BoolArray = self._state["subscribed"] & observation.available[:, np.newaxis]
        fraction = self._state["fraction"]
        dual = self._state["dual"]
        weight = arrival_weight(self._state["floor"], constants, observation.formulas)
        control = Control.silent(*subscribed.shape)
        for site in np.unique(observation.gnb[observation.available]):
            mine = np.flatnonzero((observation.gnb == site) & observation.available)
            self._manage(
                observation,
                view,
                mine,
                subscribed,
                weight,
                control,
            )
        executed = subscribed & control.active[:, np.newaxis]
        gave_up = control.admitted & ~control.active  # not for want of a subscription
        admissible = (control.admitted | ~subscribed.any(axis=1)) & ~gave_up & observation.available
        self._switch(
            observation,
            view,
            constants,
            control,
            executed,
            admissible,
        )
        return self._declare(
            observation,
            control,
            executed,
            fraction,
            dual,
        )

    def _start(
        self,
        observation: Observation,
        view: CellView,
        constants: RiskConstants,
    ) -> None:
        """One module per UE, in turn; duals 0; B as if everybody had an equal share at P_max."""
        ues = len(view.ue)
        modules = len(view.payload_bits)
        subscribed = np.zeros((ues, modules), dtype=np.bool_)
        subscribed[np.arange(ues), np.arange(ues) % modules] = True
        peers = np.bincount(observation.gnb)[observation.gnb]
        shares = np.repeat(1.0 / peers[:, np.newaxis], modules, axis=1)
        power = np.full((ues, 1), view.max_power_w)
        lam = view.success_at(
            power,
            shares,
            view.payload_bits,
            min(observation.deadline_s, LONG_S),
        )
        missing = missing_probability(lam, subscribed, observation.formulas)
        self._state = {
            "subscribed": subscribed,
            "fraction": subscribed.astype(np.float64),
            "dual": np.zeros((ues, modules)),
            "floor": error_floor(
                missing,
                constants,
                observation.formulas,
                ues,
            ),
            "spread": np.zeros(ues),
        }

    def _manage(
        self,
        observation: Observation,
        view: CellView,
        mine: IntArray,
        subscribed: BoolArray,
        weight: FloatArray,
        control: Control,
    ) -> None:
        """Step 1 for the UEs `mine` of one gNB: admission, powers and bandwidth, into `control`."""
        cell = view.select(mine)
        row, module = np.nonzero(subscribed[mine])
        found = admit_uploads(
            observation,
            view,
            mine[row],
            module,
            known=self.csi == "perfect",
        )
        admitted = found.admitted[mine]
        wireless = manage_wireless(
            cell,
            subscribed[mine] & admitted[:, np.newaxis],
            weight[mine],
            energy_price_per_j=self._price if self.power_control else 0.0,
            budget_s=found.budget_s,
            formulas=observation.formulas,
            max_iterations=self.max_iterations,
            tolerance=self.tolerance,
        )
        best = wireless.best
        control.admitted[mine] = admitted
        control.active[mine] = best.active
        control.power_w[mine] = best.power_w
        control.shares[mine] = best.shares * observation.free_share[mine]
        control.success[mine] = wireless.success
        count = max(int(best.active.sum()), 1)
        signal, interference, noise = cell.link(best.power_w)
        ratio = signal / (interference + noise * cell.bandwidth_hz / count)
        control.rate_bps[mine] = cell.bandwidth_hz / count * np.log2(1.0 + ratio)
        control.finish_s[mine] = best.finish_s

    def _switch(
        self,
        observation: Observation,
        view: CellView,
        constants: RiskConstants,
        control: Control,
        executed: BoolArray,
        admissible: BoolArray,
    ) -> None:
        """Step 2: duals by (11), subscriptions of the next round by (12), B for its weights."""
        state = self._state
        modules = len(view.payload_bits)
        gradient = risk_gradient(
            control.success,
            state["floor"],
            module_energy_j(
                observation.compute_energy_j,
                control.power_w,
                view.payload_bits,
                control.rate_bps,
                control.finish_s,
                self.switch_energy,
            ),
            constants=constants,
            energy_price_per_j=self._price,
            formulas=observation.formulas,
            gap=self._gap(observation),
            switch_gap=self.switch_gap,
        )
        gradient = np.where(
            observation.available[:, np.newaxis], gradient, 0.0
        )  # absent UEs: not known
        state["spread"] = cost_range(gradient, state["spread"])
        step = (
            self.dual_step or dual_step(state["spread"], max(observation.rounds, 1))[:, np.newaxis]
        )
        rates = check_participation(self.participation, self.max_modules, modules)
        state["dual"] = dual_ascent(
            state["dual"],
            executed,
            rates,
            step,
            admissible=admissible,
        )
        missing = missing_probability(control.success, executed, observation.formulas)
        state["floor"] = error_floor(
            missing,
            constants,
            observation.formulas,
            len(executed),
        )
        cost = gradient - state["dual"]
        before = (state["subscribed"], state["fraction"])
        if self.prox_step is None:
            ties = rng.stream(observation.seed, "subscription_tie", observation.round)
            subscribed = solve_subscription(cost, self.max_modules, rng=ties)
            fraction = subscribed.astype(np.float64)
        else:
            draws = rng.stream(observation.seed, "subscription_rounding", observation.round)
            fraction = proximal_step(
                state["fraction"],
                cost,
                self.prox_step,
                self.max_modules,
            )
            subscribed = systematic_rounding(fraction, draws)
        here = observation.available[
            :, np.newaxis
        ]  # of the others nothing is known: they stay as they are
        state["subscribed"], state["fraction"] = (
            np.where(here, new, old)
            for new, old in zip((subscribed, fraction), before, strict=True)
        )

    def _gap(self, observation: Observation) -> FloatArray | float:
        if self.switch_gap == "none" or observation.module_gap is None:
            return 0.0
        return observation.module_gap()

    def _declare(
        self,
        observation: Observation,
        control: Control,
        executed: BoolArray,
        fraction: FloatArray,
        dual: FloatArray,
    ) -> RoundPlan:
        """Rows of the plan; a UE's modules divide its share and its power by payload (model-spec
        10.7).
        """
        ue, module = np.nonzero(executed)
        payload = observation.payload_bits[module]
        part = payload / np.bincount(ue, weights=payload, minlength=len(executed))[ue]
        return RoundPlan(
            ue,
            module,
            control.shares[ue] * part,
            control.power_w[ue] * part,
            fraction=fraction,
            success_probability=control.success,
            dual=dual,
        )

    # -- what it works with ----------------------------------------------------------------------

    @property
    def _price(self) -> float:
        return self.mu * self.mu_scale

    def _constants(self, observation: Observation) -> RiskConstants:
        default = default_constants(observation.formulas, len(observation.distance_m))
        given = (
            (default.smoothness, self.smoothness),
            (default.convexity, self.convexity),
            (default.dispersion, self.dispersion),
            (default.dispersion_slope, self.dispersion_slope),
        )
        return RiskConstants(*(usual if value is None else value for usual, value in given))

    def state(self) -> dict[str, Any]:
        """Subscriptions of the next round, duals, B and the spread of the costs so far."""
        return dict(self._state)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        self._state = dict(state)

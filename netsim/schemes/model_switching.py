"""Model switching: J. Wang et al., "A federated fine-tuning paradigm of foundation models in
heterogenous wireless networks", Algorithm 2.

Each round: (step 1) powers and bandwidth of the subscribed UEs, in turns; (step 2) which module
each UE subscribes to in the next round, by dual ascent (11) on the participation constraint (7d)
and the exact solution of (12). Step 2 uses only what is known when the round is planned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from netsim import rng
from netsim.allocation.cell_view import CellView
from netsim.allocation.participation import check_participation, cost_range, dual_ascent, dual_step
from netsim.allocation.rounding import proximal_step, systematic_rounding
from netsim.allocation.subscription import module_energy_j, risk_gradient, solve_subscription
from netsim.errors import InputError, ScenarioError
from netsim.plugins import Limited, parameter
from netsim.protocols import Observation, RoundPlan, Scheme
from netsim.schemes.radio import LONG_S
from netsim.schemes.radio_control import RadioControl, RadioController
from netsim.theory.risk_bound import (
    RiskConstants,
    arrival_weight,
    check_convexity,
    default_constants,
    error_floor,
    missing_probability,
)
from netsim.units import BoolArray, FloatArray

MOST = 1e100  # of what is saved; sums and products of it are finite


@dataclass
class ModelSwitching(Limited, Scheme):
    """Algorithm 2: module subscription, power and bandwidth optimised online."""

    max_modules: int = parameter(1, "s, modules a UE may subscribe to", ge=1)
    participation: float = parameter(0.1, "v, rate at which each UE shall work on each module (7d)")
    mu: float = parameter(1e5, "energy price as the paper prints it", ge=0)
    mu_scale: float = parameter(1e-7, "calibration of mu, per J: the price is mu x mu_scale", ge=0)
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
        None, "proximal step with rounding instead of the vertex of (12)", gt=0
    )
    max_iterations: int = parameter(20, "e_max of step 1", ge=1)
    tolerance: float = parameter(1e-3, "step 1 has settled when no log power moves more", gt=0)
    smoothness: float | None = parameter(
        None, "eps; defaults of the four constants: docs/model/risk-bound.md", gt=0
    )
    convexity: float | None = parameter(None, "xi", gt=0)
    dispersion: float | None = parameter(None, "zeta_1", ge=0)
    dispersion_slope: float | None = parameter(None, "zeta_2", ge=0)

    name: ClassVar[str] = "model_switching"
    citation: ClassVar[str] = "Wang et al., Algorithm 2"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_convexity(self.convexity, self.smoothness)
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
        state = self._state
        subscribed = state["subscribed"] & observation.available[:, np.newaxis]
        fraction = state["fraction"]
        dual = state["dual"]
        controller = RadioController(
            energy_price_per_j=self._price if self.power_control else 0.0,
            known=self.csi == "perfect",
            max_iterations=self.max_iterations,
            tolerance=self.tolerance,
        )
        weight = arrival_weight(state["floor"], constants, observation.formulas)
        control = controller.control(observation, view, subscribed, weight)
        executed = subscribed & control.active[:, np.newaxis]
        self._switch(observation, view, constants, control, subscribed)
        return self._declare(observation, control, executed, fraction, dual)

    def _start(
        self,
        observation: Observation,
        view: CellView,
        constants: RiskConstants,
    ) -> None:
        """One module per UE, in turn; duals 0; B as if everybody had an equal share at P_max."""
        ues = len(view.ue)
        modules = len(view.payload_bits)
        every_ue = np.arange(ues)
        subscribed = np.zeros((ues, modules), dtype=np.bool_)
        subscribed[every_ue, every_ue % modules] = True
        peers = np.bincount(observation.gnb)[observation.gnb]
        shares = np.repeat(1.0 / peers[:, np.newaxis], modules, axis=1)
        power = np.full((ues, 1), view.max_power_w)
        budget_s = min(observation.deadline_s, LONG_S)
        lam = view.success_at(
            power,
            shares,
            view.payload_bits,
            budget_s,
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

    def _switch(
        self,
        observation: Observation,
        view: CellView,
        constants: RiskConstants,
        control: RadioControl,
        subscribed: BoolArray,
    ) -> None:
        """Step 2: duals by (11), subscriptions of the next round by (12), B for its weights."""
        state = self._state
        available = observation.available[:, np.newaxis]
        gradient = self._gradient(observation, view, constants, control)
        gradient = np.where(available, gradient, 0.0)  # nothing is known of absent UEs
        state["spread"] = cost_range(gradient, state["spread"])
        executed = subscribed & control.active[:, np.newaxis]
        state["dual"] = dual_ascent(
            state["dual"],
            executed,
            check_participation(self.participation, self.max_modules, executed.shape[1]),
            self._dual_step(observation),
            admissible=control.admissible(subscribed, observation.available),
        )
        missing = missing_probability(control.success, executed, observation.formulas)
        state["floor"] = error_floor(missing, constants, observation.formulas, len(executed))
        wanted, fraction = self._subscribe(observation, gradient - state["dual"])
        # absent UEs keep their subscriptions
        state["subscribed"] = np.where(available, wanted, state["subscribed"])
        state["fraction"] = np.where(available, fraction, state["fraction"])

    def _gradient(
        self,
        observation: Observation,
        view: CellView,
        constants: RiskConstants,
        control: RadioControl,
    ) -> FloatArray:
        """dQ/dbeta of (9). [K, N]."""
        energy_j = module_energy_j(
            observation.compute_energy_j,
            control.power_w,
            view.payload_bits,
            rate_bps=control.rate_bps,
            finish_s=control.finish_s,
            switch_energy=self.switch_energy,
        )
        return risk_gradient(
            control.success,
            self._state["floor"],
            energy_j,
            constants=constants,
            energy_price_per_j=self._price,
            formulas=observation.formulas,
            gap=self._gap(observation),
            switch_gap=self.switch_gap,
        )

    def _dual_step(self, observation: Observation) -> FloatArray | float:
        """varsigma of (11): as given, or from the spread of the costs, [K, 1]."""
        if self.dual_step is not None:
            return self.dual_step
        horizon = max(observation.rounds, 1)
        return dual_step(self._state["spread"], horizon)[:, np.newaxis]

    def _subscribe(
        self,
        observation: Observation,
        cost: FloatArray,
    ) -> tuple[BoolArray, FloatArray]:
        """Solution of (12), whole and before rounding. [K, N] each."""
        if self.prox_step is None:
            ties = rng.stream(observation.seed, "subscription_tie", observation.round)
            subscribed = solve_subscription(cost, self.max_modules, rng=ties)
            return subscribed, subscribed.astype(np.float64)
        draws = rng.stream(observation.seed, "subscription_rounding", observation.round)
        fraction = proximal_step(
            self._state["fraction"],
            cost,
            self.prox_step,
            self.max_modules,
        )
        return systematic_rounding(fraction, draws), fraction

    def _gap(self, observation: Observation) -> FloatArray | float:
        if self.switch_gap == "none" or observation.local_loss is None:
            return 0.0
        loss = observation.local_loss()
        return np.asarray(loss - loss.min(axis=1, keepdims=True))

    def _declare(
        self,
        observation: Observation,
        control: RadioControl,
        executed: BoolArray,
        fraction: FloatArray,
        dual: FloatArray,
    ) -> RoundPlan:
        """Rows of the plan; a UE's modules divide its share and power by payload."""
        ue, module = np.nonzero(executed)
        payload = observation.payload_bits[module]
        total = np.bincount(
            ue,
            weights=payload,
            minlength=len(executed),
        )
        part = payload / total[ue]
        return RoundPlan(
            ue=ue,
            module=module,
            share=control.shares[ue] * part,
            power_w=control.power_w[ue] * part,
            fraction=fraction,
            success_probability=control.success,
            dual=dual,
        )

    # -- what it works with ----------------------------------------------------------------------

    @property
    def _price(self) -> float:
        return self.mu * self.mu_scale

    def _constants(self, observation: Observation) -> RiskConstants:
        """The constants of the bound: those that are set, and defaults for the others."""
        default = default_constants(observation.formulas, len(observation.distance_m))
        given = {
            "smoothness": self.smoothness,
            "convexity": self.convexity,
            "dispersion": self.dispersion,
            "dispersion_slope": self.dispersion_slope,
        }
        chosen = {name: value for name, value in given.items() if value is not None}
        return replace(default, **chosen)

    def state(self) -> dict[str, Any]:
        """Subscriptions of the next round, duals, B and the spread of the costs so far."""
        return dict(self._state)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave. Raises InputError for numbers that no run reaches."""
        for name, value in state.items():
            numbers = np.asarray(value, dtype=np.float64)
            if not np.all(np.abs(numbers) < MOST):  # so not for NaN, either
                raise InputError(f"the saved {name} of {self.name} must be finite")
        self._state = dict(state)

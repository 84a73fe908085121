"""What schemes share: discovery, turns of the adapters, and the check of what they declare.

A scheme is a dataclass whose fields are its parameters. An outside package registers one under the
entry point group `netsim.schemes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from netsim.errors import RunError
from netsim.plugins import plugin_class, plugin_names
from netsim.protocols import WHOLE, WHOLE_MODULES, Observation, RoundPlan
from netsim.units import IntArray

ENTRY_POINTS = "netsim.schemes"
TOLERANCE = 1e-9


def scheme_class(kind: str) -> type[Any]:
    """The class registered as `kind`. Raises ScenarioError with the known names."""
    return plugin_class(ENTRY_POINTS, kind, "scenario: scheme.kind")


def scheme_names() -> list[str]:
    """Registered names, sorted."""
    return plugin_names(ENTRY_POINTS)


def adapter_in_turn(observation: Observation, ue: IntArray) -> IntArray:
    """Adapter of each UE, [M], in turn: in N rounds, each adapter works with every UE."""
    adapters = len(observation.payload_bits)
    return (ue + observation.round) % adapters


def check_plan(
    name: str,
    plan: RoundPlan,
    observation: Observation,
) -> RoundPlan:
    """`plan` if it is feasible; RunError names the scheme, the value and the rule otherwise."""
    columns = [plan.ue, plan.module, plan.share, plan.power_w, *plan.exchange.columns()]
    if plan.rank is not None:
        columns.append(plan.rank)
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        rule = "ue, module, share, power_w, rank and what is exchanged must be equally long"
        raise RunError(f"scheme {name}: {rule}, found {lengths}")
    if len(plan.ue):
        check = _PlanCheck(name, plan, observation)
        check.rows()
        check.values()
        check.bands()
        check.powers()
        if plan.exchange is not WHOLE_MODULES:
            check.exchange()
            check.computing()
    return plan


@dataclass(frozen=True)
class _PlanCheck:
    """The rules that a plan with rows must keep."""

    scheme: str
    plan: RoundPlan
    observation: Observation

    def require(
        self,
        holds: object,
        rule: str,
        value: object,
    ) -> None:
        """Raises RunError unless the rule holds."""
        if not holds:
            place = f"scheme {self.scheme}, round {self.observation.round}"
            raise RunError(f"{place}: {rule} (found {value})")

    def rows(self) -> None:
        """UEs and modules exist, and rows ascend."""
        ue = self.plan.ue
        module = self.plan.module
        ues = len(self.observation.distance_m)
        modules = len(self.observation.payload_bits)
        place = ue * modules + module
        ascends = (place[1:] > place[:-1]).all()
        first, last = (ue[0], ue[-1]) if ascends else (ue.min(), ue.max())
        known = first >= 0 and last < ues
        self.require(
            known,
            f"UEs must lie in 0..{ues - 1}",
            ue,
        )
        known = module.min() >= 0 and module.max() < modules
        self.require(
            known,
            f"modules must lie in 0..{modules - 1}",
            module,
        )
        self.require(
            ascends,
            "rows must ascend by (ue, module) without repeats",
            ue,
        )

    def values(self) -> None:
        """Every single number is possible."""
        plan = self.plan
        least = plan.share.min()
        self.require(least > 0, "shares must be positive", least)
        least = plan.power_w.min()
        self.require(least > 0, "powers must be positive", least)
        if plan.rank is not None:
            least = plan.rank.min()
            self.require(least > 0, "ranks must be at least 1", least)
        enough = plan.close_after
        self.require(
            enough is None or enough >= 1,
            "close_after must be at least 1",
            enough,
        )
        for bits in (plan.from_core_bits, plan.to_core_bits):
            possible = not isinstance(bits, float | int) or (np.isfinite(bits) and bits >= 0)
            self.require(possible, "bits of the backhaul must be finite and not negative", bits)
        available = self.observation.available[plan.ue]
        self.require(available.all(), "UEs must be available", plan.ue)

    def bands(self) -> None:
        """The shares of every gNB fit into what is free of its band."""
        ue = self.plan.ue
        gnb = self.observation.gnb[ue]
        used = np.bincount(gnb, self.plan.share)
        free = np.ones(len(used))
        free[gnb] = self.observation.free_share[ue]
        worst = int(np.argmax(used - free))
        rule = "the shares of a gNB must sum to at most 1"
        if free[worst] < 1:
            rule = f"{rule} with those of uploads under way, to at most {free[worst]}"
        self.require(
            used[worst] <= free[worst] + TOLERANCE,
            rule,
            used[worst],
        )

    def exchange(self) -> None:
        """What is trained and goes over the air can be."""
        exchange = self.plan.exchange
        trained = np.asarray(exchange.trained)
        sent = np.asarray(exchange.sent_parts)
        for parts in (trained, sent):
            known = ((parts >= 0) & (parts <= WHOLE)).all()
            self.require(known, f"trained and sent parts must lie in 0..{WHOLE}", parts)
        alike = ((trained == 0) == (sent == 0)).all()
        self.require(alike, "where nothing is trained nothing is sent, and else something", sent)
        said = (np.asarray(exchange.more_up_bits) > 0) | (trained > 0)
        self.require(said.all(), "where nothing is trained further bits must go up", trained)
        heard = np.asarray(exchange.heard)
        known = ((heard >= 0) & (heard <= WHOLE)).all()
        self.require(known, f"parts that are heard must lie in 0..{WHOLE}", heard)
        further = exchange.more_up_bits, exchange.more_down_bits, exchange.own_down_bits
        for more in further:
            bits = np.asarray(more)
            possible = (np.isfinite(bits) & (bits >= 0)).all()
            self.require(possible, "further bits must be finite and not negative", bits)
        work = np.asarray(exchange.work)
        self.require((work > 0).all(), "work must be above 0", work)

    def computing(self) -> None:
        """What is left out, stays at the gNB or waits for it can be."""
        exchange = self.plan.exchange
        pruned = np.asarray(exchange.pruned)
        possible = ((pruned >= 0) & (pruned < 1)).all()
        self.require(possible, "what is pruned must be at least 0 and below 1", pruned)
        on_air = np.asarray(exchange.on_air)
        possible = ((on_air >= 0) & (on_air <= 1)).all()
        self.require(possible, "what goes over the air must be from 0 to 1 of the parts", on_air)
        waits_s = np.asarray(exchange.server_s)
        possible = (np.isfinite(waits_s) & (waits_s >= 0)).all()
        self.require(possible, "waiting for the gNB must be finite and not negative", waits_s)

    def powers(self) -> None:
        """No UE sends with more than P_max in total."""
        limit_w = self.observation.max_power_w
        highest = np.bincount(self.plan.ue, self.plan.power_w).max()
        self.require(
            highest <= limit_w * (1 + TOLERANCE),
            f"the powers of a UE must sum to at most {limit_w} W",
            highest,
        )

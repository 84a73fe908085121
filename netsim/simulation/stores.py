"""What UEs keep from round to round: energy in their batteries, modules they have heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netsim.device.battery import Batteries
from netsim.device.idle import Idle
from netsim.radio.downlink import ModuleCache
from netsim.simulation.motion.leaving import leave_for_good
from netsim.simulation.opening import Setting, heard_of
from netsim.simulation.state import Round
from netsim.simulation.uploads.outcomes import Books
from netsim.units import BoolArray


@dataclass
class Stores:
    """Of K UEs."""

    setting: Setting
    batteries: Batteries | None  # None: without end
    cache: ModuleCache | None  # None: modules are sent anew

    @classmethod
    def full(cls, setting: Setting) -> Stores:
        """At the start of a run."""
        ues, cache = len(setting.fleet), None
        if setting.rules.caches:
            cache = ModuleCache.at_start(ues, len(setting.payloads.bits))
        return cls(setting, Batteries.full(ues, setting.fleet.battery_j), cache)

    @property
    def alive(self) -> BoolArray | None:
        """[K] has energy; None: all."""
        return None if self.batteries is None else self.batteries.alive

    def enter(self, round_: Round) -> None:
        """UEs whose energy ends in a round that has just opened leave it then."""
        if self.batteries is None:
            return
        fleet, rules = self.setting.fleet, self.setting.rules
        for _ in range(2):  # who leaves while computing lets the others of its gNB begin earlier
            last_s = self.batteries.last_s(
                round_.uploads,
                fleet.power,
                fleet.computing_w,
            )
            leave_for_good(round_.uploads, last_s, rules.barrier)

    def close(self, round_: Round, books: Books) -> float:
        """Batteries pay for the round, the rest of it included, whose energy, J, this gives."""
        if self.cache is not None:
            self.cache.hear(*heard_of(round_))
        idle_w = self.setting.fleet.power.idle_w
        if not idle_w and self.batteries is None:
            return 0.0
        here = round_.links.ues_present
        gnb = round_.links.gnb[here]
        span_s = round_.start_s, round_.end_s
        round_.idle = Idle.of(round_.uploads, here, gnb, span_s, idle_w)
        if self.batteries is not None:
            self.batteries.pay(
                books.uploads,
                books.spent_j,
                round_.idle,
            )
        return float(round_.idle.energy_j.sum())

    def state(self) -> dict[str, Any]:
        """As arrays."""
        return {
            "battery_j": None if self.batteries is None else self.batteries.left_j,
            "cache": None if self.cache is None else self.cache.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        if self.batteries is not None:
            self.batteries = Batteries(state["battery_j"])
        if self.cache is not None:
            self.cache = ModuleCache.restored(state["cache"])

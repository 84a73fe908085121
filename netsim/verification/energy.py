"""Energy by what UEs and gNBs do, from the tables of runs, against powers times lengths of time.

The closed forms take lengths of time and radiated powers from the `uploads` and `rounds` tables and
the powers of states as they are set here; what was spent is summed from `spans` and `rounds`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from netsim.assembly import build_parts, build_simulation
from netsim.protocols import Silence
from netsim.results.writer import MemorySink
from netsim.scenario.load import load_scenario
from netsim.units import FloatArray
from netsim.verification.law import Effort, Law

EFFICIENCY, CIRCUIT_W = 0.4, 0.3
RECEIVE_W, AWAKE_W, SLEEP_W, IDLE_W = 0.5, 0.2, 0.03, 0.002
INACTIVITY_S = 0.05
STATIC_W, SLOPE, RADIATED_W = 700.0, 4.0, 30.0
BATTERY_J = 5.0
SCENARIO: dict[str, Any] = {
    "network_only": True,
    "scheme.kind": "round_robin",
    "rounds": 6,
    "ues.count": 12,
    "data.train_samples": 400,
    "data.test_samples": 50,
    "radio.preset": "nr-fr1-20mhz",
    "device.pa_efficiency": EFFICIENCY,
    "device.circuit_w": CIRCUIT_W,
    "device.receive_w": RECEIVE_W,
    "device.awake_w": AWAKE_W,
    "device.sleep_w": SLEEP_W,
    "device.idle_w": IDLE_W,
    "device.inactivity_s": INACTIVITY_S,
    "device.gnb_static_w": STATIC_W,
    "device.gnb_slope": SLOPE,
    "downlink.power_w": RADIATED_W,
}


@dataclass(frozen=True)
class _Tables:
    """What a run has written."""

    sink: MemorySink

    def column(self, table: str, name: str) -> FloatArray:
        """Of numbers, NaN where there is none."""
        return self.sink.frame(table)[name].cast(float).to_numpy()

    @cached_property
    def kind(self) -> list[str]:
        """Of the spans."""
        return self.sink.frame("spans")["kind"].cast(str).to_list()

    def spent_j(self, kind: str) -> float:
        """On one activity of UEs."""
        chosen = np.array([one == kind for one in self.kind])
        return float(np.nansum(self.column("spans", "energy_j")[chosen]))

    @property
    def lasted_s(self) -> float:
        """From the start of the first round to the end of the last."""
        return float((self.column("rounds", "end_s") - self.column("rounds", "start_s")).sum())


def energy_by_state(effort: Effort) -> Sequence[Law]:
    """Sending, receiving, waiting, idling, and the sum of all."""
    run = _run(effort)
    airtime_s, waited_s = run.column("uploads", "airtime_s"), run.column("uploads", "wait_s")
    heard_s, computed_s = run.column("uploads", "download_s"), run.column("uploads", "compute_s")
    busy_s = heard_s + computed_s + waited_s + airtime_s
    awake_s = np.minimum(waited_s, INACTIVITY_S)
    free_s = run.lasted_s * SCENARIO["ues.count"] - busy_s.sum()
    expected_j = {
        "uplink": _radiated_j(run) / EFFICIENCY + CIRCUIT_W * airtime_s.sum(),
        "broadcast": RECEIVE_W * (heard_s.sum() + _foundation_s(run)),
        "wait": (AWAKE_W * awake_s + SLEEP_W * (waited_s - awake_s)).sum(),
        "idle": IDLE_W * free_s,
    }
    family = "energy by state, J"
    rows = [_law(family, kind, run.spent_j(kind), joules) for kind, joules in expected_j.items()]
    names = ("compute", "uplink", "receive", "wait", "idle")
    booked_j = sum(np.nansum(run.column("rounds", f"{name}_energy_j")) for name in names)
    return [*rows, _law(family, "all, spans and rounds", _all_j(run), booked_j)]


def amplifier_and_gnb(effort: Effort) -> Sequence[Law]:
    """What twice the amplifier's efficiency saves; a gNB's energy besides what it always takes."""
    run, better = _run(effort), _run(effort, {"device.pa_efficiency": 2 * EFFICIENCY})
    saved_j = run.spent_j("uplink") - better.spent_j("uplink")
    by_load_j = run.column("rounds", "gnb_energy_j").sum() - STATIC_W * run.lasted_s
    half_j = _radiated_j(run) / (2 * EFFICIENCY)
    return [
        _law("amplifier, J", "saved by twice the efficiency", saved_j, half_j),
        _law("gNB by load, J", "slope x radiated", by_load_j, SLOPE * RADIATED_W * _on_s(run)),
    ]


def batteries(effort: Effort) -> Sequence[Law]:
    """UEs that are gone have spent what their batteries held at the start of the first round."""
    run = _run(effort, {"device.battery_j": BATTERY_J, "rounds": 12})
    ue, energy_j = run.column("spans", "ue"), run.column("spans", "energy_j")
    mine = ~np.isnan(ue) & ~np.isnan(energy_j) & (run.column("spans", "round") > 0)
    spent_j = np.bincount(ue[mine].astype(int), energy_j[mine])
    gone = int(run.column("rounds", "empty_batteries").max())
    empty = np.sort(spent_j)[len(spent_j) - gone :]
    return [_law("battery, J", f"{gone} UEs that are gone", empty.sum(), gone * BATTERY_J)]


def _run(effort: Effort, change: Mapping[str, Any] | None = None) -> _Tables:
    """The tables of a run."""
    scenario = load_scenario("quickstart", {**SCENARIO, "seed": effort.seed, **(change or {})})
    parts, sink = build_parts(scenario, Silence()), MemorySink()
    build_simulation(parts, sink, Silence()).run(parts.scheme)
    return _Tables(sink)


def _radiated_j(run: _Tables) -> float:
    """By UEs."""
    return float((run.column("uploads", "power_w") * run.column("uploads", "airtime_s")).sum())


def _foundation_s(run: _Tables) -> float:
    """For how long UEs hear the foundation model before the first round, all together."""
    first = run.column("spans", "round") == 0
    length_s = run.column("spans", "end_s") - run.column("spans", "start_s")
    heard = np.array([kind == "broadcast" for kind in run.kind])
    return float(length_s[first & heard].sum())


def _on_s(run: _Tables) -> float:
    """For how long the gNB sends in all rounds: to the end of the last download of each."""
    rounds, heard_s = run.column("uploads", "round"), run.column("uploads", "download_s")
    return float(sum(heard_s[rounds == one].max() for one in np.unique(rounds)))


def _all_j(run: _Tables) -> float:
    """Of all spans but the foundation model's, which no round has."""
    rounds, energy_j = run.column("spans", "round"), run.column("spans", "energy_j")
    return float(np.nansum(energy_j[rounds > 0]))


def _law(family: str, case: str, found: float, expected: float) -> Law:
    return Law(
        family=family,
        case=case,
        estimator="tables of a run",
        estimate=float(found),
        standard_error=0.0,
        closed_form=float(expected),
        allowed=1e-9 * abs(float(expected)),
        probability=False,
    )

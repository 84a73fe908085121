"""How rounds go, as the scenario and the scheme have it."""

from __future__ import annotations

from netsim.assembly.devices import build_gnb_power
from netsim.assembly.link_layer import build_access, build_downlink
from netsim.errors import ScenarioError
from netsim.protocols import Scheme
from netsim.scenario.model import Scenario
from netsim.simulation.state import Rules


def build_rules(scenario: Scenario, scheme: Scheme) -> Rules:
    """The rules of every round."""
    timing, asynchronous = scenario.round, scheme.asynchronous
    return Rules(
        deadline_s=timing.deadline_s,
        barrier=timing.alloc_start == "barrier" and not asynchronous,
        compute_limit_s=timing.compute_limit_s or timing.deadline_s,
        aggregation_s=timing.aggregation_s,
        foundation_every_round=scenario.w0_every_round,
        downlink=build_downlink(scenario),
        access=build_access(scenario),
        caches=scenario.downlink.cache,
        gnb_power=build_gnb_power(scenario),
        stale=timing.late_uploads == "stale" or asynchronous,
    )


def check_stale(scenario: Scenario, scheme: Scheme) -> None:
    """Uploads may outlast their rounds only where shares, places and channels stay as they are."""
    if scenario.round.late_uploads != "stale" and not scheme.asynchronous:
        return
    what = "round.late_uploads = stale"
    if scheme.asynchronous:
        what = f"scheme.kind = {scenario.scheme.kind}"
    if scenario.learns and scheme.outdates_uploads is not None:
        raise ScenarioError(
            f"must not {scheme.outdates_uploads} with {what}: older uploads started from others",
            where="scenario: scheme.kind",
            value=scenario.scheme.kind,
        )
    keeps = "an upload that outlasts its round keeps its share, its place and its channel"
    every = (
        ("radio.reallocation", scenario.radio.reallocation, "static", keeps),
        ("mobility.kind", scenario.mobility.kind, "static", keeps),
        ("channel", len(scenario.channel), 0, keeps),
        ("record", scenario.record, False, keeps),
        ("device.battery_j", scenario.device.battery_j, None, "an empty battery ends a round"),
        ("learning.log_risk", scenario.learning.log_risk, False, "the bound knows no old updates"),
    )
    wrong = [one for one in every if one[1] != one[2]]
    if wrong:
        (key, value, wanted, why), *others = wrong
        rule = f"must be {str(wanted).lower()} with {what}: {why}"
        also = ", ".join(f"{name} = {str(value).lower()}" for name, _, value, _ in others)
        rule += f"; likewise {also}" if also else ""
        raise ScenarioError(rule, where=f"scenario: {key}", value=value)

"""Composition root: the only place that knows both the scenario and the parts made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

from netsim.build.devices import build_devices, build_fleet
from netsim.build.learning import (
    build_learner_of,
    build_modules,
    check_modules,
    foundation_on_air,
    module_spec,
    payload_by_rank,
    payloads_on_air,
)
from netsim.build.loaded import Loaded
from netsim.build.motion import build_motion, build_roaming
from netsim.build.partition import build_partition, distance_to_gnb
from netsim.build.radio import RadioParts, build_radio
from netsim.build.recorded import settled, world_of
from netsim.build.rules import build_rules, check_stale
from netsim.build.topology import build_backhaul, build_deployment, drop_ues
from netsim.device.profiles import Devices
from netsim.errors import ScenarioError
from netsim.learning.data.datasets import TextDataset
from netsim.learning.data.partition import Partition
from netsim.learning.spec import ModuleSpec
from netsim.mobility.replay import Recorded
from netsim.protocols import Learner, Listener, Motion, PayloadSize, RecordSink, Scheme
from netsim.scenario.model import Scenario
from netsim.scenario.parameters import typed_parameters
from netsim.schemes.base import check_plan, scheme_class
from netsim.simulation.core import Backhaul
from netsim.simulation.roaming import Roaming
from netsim.simulation.simulation import Simulation
from netsim.simulation.state import Fleet, Links, Rules
from netsim.simulation.stopping import StopRules
from netsim.topology.deployment import Deployment
from netsim.units import BoolArray, FloatArray


@dataclass(frozen=True)
class Parts:
    """What a scenario says, made."""

    scenario: Scenario
    deployment: Deployment
    devices: Devices
    dataset: TextDataset
    partition: Partition
    scheme: Scheme
    modules: tuple[ModuleSpec, ...]
    learner: Learner | None  # None: network only
    payload_bits: FloatArray  # [N] on the air
    payload_of: PayloadSize
    payload_emulated: BoolArray  # [N]
    foundation_bits: float
    fleet: Fleet
    links: Links  # at the start
    rules: Rules
    radio: RadioParts
    backhaul: Backhaul
    motion: Motion | None  # None: nothing changes during a round
    roaming: Callable[[], Roaming] | None  # None: nothing changes during a round


def build_parts(scenario: Scenario, listener: Listener, loaded: Loaded | None = None) -> Parts:
    """Make every part of a run. Raises InputError where the scenario or its files are wrong.

    `loaded` keeps the data set and the foundation model for the next run of this process.
    """
    loaded = loaded or Loaded()
    scenario = settled(scenario, loaded)
    world = world_of(scenario)
    deployment = build_deployment(world.ground)
    start_m = drop_ues(world.ground, deployment)
    motion = build_motion(world.ground, deployment, start_m, loaded, listener)
    devices = build_devices(world.ground)
    scheme = build_scheme(scenario)
    check_stale(scenario, scheme)
    listener.status("reading data")
    dataset = loaded.dataset(scenario)
    for note in dataset.notes:
        listener.warning(note)
    distance_m = distance_to_gnb(scenario, deployment, start_m)
    partition = build_partition(scenario, dataset, distance_m, listener)
    configured = build_modules(scenario, scheme)
    modules = check_modules(
        tuple(module_spec(m, index, scenario.seed) for index, m in enumerate(configured))
    )
    learner = None
    if not scenario.network_only:
        learner = build_learner_of(
            scenario, dataset, partition, devices, modules, scheme, listener, loaded
        )
    payload_bits, emulated = payloads_on_air(scenario, dataset, configured, modules, learner)
    payload_of = payload_by_rank(scenario, dataset, modules, learner, payload_bits, emulated)
    w0_bits = foundation_on_air(scenario, learner)
    fleet = build_fleet(scenario, devices, partition, full=modules[0].full, foundation_bits=w0_bits)
    radio = build_radio(world.air, deployment)
    fleet = replace(fleet, name=motion.names if isinstance(motion, Recorded) else None)
    rules = build_rules(scenario, scheme, w0_bits, emulated)
    roaming = build_roaming(world.air, deployment, radio, motion, rules)
    links = radio.links_of(start_m) if roaming is None else roaming().links_at(0.0)
    return Parts(
        scenario,
        deployment,
        devices,
        dataset,
        partition,
        scheme,
        modules,
        learner,
        payload_bits,
        payload_of,
        emulated,
        w0_bits,
        fleet,
        links,
        rules,
        radio,
        build_backhaul(scenario, deployment),
        motion,
        roaming,
    )


def build_simulation(
    parts: Parts,
    sink: RecordSink,
    listener: Listener,
    *,
    rounds: int | None = None,
    tie_seed: int | None = None,
) -> Simulation:
    """The simulation of `parts`, writing to `sink`. `rounds` replaces the scenario's number of
    rounds.
    """
    scenario = parts.scenario
    stop = scenario.stop
    roaming = parts.roaming() if parts.roaming is not None else None
    return Simulation(
        seed=scenario.seed,
        sites_m=parts.deployment.positions_m,
        fleet=parts.fleet,
        links_at=roaming.links_at if roaming is not None else lambda _time_s: parts.links,
        rules=parts.rules,
        uplink=parts.radio.uplink,
        backhaul=parts.backhaul,
        scheme=parts.scheme,
        check_plan=check_plan,
        min_power_w=scenario.radio.min_power_w,
        max_power_w=scenario.radio.max_power_w,
        transmit_power_w=parts.radio.transmit_power_w,
        formulas=scenario.formulas,
        success_of=parts.radio.success_of,
        payload_bits=parts.payload_bits,
        payload_of=parts.payload_of,
        stop=StopRules(
            rounds=scenario.rounds if rounds is None else rounds,
            simulated_s=stop.simulated_s,
            energy_j=stop.energy_j,
            target_accuracy=stop.target_accuracy,
            patience_evaluations=stop.patience_evaluations,
            trace_end_s=parts.motion.end_s if isinstance(parts.motion, Recorded) else None,
        ),
        sink=sink,
        listener=listener,
        learner=parts.learner,
        evaluate_every=scenario.learning.evaluate_every,
        log_risk=scenario.learning.log_risk,
        tie_seed=tie_seed,
        roaming=roaming,
        records=scenario.record,
    )


def build_scheme(scenario: Scenario) -> Scheme:
    """The scheme with its parameters."""
    found = scheme_class(scenario.scheme.kind)
    parameters = typed_parameters(found, scenario.scheme.parameters, "scenario: scheme")
    scheme = cast(Scheme, found(**parameters))
    if scenario.network_only and scheme.needs_learning:
        raise ScenarioError(
            "this scheme's plans depend on training, which network_only leaves out",
            where="scenario: scheme.kind",
            value=scenario.scheme.kind,
        )
    return scheme

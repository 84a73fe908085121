"""Composition root: the only place that knows both the scenario and the parts made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

from netsim.assembly.access import build_superposition, check_access
from netsim.assembly.data import rows_of_app
from netsim.assembly.devices import build_devices, build_fleet
from netsim.assembly.learning import (
    LearningParts,
    build_learner,
    build_modules,
    check_modules,
    default_targets,
    module_spec,
)
from netsim.assembly.loaded import Loaded
from netsim.assembly.motion import build_motion, build_roaming
from netsim.assembly.optimisers import optimisation_of, optimising
from netsim.assembly.partition import build_partition, distance_to_gnb
from netsim.assembly.payloads import build_payloads
from netsim.assembly.planning import PerfectKnowledge
from netsim.assembly.radio import RadioParts, build_landscape, build_radio
from netsim.assembly.recorded import settled, world_of
from netsim.assembly.rules import build_rules, check_stale
from netsim.assembly.sharing import check_sharing
from netsim.assembly.topology import build_core_links, build_deployment, drop_ues
from netsim.assembly.transfer import check_transfer, plan_check
from netsim.device.profiles import Devices
from netsim.errors import ScenarioError
from netsim.learning.data.datasets import TextDataset
from netsim.learning.data.partition import Partition
from netsim.mobility.replay import Recorded
from netsim.protocols import Learner, Listener, Motion, RecordSink, Scheme
from netsim.scenario.model import Scenario
from netsim.scenario.parameters import typed_parameters
from netsim.schemes.base import scheme_class
from netsim.simulation.motion.roaming import Roaming
from netsim.simulation.opening import Setting
from netsim.simulation.session import Simulation
from netsim.simulation.state import Links
from netsim.simulation.system import System
from netsim.simulation.tables.writer import TableWriter
from netsim.stopping import StopRules
from netsim.theory.printed import FAULTS
from netsim.topology.deployment import Deployment
from netsim.units import FloatArray


@dataclass(frozen=True)
class Parts:
    """What a scenario says, made."""

    scenario: Scenario
    deployment: Deployment
    scheme: Scheme
    learning: LearningParts
    learner: Learner | None  # None: network only
    setting: Setting
    radio: RadioParts
    links: Links  # at the start
    motion: Motion | None  # None: nothing changes during a round
    roaming: Callable[[], Roaming] | None  # None: nothing changes during a round


def build_parts(
    scenario: Scenario,
    listener: Listener,
    loaded: Loaded | None = None,
    *,
    scheme: Scheme | None = None,
) -> Parts:
    """Make every part of a run. Raises InputError where the scenario or its files are wrong.

    `loaded` keeps data set and foundation model for the next run of this process. `scheme` is one
    in place of that which the scenario names.
    """
    loaded = loaded or Loaded()
    scenario = _complete(scenario, loaded)
    world = world_of(scenario)
    deployment = build_deployment(world.ground)
    start_m = _start_m(world.ground, deployment)
    motion = build_motion(world.ground, deployment, start_m, loaded, listener)
    devices = build_devices(world.ground)
    scheme = build_scheme(scenario, scheme)
    check_stale(scenario, scheme)
    check_transfer(scenario, scheme)
    check_sharing(scenario, scheme)
    check_access(scenario, scheme)

    dataset = _dataset(scenario, loaded, listener)
    partition = build_partition(
        scenario,
        dataset,
        listener,
        distance_m=lambda: distance_to_gnb(scenario, deployment, start_m),
    )
    learning = _learning_parts(scenario, scheme, devices, dataset, partition)
    learner = _learner(scenario, learning, listener, loaded)
    names = motion.names if isinstance(motion, Recorded) else None
    setting = _setting(scenario, deployment, learning, learner, names)

    radio = build_radio(world.air, deployment, setting)
    roaming = build_roaming(
        world.air,
        deployment,
        radio,
        motion,
        rules=setting.rules,
        foundation_bits=setting.payloads.foundation_bits,
        listener=listener,
    )
    links = radio.links_of(start_m) if roaming is None else roaming().links_at(0.0)
    return Parts(
        scenario=scenario,
        deployment=deployment,
        scheme=scheme,
        learning=learning,
        learner=learner,
        setting=setting,
        radio=radio,
        links=links,
        motion=motion,
        roaming=roaming,
    )


def _complete(scenario: Scenario, loaded: Loaded) -> Scenario:
    """With its number of UEs; the rows of a Flower app are its own."""
    scenario = settled(scenario, loaded)
    if scenario.flower is None:
        return scenario
    return scenario.model_copy(update={"data": rows_of_app(scenario.ue_count)})


def sizes(scenario: Scenario) -> tuple[int, int]:
    """Numbers of UEs and modules of a scenario's runs, before anything is made."""
    modules = build_modules(scenario, build_scheme(scenario))
    return settled(scenario, Loaded()).ue_count, len(modules)


def _notes_on_formulas(scenario: Scenario) -> list[str]:
    """What is to be known of printed formulas, where they are used."""
    if not scenario.printed:
        return []
    return [f"formulas = paper: {one.about} is wrong as printed: {one.text}" for one in FAULTS]


def _start_m(scenario: Scenario, deployment: Deployment) -> FloatArray:
    """Where UEs are at the start. [K, 2]."""
    return drop_ues(scenario, build_landscape(scenario, deployment))


def _learner(
    scenario: Scenario, learning: LearningParts, listener: Listener, loaded: Loaded
) -> Learner | None:
    """None where nothing is learnt."""
    if not scenario.learns:
        return None
    return build_learner(scenario, learning, listener, loaded)


def _dataset(scenario: Scenario, loaded: Loaded, listener: Listener) -> TextDataset:
    """Training and test rows; what is odd about them is told."""
    listener.status("reading data")
    dataset = loaded.dataset(scenario)
    for note in (*_notes_on_formulas(scenario), *dataset.notes):
        listener.warning(note)
    return dataset


def _learning_parts(
    scenario: Scenario, scheme: Scheme, devices: Devices, dataset: TextDataset, partition: Partition
) -> LearningParts:
    """Data, who holds it, and the modules that the scheme works with."""
    configured = build_modules(scenario, scheme)
    seed = scenario.seed
    targets = default_targets(scenario, configured)
    make = partial(module_spec, run_seed=seed, targets=targets, unit_rows=scheme.unit_rows)
    specs = [make(module, n) for n, module in enumerate(configured)]
    return LearningParts(
        dataset=dataset,
        partition=partition,
        devices=devices,
        scheme=scheme,
        optimisation=optimisation_of(scenario, scheme),
        configured=configured,
        modules=check_modules(tuple(specs)),
    )


def _setting(
    scenario: Scenario,
    deployment: Deployment,
    learning: LearningParts,
    learner: Learner | None,
    names: tuple[str, ...] | None,
) -> Setting:
    """What rounds are made from."""
    payloads = build_payloads(scenario, learning, learner)
    fleet = build_fleet(
        scenario,
        learning.devices,
        learning.partition,
        full=learning.modules[0].full,
        foundation_bits=payloads.foundation_bits,
        names=names,
        learner=learner,
    )
    return Setting(
        fleet=fleet,
        rules=build_rules(scenario, learning.scheme),
        payloads=payloads,
        core=build_core_links(scenario, deployment),
    )


def build_simulation(
    parts: Parts,
    sink: RecordSink,
    listener: Listener,
    *,
    rounds: int | None = None,
    tie_seed: int | None = None,
) -> Simulation:
    """The simulation of `parts`, writing to `sink`. `rounds` replaces the scenario's number."""
    scenario, radio = parts.scenario, parts.radio
    roaming = parts.roaming() if parts.roaming is not None else None
    links = parts.links
    system = System(
        seed=scenario.seed,
        sites_m=parts.deployment.positions_m,
        setting=parts.setting,
        uplink=radio.uplink,
        powers=radio.powers,
        links_at=roaming.links_at if roaming is not None else lambda _time_s: links,
        success_of=radio.success_of,
        channel_of=PerfectKnowledge(radio.uplink),
        formulas=scenario.formulas,
        stop=_stop_rules(parts, rounds),
        evaluate_every=scenario.learning.evaluate_every,
        log_risk=scenario.learning.log_risk,
        roaming=roaming,
        records=scenario.record,
        tie_seed=tie_seed,
        superpose=build_superposition(scenario, parts.setting.fleet),
    )
    return Simulation(
        system=system,
        check_plan=optimising(
            plan_check(scenario, parts.scheme),
            parts.learning.optimisation,
            parts.setting.rules.stale,
        ),
        learner=parts.learner,
        tables=TableWriter(sink, system, parts.learner),
        listener=listener,
    )


def _stop_rules(parts: Parts, rounds: int | None) -> StopRules:
    """When the run ends; `rounds` replaces the scenario's number."""
    stop, motion = parts.scenario.stop, parts.motion
    return StopRules(
        rounds=parts.scenario.rounds if rounds is None else rounds,
        simulated_s=stop.simulated_s,
        energy_j=stop.energy_j,
        target_accuracy=stop.target_accuracy,
        patience_evaluations=stop.patience_evaluations,
        trace_end_s=motion.end_s if isinstance(motion, Recorded) else None,
    )


def build_scheme(scenario: Scenario, given: Scheme | None = None) -> Scheme:
    """The scheme with its parameters, or the one that is given. Raises ScenarioError."""
    scheme = _named_scheme(scenario) if given is None else given
    if scenario.network_only and scheme.needs_learning:
        raise ScenarioError(
            "this scheme's plans depend on training, which network_only leaves out",
            where="scenario: scheme.kind",
            value=scenario.scheme.kind,
        )
    if scheme.needs_head and not scenario.learning.train_head:
        raise ScenarioError(
            f"must be true with scheme.kind = {scenario.scheme.kind}: the head stays at its UE",
            where="scenario: learning.train_head",
            value=False,
        )
    return scheme


def _named_scheme(scenario: Scenario) -> Scheme:
    chosen = scenario.scheme
    found = scheme_class(chosen.kind)
    parameters = typed_parameters(found, chosen.parameters, "scenario: scheme")
    return cast(Scheme, found(**parameters))

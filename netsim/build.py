"""Composition root: the only place that knows both the scenario and the parts made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from netsim.device.compute import compute_time_s, cycles_from_flops, cycles_from_sample_bits
from netsim.device.energy import compute_energy_j
from netsim.device.profiles import DeviceClass, Devices, draw_devices
from netsim.errors import ScenarioError
from netsim.learning.builtin import model_folder
from netsim.learning.datasets import TextDataset, capped, load_builtin, load_hub, load_path
from netsim.learning.partition import Partition, partition_labels
from netsim.learning.payload import BUILTIN, foundation_bits, payload_bits
from netsim.learning.shape import read_shape
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.protocols import Learner, Listener, RecordSink, Scheme, SuccessModel
from netsim.radio.coverage import mean_interference_w
from netsim.radio.downlink import downlink_sinr
from netsim.radio.fading import coherence_time_s
from netsim.radio.interference import PoissonField
from netsim.radio.pathloss import PowerLaw
from netsim.radio.shadowing import shadowing_gain
from netsim.radio.success import ClosedForm
from netsim.scenario.model import Module, Scenario
from netsim.scenario.parameters import typed_parameters
from netsim.schemes.base import check_plan, scheme_class
from netsim.simulation.simulation import Simulation, StopRules
from netsim.simulation.state import Cell, Rules
from netsim.simulation.uplink import Uplink
from netsim.topology.association import drop_in_cell
from netsim.topology.deployment import Deployment, explicit_sites, hexagonal_sites, poisson_sites
from netsim.topology.files import read_sites
from netsim.units import BoolArray, FloatArray, dbm_to_w, from_db


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
    payload_emulated: BoolArray  # [N]
    foundation_bits: float
    cell: Cell
    rules: Rules
    uplink: Uplink


def build_parts(scenario: Scenario, listener: Listener) -> Parts:
    """Make every part of a run. Raises InputError where the scenario or its files are wrong."""
    deployment = build_deployment(scenario)
    devices = _devices(scenario)
    scheme = build_scheme(scenario)
    listener.status("reading data")
    dataset = build_dataset(scenario)
    partition = partition_labels(
        dataset.train.label,
        ues=scenario.ues.count,
        samples_per_ue=scenario.data.samples_per_ue,
        concentration=scenario.data.dirichlet_concentration,
        seed=scenario.seed,
        validation_fraction=scenario.data.validation_fraction,
    )
    configured = _modules(scenario, scheme)
    modules = tuple(_module_spec(m, index) for index, m in enumerate(configured))
    learner = None
    if not scenario.network_only:
        learner = _learner(scenario, dataset, partition, devices, modules, listener)
    payload_bits, emulated = _payloads(scenario, dataset, configured, modules, learner)
    w0_bits = _foundation_bits(scenario, learner)
    cell = _cell(scenario, deployment, devices, partition)
    rules = Rules(
        deadline_s=scenario.round.deadline_s,
        barrier=scenario.round.alloc_start == "barrier",
        compute_limit_s=scenario.round.compute_limit_s or scenario.round.deadline_s,
        aggregation_s=scenario.round.aggregation_s,
        w0_every_round=scenario.w0_every_round,
        downlink_hz=_downlink_hz(scenario),
        foundation_bits=w0_bits,
        payload_emulated=emulated,
    )
    return Parts(
        scenario, deployment, devices, dataset, partition, scheme, modules, learner, payload_bits, emulated,
        w0_bits, cell, rules, _uplink(scenario, deployment),
    )  # fmt: skip


def build_simulation(
    parts: Parts,
    sink: RecordSink,
    listener: Listener,
    *,
    rounds: int | None = None,
    tie_seed: int | None = None,
) -> Simulation:
    """The simulation of `parts`, writing to `sink`. `rounds` replaces the scenario's number of rounds."""
    scenario = parts.scenario
    stop = scenario.stop
    return Simulation(
        seed=scenario.seed,
        cell=parts.cell,
        rules=parts.rules,
        uplink=parts.uplink,
        scheme=parts.scheme,
        check_plan=check_plan,
        min_power_w=scenario.radio.min_power_w,
        max_power_w=scenario.radio.max_power_w,
        formulas=scenario.formulas,
        success=_success(scenario, parts.deployment),
        payload_bits=parts.payload_bits,
        stop=StopRules(
            rounds=scenario.rounds if rounds is None else rounds,
            simulated_s=stop.simulated_s,
            energy_j=stop.energy_j,
            target_accuracy=stop.target_accuracy,
            patience_evaluations=stop.patience_evaluations,
        ),
        sink=sink,
        listener=listener,
        learner=parts.learner,
        evaluate_every=scenario.learning.evaluate_every,
        tie_seed=tie_seed,
    )


def build_deployment(scenario: Scenario) -> Deployment:
    """Sites of the scenario."""
    topology = scenario.topology
    if topology.kind == "file":
        assert topology.path is not None  # held by the model
        return explicit_sites(read_sites(topology.path), learning_site=topology.learning_site)
    if topology.learning_site not in (None, 0):
        raise ScenarioError(
            "only a site file lets you choose; ppp and hex learn at the central site, 0",
            where="scenario: topology.learning_site",
            value=topology.learning_site,
        )
    if topology.kind == "hex":
        return hexagonal_sites(density_per_km2=topology.density_per_km2, window_km=topology.window_km)
    return poisson_sites(
        density_per_km2=topology.density_per_km2, window_km=topology.window_km, seed=scenario.seed
    )


def build_scheme(scenario: Scenario) -> Scheme:
    """The scheme with its parameters."""
    found = scheme_class(scenario.scheme.kind)
    parameters = typed_parameters(found, scenario.scheme.parameters, "scenario: scheme")
    scheme = cast(Scheme, found(**parameters))
    if scenario.network_only and getattr(scheme, "needs_learning", False):
        raise ScenarioError(
            "this scheme's plans depend on training, which network_only leaves out",
            where="scenario: scheme.kind",
            value=scenario.scheme.kind,
        )
    return scheme


def build_dataset(scenario: Scenario) -> TextDataset:
    """Training and test rows, cut to the scenario's sizes."""
    data = scenario.data
    if data.path is not None:
        found = load_path(data.path, seed=scenario.seed)
    elif data.hub is not None:
        found = load_hub(data.hub, seed=scenario.seed)
    else:
        return load_builtin(data.task, data.train_samples, data.test_samples, scenario.seed)
    return capped(found, data.train_samples, data.test_samples, scenario.seed)


def _foundation(scenario: Scenario) -> str:
    """Folder or hub name of the foundation model, or "builtin"."""
    model = scenario.model
    return str(model.path) if model.path is not None else model.hub or BUILTIN


def _modules(scenario: Scenario, scheme: Scheme) -> list[Module]:
    """The configured modules, or those that the scheme works with instead, by rank."""
    configured = list(scenario.modules)
    wanted = scheme.ranks([m.rank for m in configured])
    if list(wanted) == [m.rank for m in configured]:
        return configured
    by_rank = {m.rank: m for m in reversed(configured)}
    template = configured[0].model_copy(update={"payload_bits_override": None, "lora_alpha": None})
    return [by_rank.get(rank, template.model_copy(update={"rank": rank})) for rank in wanted]


def _module_spec(module: Module, index: int) -> ModuleSpec:
    return ModuleSpec(
        rank=module.rank,
        lora_alpha=module.lora_alpha if module.lora_alpha is not None else 2.0 * module.rank,
        target_modules=module.target_modules,
        seed=module.seed if module.seed is not None else index,
    )


def _learner(
    scenario: Scenario,
    dataset: TextDataset,
    partition: Partition,
    devices: Devices,
    modules: tuple[ModuleSpec, ...],
    listener: Listener,
) -> Learner:
    listener.status("loading the foundation model")
    from netsim.learning.learner import build_learner  # imports torch

    learning = scenario.learning
    return build_learner(
        foundation=_foundation(scenario),
        dataset=dataset,
        partition=partition,
        modules=modules,
        training=LocalTraining(learning.local_steps, learning.learning_rate, scenario.local_optimizer),
        samples=devices.samples,
        seed=scenario.seed,
        train_head=learning.train_head,
        payload_bits_per_parameter=learning.payload_bits_per_parameter,
        max_tokens=learning.max_tokens,
        workers=learning.workers,
    )


def _payloads(
    scenario: Scenario,
    dataset: TextDataset,
    configured: list[Module],
    modules: tuple[ModuleSpec, ...],
    learner: Learner | None,
) -> tuple[FloatArray, BoolArray]:
    """Upload sizes on the air, and which of them were set by hand."""
    overrides = [m.payload_bits_override for m in configured]
    emulated = np.array([o is not None for o in overrides])
    if learner is not None:
        real = learner.payload_bits()
        return np.where(emulated, np.array([o or 0.0 for o in overrides]), real), emulated
    if _foundation(scenario) != BUILTIN and not emulated.all():
        raise ScenarioError(
            "a network-only run does not load the model, so every module needs payload_bits_override",
            where="scenario: modules",
            value=_foundation(scenario),
        )
    sizes = payload_bits(
        modules,
        classes=len(dataset.classes),
        bits_per_parameter=scenario.learning.payload_bits_per_parameter,
        train_head=scenario.learning.train_head,
        foundation=_foundation(scenario),
        override=overrides,
    )
    return sizes, emulated


def _foundation_bits(scenario: Scenario, learner: Learner | None) -> float:
    """Size of the foundation model on the air."""
    given = scenario.model.foundation_bits_override
    if given is not None:
        return given
    if learner is not None:
        return learner.foundation_bits()
    if _foundation(scenario) != BUILTIN:
        raise ScenarioError(
            "a network-only run does not load the model, so its size must be given",
            where="scenario: model.foundation_bits_override",
        )
    return foundation_bits(bits_per_parameter=scenario.learning.payload_bits_per_parameter)


def _devices(scenario: Scenario) -> Devices:
    classes = [
        DeviceClass(
            d.name,
            d.share,
            (d.cpu_hz_min, d.cpu_hz_max),
            (d.samples_min, d.samples_max),
            d.energy_coefficient,
        )
        for d in scenario.devices
    ]
    return draw_devices(classes, scenario.ues.count, scenario.seed)


def _cell(scenario: Scenario, deployment: Deployment, devices: Devices, partition: Partition) -> Cell:
    radio = scenario.radio
    pathloss = _pathloss(scenario)
    site = deployment.positions_m[deployment.learning_site]
    position = drop_in_cell(deployment, scenario.ues.count, scenario.seed)
    distance = np.maximum(np.sqrt(((position - site) ** 2).sum(axis=1)), radio.min_distance_m)
    shadowing = shadowing_gain(len(position), std_db=radio.shadowing_std_db, seed=scenario.seed)
    sinr = downlink_sinr(
        position,
        deployment.positions_m,
        deployment.learning_site,
        pathloss=pathloss,
        power_w=scenario.downlink.power_w,
        noise_w=_downlink_hz(scenario) * dbm_to_w(radio.noise_psd_dbm_hz),
        signal_factor=shadowing,
    )
    interference = mean_interference_w(
        distance,
        density_per_m2=deployment.density_per_m2,
        interferer_power_w=radio.max_power_w,
        pathloss_exponent=radio.pathloss_exponent,
        law=radio.interferer_law,
        min_distance_m=radio.min_distance_m,
        reference_gain=from_db(-radio.reference_loss_db),
        capped=True,  # as the path loss, which takes shorter distances as min_distance_m
    )
    cycles = _cycles(scenario, devices)
    return Cell(
        gnb=deployment.learning_site,
        position_m=position,
        distance_m=distance,
        gain=pathloss.gain(distance) * shadowing,
        mean_interference_w=interference,
        downlink_efficiency=np.log2(1 + sinr),
        device_class=[devices.class_names[i] for i in devices.class_index.tolist()],
        cpu_hz=devices.cpu_hz,
        energy_coefficient=devices.energy_coefficient,
        cycles=cycles,
        compute_s=compute_time_s(cycles, devices.cpu_hz),
        compute_energy_j=compute_energy_j(cycles, devices.cpu_hz, devices.energy_coefficient),
        samples=devices.samples,
        label_counts=partition.counts,
    )


def _cycles(scenario: Scenario, devices: Devices) -> FloatArray:
    compute, steps = scenario.compute, scenario.learning.local_steps
    if compute.model == "sample_bits":
        return cycles_from_sample_bits(
            devices.samples,
            local_steps=steps,
            sample_bits=compute.sample_bits,
            cycles_per_bit=compute.cycles_per_bit,
        )
    if scenario.model.hub is not None:
        raise ScenarioError(
            "flops needs the model's config.json: give model.path",
            where="scenario: compute.model",
            value="flops",
        )
    shape = read_shape(scenario.model.path or model_folder())
    return cycles_from_flops(
        devices.samples,
        local_steps=steps,
        parameters=shape.layer_parameters,
        layers=shape.layers,
        hidden=shape.hidden,
        tokens=compute.tokens_per_sample,
        flops_per_cycle=compute.flops_per_cycle,
    )


def _uplink(scenario: Scenario, deployment: Deployment) -> Uplink:
    radio = scenario.radio
    field = PoissonField(
        deployment.density_per_m2, radio.interferer_law, _pathloss(scenario), radio.max_power_w
    )
    coherence = coherence_time_s(radio.ue_speed_m_s, radio.carrier_hz) if radio.fading == "block" else None
    return Uplink(
        seed=scenario.seed,
        bandwidth_hz=radio.bandwidth_hz,
        noise_psd_w_hz=dbm_to_w(radio.noise_psd_dbm_hz),
        threshold=from_db(radio.sinr_threshold_db),
        field=field,
        interferers_follow=scenario.interferers_follow,
        coherence_s=coherence,
    )


def _success(scenario: Scenario, deployment: Deployment) -> SuccessModel:
    radio = scenario.radio
    return ClosedForm(
        density_per_m2=deployment.density_per_m2,
        threshold=from_db(radio.sinr_threshold_db),
        pathloss=_pathloss(scenario),
        noise_psd_w_hz=dbm_to_w(radio.noise_psd_dbm_hz),
        interferer_power_w=None if scenario.interferers_follow else radio.max_power_w,
        law=radio.interferer_law,
        form=scenario.success_form,
    )


def _pathloss(scenario: Scenario) -> PowerLaw:
    radio = scenario.radio
    return PowerLaw(radio.pathloss_exponent, radio.reference_loss_db, radio.min_distance_m)


def _downlink_hz(scenario: Scenario) -> float:
    return scenario.downlink.bandwidth_hz or scenario.radio.bandwidth_hz

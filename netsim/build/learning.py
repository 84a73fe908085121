"""The learning side of a scenario: data, modules, the learner, and what goes on the air."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from netsim.device.profiles import Devices
from netsim.errors import ScenarioError
from netsim.learning.data.column_options import parse_data_columns
from netsim.learning.data.datasets import TextDataset, capped, load_builtin, load_path
from netsim.learning.data.hub import load_hub
from netsim.learning.data.partition import Partition
from netsim.learning.payload import BUILTIN, foundation_bits, payload_bits
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.protocols import Learner, Listener, PayloadSize, Scheme
from netsim.rng import stream
from netsim.scenario.model import Scenario
from netsim.scenario.training import Module
from netsim.units import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from netsim.build.loaded import Loaded


MOST_UES = 256  # measured one by one where nobody asked for it


def evaluates_in_full(scenario: Scenario, partition: Partition) -> bool:
    """Are modules measured on each UE's own rows: as said, or where UEs have different tasks."""
    asked = scenario.learning.evaluate_in_full
    if asked is not None:
        return asked
    on_test = scenario.learning.evaluate_on == "test"
    return partition.tasks_differ and on_test and len(partition.validation) > 0


def build_dataset(scenario: Scenario) -> TextDataset:
    """Training and test rows, cut to the scenario's sizes."""
    data = scenario.data
    options = parse_data_columns(data.columns).keeping(data.partition.columns)
    if data.path is not None:
        if not data.path.exists():
            raise ScenarioError(
                "must be an existing file or folder; give yours with --set data.path=PATH",
                where="scenario: data.path",
                value=str(data.path),
            )
        found = load_path(
            data.path,
            columns=options.columns,
            dialect=options.dialect,
            seed=scenario.seed,
        )
    elif data.hub is not None:
        found = load_hub(data.hub, columns=options.columns, seed=scenario.seed)
    else:
        return load_builtin(data.task, data.train_samples, data.test_samples, scenario.seed)
    return capped(found, data.train_samples, data.test_samples, scenario.seed)


def foundation_name(scenario: Scenario) -> str:
    """Folder or hub name of the foundation model, or "builtin"."""
    model = scenario.model
    if model.path is None:
        return model.hub or BUILTIN
    if not model.path.is_dir():
        raise ScenarioError(
            "must be an existing folder in the hub's format; give yours with --set model.path=DIR",
            where="scenario: model.path",
            value=str(model.path),
        )
    return str(model.path)


def build_modules(scenario: Scenario, scheme: Scheme) -> list[Module]:
    """The configured modules, or those that the scheme works with instead, by rank."""
    configured = list(scenario.modules)
    wanted = scheme.ranks([m.rank for m in configured])
    if list(wanted) == [m.rank for m in configured]:
        return configured
    by_rank = {m.rank: m for m in reversed(configured)}
    template = configured[0].model_copy(update={"payload_bits_override": None, "lora_alpha": None})
    return [by_rank.get(rank, template.model_copy(update={"rank": rank})) for rank in wanted]


def check_modules(modules: tuple[ModuleSpec, ...]) -> tuple[ModuleSpec, ...]:
    """A full module stands alone: another kind of work would take its UEs another time."""
    if len(modules) > 1 and any(spec.full for spec in modules):
        raise ScenarioError(
            "a module of rank 0 (every weight is trained) must be the only one",
            where="scenario: modules",
            value=[spec.rank for spec in modules],
        )
    return modules


def module_spec(module: Module, index: int, run_seed: int) -> ModuleSpec:
    """A module as the learner takes it.

    Its initial weights follow from the run's seed and its index, so that they differ from run to
    run, but not between the schemes of one seed.
    """
    lora_alpha = module.lora_alpha
    if lora_alpha is None:
        lora_alpha = 2.0 * max(module.rank, 1)
    seed = module.seed
    if seed is None:
        seed = int(stream(run_seed, "learning.module_seed", index).integers(2**62))
    return ModuleSpec(
        rank=module.rank,
        lora_alpha=lora_alpha,
        target_modules=module.target_modules,
        seed=seed,
    )


def build_learner_of(
    scenario: Scenario,
    dataset: TextDataset,
    partition: Partition,
    devices: Devices,
    modules: tuple[ModuleSpec, ...],
    scheme: Scheme,
    listener: Listener,
    loaded: Loaded,
) -> Learner:
    listener.status("loading the foundation model")
    from netsim.learning.composition import build_learner  # imports torch

    learning = scenario.learning
    return build_learner(
        foundation=loaded.foundation(
            foundation_name(scenario), len(dataset.classes), scenario.model.weights, learning.device
        ),
        dataset=dataset,
        partition=partition,
        modules=modules,
        training=LocalTraining(
            learning.local_steps,
            learning.learning_rate,
            scenario.local_optimizer,
            tail=scheme.tail,
        ),
        samples=devices.samples,
        seed=scenario.seed,
        train_head=learning.train_head,
        payload_bits_per_parameter=learning.payload_bits_per_parameter,
        max_tokens=learning.max_tokens,
        evaluate_on=learning.evaluate_on,
        evaluate_in_full=evaluates_in_full(scenario, partition),
        most_ues=MOST_UES if learning.evaluate_in_full is None else None,
        workers=learning.workers,
    )


def payloads_on_air(
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
    if foundation_name(scenario) != BUILTIN and not emulated.all():
        raise ScenarioError(
            "a network-only run does not load the model, so every module needs payload_bits_override",
            where="scenario: modules",
            value=foundation_name(scenario),
        )
    sizes = payload_bits(
        modules,
        classes=len(dataset.classes),
        bits_per_parameter=scenario.learning.payload_bits_per_parameter,
        train_head=scenario.learning.train_head,
        foundation=foundation_name(scenario),
        override=overrides,
    )
    return sizes, emulated


def payload_by_rank(
    scenario: Scenario,
    dataset: TextDataset,
    modules: tuple[ModuleSpec, ...],
    learner: Learner | None,
    own_bits: FloatArray,
    emulated: BoolArray,
) -> PayloadSize:
    """Upload size of a module at a lower rank; one set by hand (own_bits, [N]) shrinks with the
    rank.
    """

    @cache
    def at(module: int, rank: int) -> float:
        spec = modules[module]
        if emulated[module]:
            return float(own_bits[module]) * rank / spec.rank
        if learner is not None:
            return float(learner.payload_bits_of(np.array([module]), np.array([rank]))[0])
        sizes = payload_bits(
            (spec.at_rank(rank),),
            classes=len(dataset.classes),
            bits_per_parameter=scenario.learning.payload_bits_per_parameter,
            train_head=scenario.learning.train_head,
        )
        return float(sizes[0])

    def of(module: IntArray, rank: IntArray | None = None) -> FloatArray:
        if rank is None:
            return own_bits[module]
        return np.array([at(n, r) for n, r in zip(module.tolist(), rank.tolist(), strict=True)])

    return of


def foundation_on_air(scenario: Scenario, learner: Learner | None) -> float:
    """Size of the foundation model on the air."""
    given = scenario.model.foundation_bits_override
    if given is not None:
        return given
    if learner is not None:
        return learner.foundation_bits()
    if foundation_name(scenario) != BUILTIN:
        raise ScenarioError(
            "a network-only run does not load the model, so its size must be given",
            where="scenario: model.foundation_bits_override",
        )
    return foundation_bits(bits_per_parameter=scenario.learning.payload_bits_per_parameter)

"""The learning side of a scenario: who holds which rows, the modules, the learner."""

from __future__ import annotations

from dataclasses import dataclass

from netsim.assembly.loaded import Loaded
from netsim.assembly.transfer import build_transfer
from netsim.device.profiles import Devices
from netsim.errors import ScenarioError
from netsim.learning.data.datasets import TextDataset
from netsim.learning.data.partition import Partition
from netsim.learning.payload import BUILTIN
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.learning.usual_targets import BUILTIN_TARGETS, usual_targets
from netsim.protocols import Learner, Listener, Optimisation, Scheme
from netsim.rng import stream
from netsim.scenario.model import Scenario
from netsim.scenario.training import Module


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


def build_modules(scenario: Scenario, scheme: Scheme) -> tuple[Module, ...]:
    """The configured modules, or those that the scheme works with instead, by rank."""
    configured = scenario.modules
    ranks = [module.rank for module in configured]
    wanted = scheme.ranks(ranks)
    if list(wanted) == ranks:
        return configured
    by_rank = {module.rank: module for module in reversed(configured)}
    neutral = {"payload_bits_override": None, "lora_alpha": None}
    template = configured[0].model_copy(update=neutral)
    return tuple(by_rank.get(rank, template.model_copy(update={"rank": rank})) for rank in wanted)


def check_modules(modules: tuple[ModuleSpec, ...]) -> tuple[ModuleSpec, ...]:
    """A full module stands alone: another kind of work would take its UEs another time."""
    if len(modules) > 1 and any(spec.full for spec in modules):
        raise ScenarioError(
            "a module of rank 0 (every weight is trained) must be the only one",
            where="scenario: modules",
            value=[spec.rank for spec in modules],
        )
    return modules


def default_targets(scenario: Scenario, modules: tuple[Module, ...]) -> tuple[str, ...]:
    """Layers that get an adapter where a module names none. May import PEFT. Raises InputError."""
    named = all(module.target_modules for module in modules)
    if named or scenario.network_only:  # without learning only sizes count
        return BUILTIN_TARGETS
    return usual_targets(foundation_name(scenario))


def module_spec(
    module: Module,
    index: int,
    run_seed: int,
    targets: tuple[str, ...] = BUILTIN_TARGETS,
    *,
    unit_rows: bool = False,
) -> ModuleSpec:
    """A module as the learner takes it; `targets` where it names no layers.

    Its initial weights follow from the run's seed and its index, so that they differ from run to
    run, but not between the schemes of one seed.
    """
    usual_alpha = 2.0 * max(module.rank, 1)
    drawn = stream(run_seed, "learning.module_seed", index).integers(2**62)
    return ModuleSpec(
        rank=module.rank,
        lora_alpha=usual_alpha if module.lora_alpha is None else module.lora_alpha,
        target_modules=module.target_modules or targets,
        seed=int(drawn) if module.seed is None else module.seed,
        unit_rows=unit_rows,
    )


MOST_UES = 256
"""UEs that are measured one by one where nobody asked for it, at most."""


def evaluates_in_full(scenario: Scenario, partition: Partition) -> bool:
    """Are modules measured on each UE's own rows: as said, or where UEs have different tasks."""
    asked = scenario.learning.evaluate_in_full
    if asked is not None:
        return asked
    on_test = scenario.learning.evaluate_on == "test"
    return partition.tasks_differ and on_test and len(partition.validation) > 0


@dataclass(frozen=True)
class LearningParts:
    """What a learner is made from."""

    dataset: TextDataset
    partition: Partition
    devices: Devices
    scheme: Scheme
    optimisation: Optimisation
    configured: tuple[Module, ...]  # [N] as the scenario has them
    modules: tuple[ModuleSpec, ...]  # [N]


def build_learner(
    scenario: Scenario, training: LearningParts, listener: Listener, loaded: Loaded
) -> Learner:
    """Computes what UEs of a scenario train. Imports torch."""
    listener.status("loading the foundation model")
    from netsim.learning.composition import build_learner as compose

    learning, dataset = scenario.learning, training.dataset
    foundation = loaded.foundation(
        foundation_name(scenario),
        len(dataset.classes),
        weights=scenario.model.weights,
        device=learning.device,
    )
    local = LocalTraining(
        learning.local_steps,
        learning.learning_rate,
        scenario.local_optimizer,
        tail=training.scheme.tail,
        prox=training.optimisation.prox_weight,
    )
    learner = compose(
        foundation=foundation,
        dataset=dataset,
        partition=training.partition,
        modules=training.modules,
        training=local,
        samples=training.devices.samples,
        seed=scenario.seed,
        train_head=learning.train_head,
        payload_bits_per_parameter=learning.payload_bits_per_parameter,
        max_tokens=learning.max_tokens,
        evaluate_on=learning.evaluate_on,
        evaluate_in_full=evaluates_in_full(scenario, training.partition),
        most_ues=MOST_UES if learning.evaluate_in_full is None else None,
        workers=learning.workers,
        transfer=build_transfer(scenario),
    )
    if learner.slow_because:
        listener.warning(f"the model is trained the slow way, by PEFT: {learner.slow_because}")
    return learner

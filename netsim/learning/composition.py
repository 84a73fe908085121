"""Puts a learner together: model, modules, engine, data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from netsim.errors import DataError, InputError
from netsim.learning import learner
from netsim.learning.adapters import initial_vector, layout
from netsim.learning.data.datasets import TextDataset
from netsim.learning.data.partition import Partition
from netsim.learning.engine.batching import Batches
from netsim.learning.engine.choice import make_engine
from netsim.learning.engine.local_descent import Start
from netsim.learning.engine.workers import default_workers, one_thread
from netsim.learning.evaluation.risk_meter import RiskMeter
from netsim.learning.evaluation.scorer import VALIDATION_ROWS, Rows, Scorer
from netsim.learning.foundation import Foundation, load_foundation
from netsim.learning.learner import FederatedLearner
from netsim.learning.payload import BUILTIN
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.rng import stream


def build_learner(
    *,
    dataset: TextDataset,
    partition: Partition,
    samples: ArrayLike,
    modules: Sequence[ModuleSpec],
    training: LocalTraining,
    seed: int,
    foundation: str | Foundation = BUILTIN,
    weights: str = "float32",
    device: str = "cpu",
    train_head: bool = True,
    payload_bits_per_parameter: float = 32.0,
    max_tokens: int = 128,
    evaluate_on: str = "test",
    evaluate_in_full: bool = False,
    workers: int | None = None,
    engine: str = "auto",
) -> FederatedLearner:
    """Load the model and put a learner together.

    `samples` is D_k, one number or [K]: the rows a UE trains on per round; `seed`, UE and round
    decide which. `weights` and `device` as foundation.load_foundation has them. `workers` None: as
    many as cores, at most 2; changes no result; a GPU is served by this process alone. `engine` is
    "auto" (a fast one where it knows the architecture), "fast" (only that) or "generic".
    `evaluate_on` is "test" or "validation": the rows that modules are measured on.
    """
    if not modules:
        raise InputError("there must be at least one module")
    if max_tokens < 3:
        raise InputError("max_tokens must be at least 3", value=max_tokens)
    if workers is not None and workers < 1:
        raise InputError("there must be at least one worker", value=workers)
    if len(dataset.test) == 0:
        raise DataError("the test split must not be empty", where=dataset.name)
    per_ue = np.broadcast_to(np.asarray(samples, dtype=np.int64), (len(partition),)).copy()
    if per_ue.min() < 1:
        raise InputError(
            "each UE must train on at least one sample per round", value=int(per_ue.min())
        )
    if isinstance(foundation, str):
        foundation = load_foundation(
            foundation, len(dataset.classes), weights=weights, device=device
        )
    layouts = [layout(foundation, spec) for spec in modules]
    with one_thread():  # as all computing: weights are laid out for it
        computing = make_engine(engine, foundation, layouts, train_head)
    limit = min(max_tokens, foundation.max_tokens)
    on_cpu = foundation.device.type == "cpu"
    budget = learner.CHUNK_TOKENS if on_cpu else learner.GPU_CHUNK_TOKENS
    train_tokens = foundation.tokens(dataset.train, limit)
    test_tokens = foundation.tokens(dataset.test, limit)
    chosen = stream(seed, "learning.validation").permutation(partition.validation)[:VALIDATION_ROWS]
    scorer = Scorer(
        computing,
        partition,
        {
            "test": Rows(test_tokens, np.arange(len(dataset.test)), dataset.test.label),
            "validation": Rows(train_tokens, chosen, dataset.train.label[chosen]),
        },
        measured=evaluate_on,
        classes=foundation.classes,
        seed=seed,
        in_full=evaluate_in_full,
        budget=budget,
    )
    first = Start(layouts[0], initial_vector(layouts[0], foundation))
    return FederatedLearner(
        foundation=foundation,
        layouts=layouts,
        engine=computing,
        batches=Batches(
            partition,
            train_tokens,
            per_ue,
            module_rank=np.array([spec.rank for spec in modules]),
            module_size=np.array([plan.size for plan in layouts]),
            seed=seed,
            budget=budget,
        ),
        scorer=scorer,
        risk=RiskMeter(computing, partition, test_tokens, dataset.test.label, per_ue, seed, first),
        training=training,
        train_head=train_head,
        payload_bits_per_parameter=payload_bits_per_parameter,
        workers=(workers or default_workers()) if on_cpu else 1,
    )

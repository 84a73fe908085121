"""Puts a learner together: model, modules, engine, data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from netsim.errors import DataError, InputError
from netsim.learning.adapters import AdapterLayout
from netsim.learning.data.datasets import TextDataset
from netsim.learning.data.partition import Partition
from netsim.learning.data.tokens import ChunkSize, TokenCache
from netsim.learning.engine.activations import Activations
from netsim.learning.engine.batching import Batches
from netsim.learning.engine.choice import make_engine, slow_because
from netsim.learning.engine.local_descent import Engine, Start
from netsim.learning.engine.moving_base import MovingBase
from netsim.learning.engine.workers import default_workers, one_thread
from netsim.learning.evaluation.risk_meter import RiskMeter, UeTestSets
from netsim.learning.evaluation.scorer import VALIDATION_ROWS, MeasuredRows, Scorer
from netsim.learning.foundation import Foundation, widest_layer
from netsim.learning.initial_weights import initial_vector
from netsim.learning.learner import FederatedLearner
from netsim.learning.model_layouts import layout_of
from netsim.learning.model_loading import load_foundation
from netsim.learning.payload import BUILTIN
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.learning.transfer import AS_THEY_ARE, Transfer
from netsim.rng import stream
from netsim.units import IntArray

# Tokens computed together: enough that the products with frozen weights are large and the calls
# few, few enough that activations stay in the caches.
CHUNK_TOKENS = 2048
# Numbers in the widest activation of a chunk, 16 MiB: memory of larger ones goes back to the system
# after each use (mallopt's M_MMAP_THRESHOLD is at most 32 MiB), and getting it anew takes a tenth
# of the time.
CHUNK_NUMBERS = 1 << 22
GPU_CHUNK_TOKENS = 32_768  # about 20 GB of activations on an encoder of 768 x 12


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
    most_ues: int | None = None,
    workers: int | None = None,
    engine: str = "auto",
    transfer: Transfer = AS_THEY_ARE,
) -> FederatedLearner:
    """Load the model and put a learner together. Raises InputError or DataError.

    `samples` is D_k, one number or [K]: the rows a UE trains on per round; `seed`, UE and round
    decide which. `weights` and `device` as foundation.load_foundation has them. `workers` None: as
    many as cores, at most 2; changes no result; a GPU is served by this process alone. `engine` is
    "auto" (a fast one where it knows the architecture), "fast" (only that) or "generic".
    `evaluate_on` is "test" or "validation": the rows that modules are measured on. With
    `evaluate_in_full` also averaged logits, and every UE's own rows (of the first `most_ues` UEs).
    """
    _check_sizes(dataset, modules, max_tokens, workers)
    per_ue = _samples_per_ue(samples, len(partition))
    if isinstance(foundation, str):
        classes = len(dataset.classes)
        foundation = load_foundation(foundation, classes, weights=weights, device=device)
    own_ues = _own_ues(len(partition), evaluate_in_full, most_ues)
    layouts = [layout_of(foundation, spec) for spec in modules]
    computing = _engine(foundation, layouts, engine, train_head)
    data = _LearnerData(dataset, partition, foundation, max_tokens=max_tokens, seed=seed)
    chunk = _chunk_size(foundation)
    first = Start(layouts[0], initial_vector(layouts[0], foundation))
    return FederatedLearner(
        foundation=foundation,
        layouts=layouts,
        engine=computing,
        batches=data.batches(per_ue, layouts, chunk),
        scorer=data.scorer(computing, evaluate_on, own_ues=own_ues, chunk=chunk),
        risk=RiskMeter(computing, data.ue_test_sets(per_ue), first),
        training=training,
        train_head=train_head,
        payload_bits_per_parameter=payload_bits_per_parameter,
        workers=(workers or default_workers()) if _on_cpu(foundation) else 1,
        slow_because=slow_because(computing.engine, foundation, layouts),
        transfer=transfer,
    )


def _engine(
    foundation: Foundation,
    layouts: Sequence[AdapterLayout],
    kind: str,
    train_head: bool,
) -> MovingBase:
    """An engine whose frozen weights may change."""
    make = partial(_engine_on, kind, layouts, train_head)
    return MovingBase(foundation, make, transposed=layouts[0].transposed)


def _engine_on(
    kind: str,
    layouts: Sequence[AdapterLayout],
    train_head: bool,
    foundation: Foundation,
) -> Engine:
    """An engine on these frozen weights."""
    with one_thread():  # as all computing: weights are laid out for it
        return make_engine(kind, foundation, layouts, train_head)


def _chunk_size(foundation: Foundation) -> ChunkSize:
    """How many tokens are computed together.

    On a CPU what would be one chunk is divided between two workers, unless there is so little of it
    that calls take most of the time; a GPU has one process.
    """
    if not _on_cpu(foundation):
        return ChunkSize(aim=GPU_CHUNK_TOKENS, whole=GPU_CHUNK_TOKENS)
    widest = widest_layer(foundation.model)
    fitting = CHUNK_NUMBERS // widest
    aim = min(CHUNK_TOKENS, max(1, fitting))
    return ChunkSize(aim=aim, whole=aim // 2)


def _on_cpu(foundation: Foundation) -> bool:
    return foundation.device.type == "cpu"


def _own_ues(ues: int, in_full: bool, most: int | None) -> int:
    """How many UEs are measured on their own rows."""
    if not in_full:
        return 0
    if most is None:
        return ues
    return min(ues, most)


def _check_sizes(
    dataset: TextDataset,
    modules: Sequence[ModuleSpec],
    max_tokens: int,
    workers: int | None,
) -> None:
    if not modules:
        raise InputError("there must be at least one module")
    if max_tokens < 3:
        raise InputError("max_tokens must be at least 3", value=max_tokens)
    if workers is not None and workers < 1:
        raise InputError("there must be at least one worker", value=workers)
    if len(dataset.test) == 0:
        raise DataError("the test split must not be empty", where=dataset.name)


def _samples_per_ue(samples: ArrayLike, ues: int) -> IntArray:
    """D_k of every UE, [K]."""
    given = np.asarray(samples, dtype=np.int64)
    per_ue = np.broadcast_to(given, (ues,)).copy()
    if per_ue.min() < 1:
        rule = "each UE must train on at least one sample per round"
        raise InputError(rule, value=int(per_ue.min()))
    return per_ue


@dataclass(frozen=True)
class _LearnerData:
    """The rows of a data set as the parts of a learner take them."""

    dataset: TextDataset
    partition: Partition
    foundation: Foundation
    max_tokens: int
    seed: int

    @property
    def _train_tokens(self) -> TokenCache:
        return self.foundation.tokens(self.dataset.train, self._limit)

    @property
    def _test_tokens(self) -> TokenCache:
        return self.foundation.tokens(self.dataset.test, self._limit)

    @property
    def _limit(self) -> int:
        return min(self.max_tokens, self.foundation.max_tokens)

    def batches(
        self,
        per_ue: IntArray,
        layouts: Sequence[AdapterLayout],
        chunk: ChunkSize,
    ) -> Batches:
        """Training rows, in chunks of about that size."""
        return Batches(
            partition=self.partition,
            tokens=self._train_tokens,
            samples=per_ue,
            module_rank=np.array([layout.spec.rank for layout in layouts]),
            module_size=np.array([layout.size for layout in layouts]),
            seed=self.seed,
            chunk=chunk,
            activations=Activations.of(self.foundation),
        )

    def scorer(
        self,
        engine: Engine,
        measured: str,
        *,
        own_ues: int,
        chunk: ChunkSize,
    ) -> Scorer:
        """What measures modules on the rows of the split `measured`."""
        return Scorer(
            engine,
            self.partition,
            self.measured_rows(),
            measured=measured,
            classes=self.foundation.classes,
            seed=self.seed,
            own_ues=own_ues,
            chunk=chunk,
        )

    def measured_rows(self) -> dict[str, MeasuredRows]:
        """All test rows, and some of the validation rows."""
        train = self.dataset.train
        test = self.dataset.test
        order = stream(self.seed, "learning.validation").permutation(self.partition.validation)
        chosen = order[:VALIDATION_ROWS]
        test_keys = self.partition.keys(test)
        train_keys = self.partition.keys(train)
        return {
            "test": MeasuredRows(self._test_tokens, np.arange(len(test)), test_keys),
            "validation": MeasuredRows(self._train_tokens, chosen, train_keys.take(chosen)),
        }

    def ue_test_sets(self, per_ue: IntArray) -> UeTestSets:
        """Test rows of every UE."""
        return UeTestSets(
            partition=self.partition,
            tokens=self._test_tokens,
            keys=self.partition.keys(self.dataset.test),
            samples=per_ue,
            seed=self.seed,
        )

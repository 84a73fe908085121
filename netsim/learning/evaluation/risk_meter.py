"""Losses and gradients of every module at every UE's own test set.

The risk gap (5) is measured from them. F_k is the mean loss over D_k,te (docs/model/risk-bound.md);
its gradient is taken over all trained tensors of a module. F_k(w*_k) comes from training a module
on D_k,te until it settles, once per run. Nothing here takes simulated time or changes a module.

Symbols: K UEs, N modules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from netsim.learning.adapters import Vector
from netsim.learning.data.partition import Partition, RowKeys, ue_test_rows
from netsim.learning.data.tokens import Texts, TokenCache
from netsim.learning.engine.local_descent import Engine, LocalResult, Start
from netsim.learning.evaluation.losses import log_softmax, row_losses
from netsim.learning.learner_state import Memory
from netsim.learning.spec import LocalTraining
from netsim.protocols import RiskProbe
from netsim.theory.estimation import estimate_smoothness
from netsim.units import FloatArray, IntArray

# Its upload is the gradient; nothing is moved.
GRADIENT = LocalTraining(local_steps=1, learning_rate=1.0, optimizer="sgd")
# Where w*_k is looked for: Adam at this rate, in descents of so many steps, at most so many of them
RATE, LOOK, MAX_DESCENTS = 3e-3, 10, 20
SETTLED, MISSES = 1e-3, 3  # nat that a descent must gain, and how often it may fail to


@dataclass(frozen=True)
class Gradients:
    """Job: losses and gradients of some modules at one UE."""

    ue: int
    modules: tuple[int, ...]


@dataclass(frozen=True)
class Optimum:
    """Job: F_k(w*_k)."""

    ue: int


@dataclass(frozen=True)
class LocalLoss:
    """Job: loss of every module on each of G groups of texts. Result [G, N]."""

    samples: IntArray  # [G]
    texts: Texts


RiskJob = Gradients | Optimum | LocalLoss
RunRiskJobs = Callable[[Sequence[RiskJob]], Iterator[Any]]
"""Jobs -> their results, in order."""


@dataclass(frozen=True)
class _Point:
    """A module as it was when it was last measured."""

    version: int
    state: Vector
    loss: FloatArray  # [K]
    norm_sq: FloatArray  # [K]
    gradient: FloatArray  # [trained], weighted over the UEs by rho


@dataclass(frozen=True)
class UeTestSets:
    """The test rows of every UE."""

    partition: Partition
    tokens: TokenCache  # of the test split
    keys: RowKeys  # of the test split
    samples: IntArray  # [K] D_k, which gives rho
    seed: int

    def __len__(self) -> int:
        return len(self.partition)

    def texts(self, ue: int) -> Texts:
        """D_k,te."""
        rows = ue_test_rows(self.partition, self.keys, self.seed, ue)
        texts = self.tokens.texts(rows)
        return replace(texts, label=self.partition.own_labels(np.array(ue), texts.label))


class RiskMeter:
    """Measures modules at the UEs' test sets.

    It is made before workers are forked, which then have it too.
    """

    def __init__(
        self,
        engine: Engine,
        test_sets: UeTestSets,
        start: Start,
    ) -> None:
        """`start` is module 0 before training, where the search for w*_k begins."""
        self._engine = engine
        self._test_sets = test_sets
        self._start = start
        self.rho: FloatArray = test_sets.samples / test_sets.samples.sum()
        self._points: dict[int, _Point] = {}  # by module
        self._optimum: FloatArray | None = None  # [K]

    def compute(
        self,
        job: RiskJob,
        starts: Sequence[Start],
    ) -> Any:
        """What a worker does; `starts` are all modules."""
        if isinstance(job, LocalLoss):
            losses = [_losses(self._engine, start, job.samples, job.texts) for start in starts]
            return np.stack(losses, axis=1)
        texts = self._test_sets.texts(job.ue)
        if isinstance(job, Optimum):
            return settled_loss(self._engine, texts, self._start)
        return [self._gradient(starts[n], texts) for n in job.modules]

    def _gradient(
        self,
        start: Start,
        texts: Texts,
    ) -> LocalResult:
        size = np.array([len(texts)])
        return self._engine.train([start], size, texts, GRADIENT)[0]

    def state(self) -> Memory:
        """What is remembered between probes."""
        arrays: dict[str, Any] = {}
        if self._optimum is not None:
            arrays["optimum"] = self._optimum
        versions = {}
        for n, point in self._points.items():
            arrays[f"{n}.state"] = point.state
            arrays[f"{n}.loss"] = point.loss
            arrays[f"{n}.norm_sq"] = point.norm_sq
            arrays[f"{n}.gradient"] = point.gradient
            versions[str(n)] = point.version
        return arrays, versions

    def restore(self, memory: Memory) -> None:
        """Put back what `state` gave."""
        arrays, versions = memory
        self._optimum = arrays.get("optimum")
        self._points = {}
        for n, version in versions.items():
            self._points[int(n)] = _Point(
                version=version,
                state=arrays[f"{n}.state"],
                loss=arrays[f"{n}.loss"],
                norm_sq=arrays[f"{n}.norm_sq"],
                gradient=arrays[f"{n}.gradient"],
            )

    def probe(
        self,
        states: Sequence[Vector],
        versions: IntArray,
        foundation_norm_sq: float,
        run: RunRiskJobs,
    ) -> RiskProbe:
        """Measure all modules; those whose version was measured before are not computed again.

        `states` and `versions` [N].
        """
        optimum = self._optimum_loss(run)
        smoothness = np.full(len(states), np.nan)
        for n, new in self._measure(states, versions, run).items():
            if n in self._points:
                smoothness[n] = _smoothness_between(self._points[n], new)
            self._points[n] = new
        points = [self._points[n] for n in range(len(states))]
        return RiskProbe(
            loss=np.stack([p.loss for p in points], axis=1),
            gradient_norm_sq=np.stack([p.norm_sq for p in points], axis=1),
            mean_gradient_norm_sq=np.array([p.gradient @ p.gradient for p in points]),
            smoothness=smoothness,
            optimum_loss=optimum,
            rho=self.rho,
            test_samples=len(self._test_sets.texts(0)),
            foundation_norm_sq=foundation_norm_sq,
        )

    def _optimum_loss(self, run: RunRiskJobs) -> FloatArray:
        """F_k(w*_k) of every UE, computed once. [K]."""
        if self._optimum is None:
            jobs = [Optimum(ue) for ue in range(len(self._test_sets))]
            self._optimum = np.array(list(run(jobs)))
        return self._optimum

    def _measure(
        self,
        states: Sequence[Vector],
        versions: IntArray,
        run: RunRiskJobs,
    ) -> dict[int, _Point]:
        """The modules that have changed since they were last measured.

        Gradients are summed UE by UE in their order and dropped: memory holds one sum per module.
        """
        stale = self._stale(versions)
        if not stale:
            return {}
        ues = range(len(self._test_sets))
        loss, norm_sq = np.empty((2, len(ues), len(stale)))
        total: list[Any] = [0.0] * len(stale)
        jobs = [Gradients(ue, stale) for ue in ues]
        for ue, results in enumerate(run(jobs)):
            for i, result in enumerate(results):
                gradient = result.update.astype(np.float64)
                loss[ue, i] = result.train_loss
                norm_sq[ue, i] = gradient @ gradient
                total[i] = total[i] + self.rho[ue] * gradient
        measured = {}
        for i, n in enumerate(stale):
            measured[n] = _Point(
                version=int(versions[n]),
                state=states[n],
                loss=loss[:, i],
                norm_sq=norm_sq[:, i],
                gradient=total[i],
            )
        return measured

    def _stale(self, versions: IntArray) -> tuple[int, ...]:
        """Modules whose version is not the one that was measured last."""
        stale = []
        for n, version in enumerate(versions.tolist()):
            point = self._points.get(n)
            if point is None or point.version != version:
                stale.append(n)
        return tuple(stale)


def settled_loss(
    engine: Engine,
    texts: Texts,
    start: Start,
) -> float:
    """Loss of module 0 after training on `texts` from `start` until it settles, nat.

    Adam, started afresh every 10 steps. Steps that gain too little are taken back and tried at half
    the rate. When that has happened MISSES times, or after MAX_DESCENTS, the loss counts as that of
    w*_k.
    """
    samples = np.array([len(texts)])
    loss = float(_losses(engine, start, samples, texts)[0])
    rate = RATE
    misses = 0
    for _ in range(MAX_DESCENTS):
        descent = LocalTraining(LOOK, rate, "adam")
        update = engine.train([start], samples, texts, descent)[0].update
        moved = start.vector.copy()
        moved[: len(update)] -= update
        there = replace(start, vector=moved)
        reached = float(_losses(engine, there, samples, texts)[0])
        gain = loss - reached
        if gain > 0:
            start = there
            loss = reached
        if not gain > SETTLED:
            rate /= 2
            misses += 1
            if misses == MISSES:
                break
    return loss


def _losses(
    engine: Engine,
    start: Start,
    samples: IntArray,
    texts: Texts,
) -> FloatArray:
    """Mean loss of a module on each group of texts, [G]."""
    log_p = log_softmax(engine.logits([start], texts)[0])
    lost = row_losses(log_p, texts.label)
    first = np.cumsum(samples) - samples
    return np.asarray(np.add.reduceat(lost, first) / samples)


def _smoothness_between(old: _Point, new: _Point) -> float:
    """|g' - g| / |w' - w| over the trained tensors; NaN if the module has not moved."""
    size = len(new.gradient)
    states = np.stack([old.state[:size], new.state[:size]])
    gradients = np.stack([old.gradient, new.gradient])
    return estimate_smoothness(states, gradients)

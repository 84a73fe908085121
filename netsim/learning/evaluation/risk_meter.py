"""Losses and gradients of every module at every UE's own test set: what the risk gap (5) is
measured from.

F_k is the mean loss over D_k,te (model-spec 10.11); its gradient is taken over all trained tensors
of a module. F_k(w*_k) comes from training a module on D_k,te until it settles (10.12), once per
run. Nothing here takes simulated time or changes a module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from netsim.learning.adapters import Vector
from netsim.learning.data.partition import Partition, ue_test_rows
from netsim.learning.data.tokens import Texts, TokenCache
from netsim.learning.engine.local_descent import Engine, Start
from netsim.learning.evaluation.losses import log_softmax
from netsim.learning.learner_state import Memory
from netsim.learning.spec import LocalTraining
from netsim.protocols import RiskProbe
from netsim.theory.estimation import estimate_smoothness
from netsim.units import FloatArray, IntArray

GRADIENT = LocalTraining(1, 1.0, "sgd")  # its upload is the gradient; nothing is moved
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


@dataclass(frozen=True)
class _Point:
    """A module as it was when it was last looked at."""

    version: int
    state: Vector
    loss: FloatArray  # [K]
    norm_sq: FloatArray  # [K]
    gradient: FloatArray  # [trained], weighted over the UEs by rho


POINT = ("state", "loss", "norm_sq", "gradient")


class RiskMeter:
    """Measures modules at the UEs' test sets; made before workers are forked, which then have it
    too.
    """

    def __init__(
        self,
        engine: Engine,
        partition: Partition,
        tokens: TokenCache,
        test_label: IntArray,
        samples: IntArray,
        seed: int,
        start: Start,
    ) -> None:
        """`samples` [K] is D_k, which gives rho; `start` is module 0 before training, where w*_k
        begins.
        """
        self._engine = engine
        self._partition = partition
        self._tokens = tokens
        self._label = test_label
        self._seed = seed
        self._start = start
        self.rho: FloatArray = samples / samples.sum()
        self._points: dict[int, _Point] = {}
        self._optimum: FloatArray | None = None  # [K]

    def texts(self, ue: int) -> Texts:
        """D_k,te."""
        return self._tokens.texts(ue_test_rows(self._partition, self._label, self._seed, ue))

    def compute(self, job: RiskJob, starts: Sequence[Start]) -> Any:
        """What a worker does; `starts` are all modules."""
        if isinstance(job, LocalLoss):
            losses = [_losses(self._engine, start, job.samples, job.texts) for start in starts]
            return np.stack(losses, axis=1)
        texts = self.texts(job.ue)
        if isinstance(job, Optimum):
            return settled_loss(self._engine, texts, self._start)
        size = np.array([len(texts)])
        return [self._engine.train([starts[n]], size, texts, GRADIENT)[0] for n in job.modules]

    def state(self) -> Memory:
        """What is remembered between probes."""
        arrays: dict[str, Any] = {} if self._optimum is None else {"optimum": self._optimum}
        for n, point in self._points.items():
            arrays |= {f"{n}.{name}": getattr(point, name) for name in POINT}
        return arrays, {str(n): point.version for n, point in self._points.items()}

    def restore(self, memory: Memory) -> None:
        """Put back what `state` gave."""
        arrays, versions = memory
        self._optimum = arrays.get("optimum")
        self._points = {
            int(n): _Point(version, *(arrays[f"{n}.{name}"] for name in POINT))
            for n, version in versions.items()
        }

    def probe(
        self,
        states: Sequence[Vector],
        versions: IntArray,
        foundation_norm_sq: float,
        run: Callable[[Sequence[RiskJob]], Iterator[Any]],
    ) -> RiskProbe:
        """Measure; a module whose version was measured before is not computed again.

        Gradients are summed UE by UE in their order and dropped: memory holds one sum per module.
        """
        ues = range(len(self._partition))
        if self._optimum is None:
            self._optimum = np.array(list(run([Optimum(ue) for ue in ues])))
        known = {n: point.version for n, point in self._points.items()}
        stale = tuple(n for n, version in enumerate(versions.tolist()) if known.get(n) != version)
        loss, norm_sq = np.empty((2, len(ues), len(stale)))
        total: list[Any] = [0.0] * len(stale)
        jobs = [Gradients(ue, stale) for ue in ues] if stale else []
        for ue, uploads in enumerate(run(jobs)):
            for i, upload in enumerate(uploads):
                gradient = upload.update.astype(np.float64)
                loss[ue, i], norm_sq[ue, i] = upload.train_loss, gradient @ gradient
                total[i] = total[i] + self.rho[ue] * gradient
        smoothness = np.full(len(states), np.nan)
        for i, n in enumerate(stale):
            new = _Point(int(versions[n]), states[n], loss[:, i], norm_sq[:, i], total[i])
            if n in self._points:
                smoothness[n] = _turn(self._points[n], new)
            self._points[n] = new
        points = [self._points[n] for n in range(len(states))]
        return RiskProbe(
            loss=np.stack([p.loss for p in points], axis=1),
            gradient_norm_sq=np.stack([p.norm_sq for p in points], axis=1),
            mean_gradient_norm_sq=np.array([p.gradient @ p.gradient for p in points]),
            smoothness=smoothness,
            optimum_loss=self._optimum,
            rho=self.rho,
            test_samples=len(self.texts(0)),
            foundation_norm_sq=foundation_norm_sq,
        )


def settled_loss(engine: Engine, texts: Texts, start: Start) -> float:
    """Loss of module 0 after training on `texts` from `start` until it settles, nat.

    Adam, afresh in every 10 steps. Steps that gain too little are taken back and tried at half the
    rate; when that has happened MISSES times, or after MAX_DESCENTS, the loss counts as that of
    w*_k.
    """
    samples = np.array([len(texts)])
    loss = float(_losses(engine, start, samples, texts)[0])
    rate, misses = RATE, 0
    for _ in range(MAX_DESCENTS):
        update = engine.train([start], samples, texts, LocalTraining(LOOK, rate, "adam"))[0].update
        moved = start.vector.copy()
        moved[: len(update)] -= update
        there = replace(start, vector=moved)
        reached = float(_losses(engine, there, samples, texts)[0])
        gain = loss - reached
        if gain > 0:
            start, loss = there, reached
        if not gain > SETTLED:
            rate, misses = rate / 2, misses + 1
            if misses == MISSES:
                break
    return loss


def _losses(engine: Engine, start: Start, samples: IntArray, texts: Texts) -> FloatArray:
    """Mean loss of a module on each group of texts, [G]."""
    log_p = log_softmax(engine.logits([start], texts)[0])
    lost = -np.take_along_axis(log_p, texts.label[:, None], axis=1)[:, 0]
    first = np.cumsum(samples) - samples
    return np.asarray(np.add.reduceat(lost, first) / samples)


def _turn(old: _Point, new: _Point) -> float:
    """|g' - g| / |w' - w| over the trained tensors; NaN if the module has not moved."""
    size = len(new.gradient)
    return estimate_smoothness(
        np.stack([old.state[:size], new.state[:size]]), np.stack([old.gradient, new.gradient])
    )

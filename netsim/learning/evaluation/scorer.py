"""Measures modules on test and validation rows; a module that has not changed is not computed
again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netsim.errors import InputError
from netsim.learning.data.partition import Partition, ue_test_rows, ue_validation_rows
from netsim.learning.data.tokens import Texts, TokenCache, runs
from netsim.learning.engine.local_descent import Engine, Start
from netsim.learning.evaluation.losses import best_module, evaluate_logits, evaluate_ues
from netsim.protocols import Evaluation
from netsim.units import IntArray

VALIDATION_ROWS = 600  # at most so many are computed


@dataclass(frozen=True)
class Score:
    """Job: logits of some modules on one piece of a split. Result [module][rows, C]."""

    modules: tuple[int, ...]
    split: str
    piece: int


Run = Callable[[Sequence[Score]], Iterator[Any]]
"""Jobs -> their results, in order."""


@dataclass(frozen=True)
class Rows:
    """The rows of a split in an order of their own, with their classes."""

    tokens: TokenCache
    row: IntArray  # [S] numbers in `tokens`
    label: IntArray  # [S]

    def pieces(self, budget: int) -> list[tuple[IntArray, Texts]]:
        """(positions, texts) of similar length, so that little is padded, of about `budget`
        tokens.
        """
        length = self.tokens.texts(self.row).length
        order = np.argsort(length, kind="stable")
        parts = runs(length[order], budget)
        return [(order[a:b], self.tokens.texts(self.row[order[a:b]])) for a, b in parts]


class Scorer:
    """Made before workers are forked, which then have the texts too.

    `measured` names the split whose rows are reported. `in_full` (of the test split) adds averaged
    logits, and every UE's own rows with its best module, chosen by the validation split.
    """

    def __init__(
        self,
        engine: Engine,
        partition: Partition,
        splits: Mapping[str, Rows],
        *,
        measured: str,
        classes: int,
        seed: int,
        in_full: bool,
        budget: int,
    ) -> None:
        self._engine, self._partition = engine, partition
        self._seed, self._classes, self._in_full = seed, classes, in_full
        self._measured = measured
        self._splits = {
            name: splits[name] for name in ((measured, "validation") if in_full else (measured,))
        }
        if "validation" in self._splits and not len(splits["validation"].row):
            raise InputError(
                "validation rows are measured, so the validation fraction must be above 0"
            )
        self._pieces = {name: rows.pieces(budget) for name, rows in self._splits.items()}
        self._scored: dict[
            tuple[str, int], tuple[int, NDArray[np.float32]]
        ] = {}  # -> (version, logits)

    def compute(self, job: Score, starts: Sequence[Start]) -> Any:
        """What a worker does; `starts` are all modules."""
        texts = self._pieces[job.split][job.piece][1]
        return self._engine.logits([starts[module] for module in job.modules], texts)

    def evaluate(
        self, versions: IntArray, run: Callable[[Sequence[Score]], Iterator[Any]]
    ) -> list[Evaluation]:
        """Rows of the common split and, in full, of every UE's."""
        self._refresh(versions, run)
        split = self._measured
        logits = [self._scored[split, module][1] for module in range(len(versions))]
        label = self._splits[split].label
        rows = evaluate_logits(logits, label, split=split, averaged=self._in_full)
        if not self._in_full:
            return rows
        choice = [self._scored["validation", module][1] for module in range(len(versions))]
        best = best_module(choice, self._splits["validation"].label, self._validation_rows)
        return rows + evaluate_ues(logits, label, self._test_rows, split=split, best=best)

    def forget(self) -> None:
        """Measure every module again, whatever its version."""
        self._scored.clear()

    def _refresh(self, versions: IntArray, run: Run) -> None:
        stale = tuple(
            n
            for n, version in enumerate(versions)
            if self._scored.get((self._measured, n), (-1,))[0] != version
        )
        if not stale:
            return
        jobs = [
            Score(stale, split, i) for split, all in self._pieces.items() for i in range(len(all))
        ]
        fresh = {
            (split, n): np.zeros((len(rows.row), self._classes), dtype=np.float32)
            for split, rows in self._splits.items()
            for n in stale
        }
        for job, logits in zip(jobs, run(jobs), strict=True):
            positions = self._pieces[job.split][job.piece][0]
            for n, scores in zip(job.modules, logits, strict=True):
                fresh[job.split, n][positions] = scores
        self._scored |= {
            (split, n): (int(versions[n]), scores) for (split, n), scores in fresh.items()
        }

    @cached_property
    def _test_rows(self) -> IntArray:
        """D_k,te of every UE, [K, R]."""
        label, ues = self._splits["test"].label, range(len(self._partition))
        return np.stack([ue_test_rows(self._partition, label, self._seed, ue) for ue in ues])

    @cached_property
    def _validation_rows(self) -> IntArray:
        """[K, R]."""
        label, ues = self._splits["validation"].label, range(len(self._partition))
        return np.stack([ue_validation_rows(self._partition, label, self._seed, ue) for ue in ues])

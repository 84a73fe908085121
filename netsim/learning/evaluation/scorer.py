"""Measures modules on test and validation rows.

A module that has not changed since it was last measured is not computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netsim.errors import InputError
from netsim.learning.data.partition import (
    Partition,
    RowKeys,
    ue_test_rows,
    ue_validation_rows,
)
from netsim.learning.data.tokens import ChunkSize, Texts, TokenCache, even_runs
from netsim.learning.engine.local_descent import Engine, Start
from netsim.learning.evaluation.losses import (
    Logits,
    OwnRows,
    best_module,
    evaluate_logits,
    evaluate_ues,
    mean_rows,
)
from netsim.learning.own_parts import OwnPart
from netsim.protocols import Evaluation
from netsim.units import IntArray

VALIDATION_ROWS = 600  # at most so many are computed
PERSONAL_UES = 32  # at most so many are measured with their own parts where nobody asks for more


@dataclass(frozen=True)
class Score:
    """Job: logits of some modules on one piece of a split. Result [module][rows, C]."""

    modules: tuple[int, ...]
    split: str
    piece: int
    own: tuple[OwnPart | None, ...] = ()  # [N] parts of a UE's own; (): the server's modules


RunScores = Callable[[Sequence[Score]], Iterator[Any]]
"""Jobs -> their results, in order."""


@dataclass(frozen=True)
class Piece:
    """Texts that are computed together."""

    position: IntArray  # [rows] among the measured rows of the split
    texts: Texts


@dataclass(frozen=True)
class MeasuredRows:
    """The rows of a split in an order of their own, with their classes."""

    tokens: TokenCache
    row: IntArray  # [S] numbers in `tokens`
    keys: RowKeys  # [S]

    def pieces(self, size: ChunkSize) -> list[Piece]:
        """Rows of similar length, so that little is padded, in pieces of about that `size`."""
        length = self.tokens.texts(self.row).length
        order = np.argsort(length, kind="stable")
        found = []
        for start, end in even_runs(length[order], size):
            position = order[start:end]
            found.append(Piece(position, self.tokens.texts(self.row[position])))
        return found


@dataclass(frozen=True)
class _Scored:
    """Logits of a module on a split, and the version that they are of."""

    version: int
    logits: NDArray[np.float32]  # [S, C]


class Scorer:
    """Made before workers are forked, which then have the texts too.

    `measured` names the split whose rows are reported. Where the first `own_ues` UEs are measured
    one by one (on the test split), there are also averaged logits, and for each of them its best
    module, chosen by the validation split.
    """

    def __init__(
        self,
        engine: Engine,
        partition: Partition,
        splits: Mapping[str, MeasuredRows],
        *,
        measured: str,
        classes: int,
        seed: int,
        own_ues: int,
        chunk: ChunkSize,
    ) -> None:
        self._engine = engine
        self._partition = partition
        self._seed = seed
        self._classes = classes
        self._own_ues = own_ues
        self._measured = measured
        names = (measured, "validation") if own_ues else (measured,)
        self._splits = {name: splits[name] for name in names}
        if "validation" in self._splits and not len(splits["validation"].row):
            rule = "validation rows are measured, so the validation fraction must be above 0"
            raise InputError(rule)
        self._pieces = {name: rows.pieces(chunk) for name, rows in self._splits.items()}
        self._scored: dict[tuple[str, int], _Scored] = {}  # by split and module

    def compute(
        self,
        job: Score,
        starts: Sequence[Start],
    ) -> Any:
        """What a worker does; `starts` are all modules."""
        piece = self._pieces[job.split][job.piece]
        chosen = [starts[module] for module in job.modules]
        for place, own in enumerate(job.own):
            if own is not None:
                layout = chosen[place].layout
                chosen[place] = Start(layout, own.put_into(chosen[place].vector, layout))
        return self._engine.logits(chosen, piece.texts)

    @property
    def personal_ues(self) -> int:
        """How many UEs are measured with their own parts, where they have any: the first ones."""
        return self._own_ues or min(len(self._partition), PERSONAL_UES)

    def evaluate(
        self,
        versions: IntArray,
        run: RunScores,
    ) -> list[Evaluation]:
        """Rows of the common split, and of the UEs' own rows. `versions` [N]."""
        self._refresh(versions, run)
        split = self._measured
        logits = self._logits(split, len(versions))
        label = self._splits[split].keys.label
        common = evaluate_logits(logits, label, split=split, averaged=self._own_ues > 0)
        if not self._own_ues:
            return common
        choice = self._logits("validation", len(versions))
        best = best_module(choice, self._own_validation)
        own = evaluate_ues(
            logits,
            self._own_test,
            split=split,
            best=best,
        )
        return common + own

    def evaluate_personal(
        self,
        own_of: Sequence[tuple[OwnPart | None, ...]],
        run: RunScores,
    ) -> list[Evaluation]:
        """Where parts of modules stay at UEs: each with its own, [measured UEs][N].

        The rows of the common split are means over the UEs; where that is the test split, each UE
        has rows on its own test rows, too.
        """
        common: list[list[Evaluation]] = []
        personal: list[Evaluation] = []
        split = self._measured
        label = self._splits[split].keys.label
        for ue, own in enumerate(own_of):
            modules = tuple(range(len(own)))
            logits = self._computed(split, modules, own, run)
            averaged = self._own_ues > 0
            common.append(evaluate_logits(logits, label, split=split, averaged=averaged))
            if split == "test":
                rows = self._own_test.of(ue)
                best = None
                if ue < self._own_ues:
                    choice = self._computed("validation", modules, own, run)
                    best = best_module(choice, self._own_validation.of(ue))
                found = evaluate_ues(logits, rows, split=split, best=best)
                personal += [replace(row, ue=ue) for row in found]
        return mean_rows(common) + personal

    def forget(self) -> None:
        """Measure every module again, whatever its version."""
        self._scored.clear()

    def _logits(
        self,
        split: str,
        modules: int,
    ) -> Logits:
        return [self._scored[split, module].logits for module in range(modules)]

    def _refresh(
        self,
        versions: IntArray,
        run: RunScores,
    ) -> None:
        """Compute the modules whose version is not the one that was measured last."""
        stale = tuple(n for n, version in enumerate(versions) if self._is_stale(n, int(version)))
        if not stale:
            return
        for split in self._pieces:
            fresh = self._computed(split, stale, (), run)
            for n, scores in zip(stale, fresh, strict=True):
                self._scored[split, n] = _Scored(int(versions[n]), scores)

    def _computed(
        self,
        split: str,
        modules: tuple[int, ...],
        own: tuple[OwnPart | None, ...],
        run: RunScores,
    ) -> Logits:
        """Of some modules, as they are or with a UE's `own` parts."""
        jobs = [Score(modules, split, piece, own) for piece in range(len(self._pieces[split]))]
        shape = (len(self._splits[split].row), self._classes)
        logits = [np.zeros(shape, dtype=np.float32) for _ in modules]
        for job, found in zip(jobs, run(jobs), strict=True):
            position = self._pieces[split][job.piece].position
            for whole, scores in zip(logits, found, strict=True):
                whole[position] = scores
        return logits

    def _is_stale(
        self,
        module: int,
        version: int,
    ) -> bool:
        scored = self._scored.get((self._measured, module))
        return scored is None or scored.version != version

    @cached_property
    def _own_test(self) -> OwnRows:
        """D_k,te of every UE."""
        keys = self._splits["test"].keys
        ues = range(self.personal_ues)
        return self._own(keys, [ue_test_rows(self._partition, keys, self._seed, ue) for ue in ues])

    @cached_property
    def _own_validation(self) -> OwnRows:
        keys = self._splits["validation"].keys
        ues = range(self._own_ues)
        rows = [ue_validation_rows(self._partition, keys, self._seed, ue) for ue in ues]
        return self._own(keys, rows)

    def _own(self, keys: RowKeys, rows: Sequence[IntArray]) -> OwnRows:
        """The rows of every UE, with their classes as it takes them."""
        position = np.stack(rows)
        ue = np.arange(len(position))[:, None]
        return OwnRows(position, self._partition.own_labels(ue, keys.label[position]))

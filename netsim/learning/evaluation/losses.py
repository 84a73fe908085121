"""Loss and accuracy of every module and of their ensembles, from logits (eq. 3).

Symbols: N modules, S rows of C classes, K UEs with R rows each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from netsim.protocols import Evaluation
from netsim.units import FloatArray, IntArray

Logits = Sequence[NDArray[np.float32]]
"""[N] of [S, C]."""


@dataclass(frozen=True)
class OwnRows:
    """Each UE's own rows of a split, with their classes as the UE takes them."""

    position: IntArray  # [K, R] among the split's S rows
    label: IntArray  # [K, R]

    def of(self, ue: int) -> OwnRows:
        """Those of one UE alone."""
        mine = slice(ue, ue + 1)
        return OwnRows(self.position[mine], self.label[mine])


def evaluate_logits(
    logits: Logits,
    label: IntArray,
    *,
    split: str,
    averaged: bool = False,
) -> list[Evaluation]:
    """One row per module, and one of the ensemble (also for a single module), on a common split.

    `label` [S]. The ensemble's loss is the mean of the modules' losses (eq. 3), its accuracy that
    of the argmax of the mean softmax; ties go to the first class. With `averaged`, a further row
    for the ensemble that answers by the mean of the logits, and loses accordingly.
    """
    common = OwnRows(np.arange(len(label))[None], label[None])
    found = []
    for answers in _answers(logits, averaged):
        found += _target_rows(answers, common, (None,), split)
    return found


def evaluate_ues(
    logits: Logits,
    own: OwnRows,
    *,
    split: str,
    best: IntArray | None = None,
) -> list[Evaluation]:
    """The same for each UE on its own rows of the split, averaged logits included.

    `best` [K] adds the row of the module that each UE has chosen.
    """
    ues = range(len(own.position))
    answers = _answers(logits, averaged=True)
    found = []
    for of_target in answers:
        found += _target_rows(of_target, own, ues, split)
    if best is not None:
        chosen = _of_best(answers[: len(logits)], own, best)
        found += _evaluations("best", chosen, own, ues, split)
    return found


def mean_rows(by_ue: Sequence[Sequence[Evaluation]]) -> list[Evaluation]:
    """Means over UEs of rows with the same targets, UE by UE."""
    found = []
    for rows in zip(*by_ue, strict=True):
        loss = float(np.mean([row.loss for row in rows]))
        accuracy = float(np.mean([row.accuracy for row in rows]))
        found.append(replace(rows[0], loss=loss, accuracy=accuracy))
    return found


def _of_best(
    modules: Sequence[_Answers],
    own: OwnRows,
    best: IntArray,
) -> _Measured:
    """What each UE gets from the module that it has chosen, `best` [K]."""
    measured = [module.measured(own) for module in modules]
    loss = np.stack([each.loss for each in measured])
    accuracy = np.stack([each.accuracy for each in measured])
    ue = np.arange(len(best))
    return _Measured(loss[best, ue], accuracy[best, ue])


def best_module(logits: Logits, own: OwnRows) -> IntArray:
    """The module of least loss on each UE's own rows; ties go to the first. [K]."""
    answers = _answers(logits, averaged=False)
    loss = [of_module.measured(own).loss for of_module in answers[: len(logits)]]
    best: IntArray = np.stack(loss).argmin(axis=0)
    return best


@dataclass(frozen=True)
class _Measured:
    """Means over each UE's rows."""

    loss: FloatArray  # [K] nat
    accuracy: FloatArray  # [K]


@dataclass(frozen=True)
class _Answers:
    """What a module or an ensemble says about every row of a split."""

    target: str
    log_p: FloatArray  # [S, C] its loss is the negative one of the right class
    said: IntArray  # [S] class

    def measured(self, own: OwnRows) -> _Measured:
        """Loss and accuracy on each UE's own rows."""
        loss = -self.log_p[own.position, own.label]
        right = self.said[own.position] == own.label
        return _Measured(loss.mean(axis=1), right.mean(axis=1))


def _answers(logits: Logits, averaged: bool) -> list[_Answers]:
    """Those of each module, of the ensemble, and of the averaged logits, if asked for."""
    log_p = [log_softmax(scores) for scores in logits]
    found = []
    for module, of_module in enumerate(log_p):
        found.append(_Answers(str(module), of_module, of_module.argmax(axis=1)))

    p_sum = sum((np.exp(p) for p in log_p), np.zeros(log_p[0].shape))
    mean_p = p_sum / len(log_p)
    found.append(_Answers("ensemble", np.mean(log_p, axis=0), mean_p.argmax(axis=1)))

    if averaged:
        mean_logits: FloatArray = np.mean(np.stack(logits), axis=0, dtype=np.float64)
        of_mean = log_softmax(mean_logits)
        found.append(_Answers("averaged_logits", of_mean, of_mean.argmax(axis=1)))
    return found


def _target_rows(
    answers: _Answers,
    own: OwnRows,
    ues: Sequence[int | None],
    split: str,
) -> list[Evaluation]:
    """One row per UE of one target."""
    return _evaluations(answers.target, answers.measured(own), own, ues, split)


def _evaluations(
    target: str,
    measured: _Measured,
    own: OwnRows,
    ues: Sequence[int | None],
    split: str,
) -> list[Evaluation]:
    samples = own.position.shape[1]
    loss = measured.loss.tolist()
    accuracy = measured.accuracy.tolist()
    found = []
    for ue, lost, right in zip(ues, loss, accuracy, strict=True):
        found.append(Evaluation(target, ue, split, loss=lost, accuracy=right, samples=samples))
    return found


def row_losses(log_p: FloatArray, label: IntArray) -> FloatArray:
    """Cross entropy of each row, nat, from log probabilities [S, C]. [S]."""
    of_label = np.take_along_axis(log_p, label[:, None], axis=1)
    loss: FloatArray = -of_label[:, 0]
    return loss


def log_softmax(logits: NDArray[np.floating]) -> FloatArray:
    """Row by row, in double precision. Shape [S, C]."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    total = np.exp(shifted).sum(axis=1, keepdims=True)
    result: FloatArray = shifted - np.log(total)
    return result

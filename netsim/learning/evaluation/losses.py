"""Loss and accuracy of every module and of their ensembles, from logits (eq. 3, model-spec
10.11).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netsim.protocols import Evaluation
from netsim.units import FloatArray, IntArray


def evaluate_logits(
    logits: Sequence[NDArray[np.float32]], label: IntArray, *, split: str, averaged: bool = False
) -> list[Evaluation]:
    """One row per module, and one of the ensemble (also for a single module), on a common split.

    `logits` [module][S, C], `label` [S]. The ensemble's loss is the mean of the modules' losses
    (eq. 3), its accuracy that of the argmax of the mean softmax; ties go to the first class. With
    `averaged`, a row of the ensemble that answers by the mean of the logits, and loses accordingly.
    """
    everyone = np.arange(len(label))[None]
    return _rows(_Answers(logits, label, averaged), everyone, split, (None,))


def evaluate_ues(
    logits: Sequence[NDArray[np.float32]],
    label: IntArray,
    rows: IntArray,
    *,
    split: str,
    best: IntArray | None = None,
) -> list[Evaluation]:
    """The same for each UE on its own rows of the split, `rows` [K, R], averaged logits included.

    `best` [K] adds the row of the module that each UE has chosen.
    """
    answers = _Answers(logits, label, averaged=True)
    found = _rows(answers, rows, split, tuple(range(len(rows))))
    if best is None:
        return found
    own = (
        answers.loss[best[:, None], rows].mean(axis=1),
        answers.right[best[:, None], rows].mean(axis=1),
    )
    return found + [
        Evaluation("best", ue, split, loss, accuracy, rows.shape[1])
        for ue, (loss, accuracy) in enumerate(zip(*(x.tolist() for x in own), strict=True))
    ]


def best_module(logits: Sequence[NDArray[np.float32]], label: IntArray, rows: IntArray) -> IntArray:
    """The module of least loss on each UE's rows [K, R]; ties go to the first. [K]."""
    loss = _Answers(logits, label, averaged=False).loss[: len(logits)]
    best: IntArray = loss[:, rows].mean(axis=2).argmin(axis=0)
    return best


class _Answers:
    """Loss and rightness, row by row, of each module, of the ensemble, and of the averaged
    logits.
    """

    def __init__(
        self, logits: Sequence[NDArray[np.float32]], label: IntArray, averaged: bool
    ) -> None:
        log_p = [log_softmax(scores) for scores in logits]
        mean = sum((np.exp(p) for p in log_p), np.zeros(log_p[0].shape)) / len(log_p)
        loss, right = [_loss(p, label) for p in log_p], [p.argmax(axis=1) == label for p in log_p]
        self.targets = [str(module) for module in range(len(logits))]
        self.targets.append("ensemble")
        loss.append(np.mean(loss, axis=0))
        right.append(mean.argmax(axis=1) == label)
        if averaged:
            self.targets.append("averaged_logits")
            whole = log_softmax(np.mean(np.stack(logits), axis=0, dtype=np.float64))
            loss.append(_loss(whole, label))
            right.append(whole.argmax(axis=1) == label)
        self.loss: FloatArray = np.stack(loss)  # [targets, S]
        self.right = np.stack(right)  # [targets, S]


def _rows(
    answers: _Answers, rows: IntArray, split: str, ues: Sequence[int | None]
) -> list[Evaluation]:
    found = []
    for i, target in enumerate(answers.targets):
        loss, accuracy = (x[i][rows].mean(axis=1).tolist() for x in (answers.loss, answers.right))
        found += [
            Evaluation(target, ue, split, lost, right, rows.shape[1])
            for ue, lost, right in zip(ues, loss, accuracy, strict=True)
        ]
    return found


def _loss(log_p: FloatArray, label: IntArray) -> FloatArray:
    loss: FloatArray = -np.take_along_axis(log_p, label[:, None], axis=1)[:, 0]
    return loss


def log_softmax(logits: NDArray[np.floating]) -> FloatArray:
    """Row by row, in double precision. Shape [S, C]."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    result: FloatArray = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result

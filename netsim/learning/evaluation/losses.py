"""Loss and accuracy of every module and of their ensembles, from logits (eq. 3, model-spec 10.11).

Symbols: N modules, S rows of C classes, K UEs with R rows each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netsim.protocols import Evaluation
from netsim.units import BoolArray, FloatArray, IntArray

Logits = Sequence[NDArray[np.float32]]
"""[N] of [S, C]."""


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
    everyone = np.arange(len(label))[None]
    answers = _Answers(logits, label, averaged)
    return _evaluations(answers, everyone, split, (None,))


def evaluate_ues(
    logits: Logits,
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
    ues = range(len(rows))
    found = _evaluations(answers, rows, split, ues)
    if best is None:
        return found
    loss = answers.loss[best[:, None], rows].mean(axis=1)
    accuracy = answers.right[best[:, None], rows].mean(axis=1)
    return found + _target_rows(
        "best",
        ues,
        split,
        loss,
        accuracy,
        samples=rows.shape[1],
    )


def best_module(
    logits: Logits,
    label: IntArray,
    rows: IntArray,
) -> IntArray:
    """The module of least loss on each UE's rows [K, R]; ties go to the first. [K]."""
    answers = _Answers(logits, label, averaged=False)
    of_modules = answers.loss[: len(logits)]
    best: IntArray = of_modules[:, rows].mean(axis=2).argmin(axis=0)
    return best


class _Answers:
    """Loss and rightness, row by row, of each module and of the ensembles.

    targets: names of the modules, then "ensemble" and, if asked for, "averaged_logits".
    """

    def __init__(
        self,
        logits: Logits,
        label: IntArray,
        averaged: bool,
    ) -> None:
        log_p = [log_softmax(scores) for scores in logits]
        loss = [row_losses(p, label) for p in log_p]
        right = [p.argmax(axis=1) == label for p in log_p]
        self.targets = [str(module) for module in range(len(logits))]

        self.targets.append("ensemble")
        p_sum = sum((np.exp(p) for p in log_p), np.zeros(log_p[0].shape))
        mean_p = p_sum / len(log_p)
        loss.append(np.mean(loss, axis=0))
        right.append(mean_p.argmax(axis=1) == label)

        if averaged:
            self.targets.append("averaged_logits")
            mean_logits: FloatArray = np.mean(np.stack(logits), axis=0, dtype=np.float64)
            of_mean = log_softmax(mean_logits)
            loss.append(row_losses(of_mean, label))
            right.append(of_mean.argmax(axis=1) == label)
        self.loss: FloatArray = np.stack(loss)  # [targets, S]
        self.right: BoolArray = np.stack(right)  # [targets, S]


def _evaluations(
    answers: _Answers,
    rows: IntArray,
    split: str,
    ues: Sequence[int | None],
) -> list[Evaluation]:
    """One row per target and UE, on the UE's part `rows` [UEs, R] of the split."""
    found = []
    for i, target in enumerate(answers.targets):
        loss = answers.loss[i][rows].mean(axis=1)
        accuracy = answers.right[i][rows].mean(axis=1)
        found += _target_rows(
            target,
            ues,
            split,
            loss,
            accuracy,
            samples=rows.shape[1],
        )
    return found


def _target_rows(
    target: str,
    ues: Sequence[int | None],
    split: str,
    loss: FloatArray,
    accuracy: FloatArray,
    *,
    samples: int,
) -> list[Evaluation]:
    """One row per UE of one target; `loss` and `accuracy` [UEs]."""
    found = []
    for ue, lost, right in zip(ues, loss.tolist(), accuracy.tolist(), strict=True):
        found.append(
            Evaluation(
                target,
                ue,
                split,
                loss=lost,
                accuracy=right,
                samples=samples,
            )
        )
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

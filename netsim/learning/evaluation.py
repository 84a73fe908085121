"""Loss and accuracy of every module, and of their ensemble (eq. 3), from logits on a common split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netsim.protocols import Evaluation
from netsim.units import FloatArray, IntArray


def evaluate_logits(
    logits: Sequence[NDArray[np.float32]], label: IntArray, *, split: str, ue: int | None = None
) -> list[Evaluation]:
    """One row per module, and one of the ensemble (also for a single module).

    `logits` [module][S, C], `label` [S]. The ensemble's loss is the mean of the modules' losses (eq. 3), its
    accuracy that of the argmax of the mean softmax; ties go to the first class.
    """
    rows = []
    losses = []
    mean = np.zeros((len(label), 1))
    for module, scores in enumerate(logits):
        log_p = log_softmax(scores)
        losses.append(float(-np.take_along_axis(log_p, label[:, None], axis=1).mean()))
        mean = mean + np.exp(log_p) / len(logits)
        accuracy = float((log_p.argmax(axis=1) == label).mean())
        rows.append(Evaluation(str(module), ue, split, losses[-1], accuracy, len(label)))
    accuracy = float((mean.argmax(axis=1) == label).mean())
    return [*rows, Evaluation("ensemble", ue, split, float(np.mean(losses)), accuracy, len(label))]


def log_softmax(logits: NDArray[np.float32]) -> FloatArray:
    """Row by row, in double precision. Shape [S, C]."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    result: FloatArray = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result

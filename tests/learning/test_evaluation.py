"""Loss and accuracy of modules and ensemble, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from netsim.learning.evaluation import evaluate_logits

LABEL = np.array([0, 1])


def logits(*p_of_class_1: float) -> np.ndarray:
    p = np.array(p_of_class_1)
    return np.log(np.stack([1 - p, p], axis=1)).astype(np.float32)


def test_modules_and_ensemble() -> None:
    rows = evaluate_logits([logits(0.4, 0.9), logits(0.9, 0.4)], LABEL, split="test")
    assert [row.target for row in rows] == ["0", "1", "ensemble"]
    assert [row.accuracy for row in rows] == [1.0, 0.0, 0.5]  # mean softmax of class 1: 0.65 and 0.65
    first, second = -(np.log(0.6) + np.log(0.9)) / 2, -(np.log(0.1) + np.log(0.4)) / 2
    assert [row.loss for row in rows] == pytest.approx([first, second, (first + second) / 2], rel=1e-6)
    assert {(row.ue, row.split, row.samples) for row in rows} == {(None, "test", 2)}


def test_one_module_has_an_ensemble_row_too() -> None:
    one, ensemble = evaluate_logits([logits(0.3, 0.8)], LABEL, split="test")
    assert (one.loss, one.accuracy) == (ensemble.loss, ensemble.accuracy)


def test_large_logits_are_finite() -> None:
    huge = np.array([[1e4, -1e4], [1e4, -1e4]], dtype=np.float32)
    (row, _) = evaluate_logits([huge], LABEL, split="test")
    assert row.loss == pytest.approx(1e4)

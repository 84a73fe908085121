"""Loss and accuracy of modules and ensemble, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from netsim.learning.evaluation.losses import OwnRows, best_module, evaluate_logits, evaluate_ues

LABEL = np.array([0, 1])


def logits(*p_of_class_1: float) -> np.ndarray:
    p = np.array(p_of_class_1)
    return np.log(np.stack([1 - p, p], axis=1)).astype(np.float32)


def test_modules_and_ensemble() -> None:
    rows = evaluate_logits([logits(0.4, 0.9), logits(0.9, 0.4)], LABEL, split="test")
    assert [row.target for row in rows] == ["0", "1", "ensemble"]
    assert [row.accuracy for row in rows] == [
        1.0,
        0.0,
        0.5,
    ]  # mean softmax of class 1: 0.65 and 0.65
    first, second = -(np.log(0.6) + np.log(0.9)) / 2, -(np.log(0.1) + np.log(0.4)) / 2
    assert [row.loss for row in rows] == pytest.approx(
        [first, second, (first + second) / 2], rel=1e-6
    )
    assert {(row.ue, row.split, row.samples) for row in rows} == {(None, "test", 2)}


def test_one_module_has_an_ensemble_row_too() -> None:
    one, ensemble = evaluate_logits([logits(0.3, 0.8)], LABEL, split="test")
    assert (one.loss, one.accuracy) == (ensemble.loss, ensemble.accuracy)


def test_large_logits_are_finite() -> None:
    huge = np.array([[1e4, -1e4], [1e4, -1e4]], dtype=np.float32)
    (row, _) = evaluate_logits([huge], LABEL, split="test")
    assert row.loss == pytest.approx(1e4)


def test_averaged_logits() -> None:
    """Averaging logits is averaging odds: 0.9 against 0.4 gives sqrt(9 * 2/3) to 1 for class 1."""
    rows = evaluate_logits([logits(0.4, 0.9), logits(0.9, 0.4)], LABEL, split="test", averaged=True)
    assert [row.target for row in rows] == ["0", "1", "ensemble", "averaged_logits"]
    odds = np.sqrt(9 * 2 / 3)
    assert rows[3].loss == pytest.approx(
        -(np.log(1 / (1 + odds)) + np.log(odds / (1 + odds))) / 2, rel=1e-6
    )
    assert rows[3].accuracy == 0.5
    assert evaluate_logits([logits(0.4, 0.9), logits(0.9, 0.4)], LABEL, split="test") == rows[:3]


def test_each_ue_on_its_own_rows_with_its_best_module() -> None:
    modules = [
        logits(0.4, 0.9, 0.2, 0.8),
        logits(0.9, 0.4, 0.7, 0.3),
    ]  # the second answers all wrong
    label = np.array([0, 1, 0, 1])
    rows = np.array([[0, 1, 0], [2, 3, 3], [1, 1, 1]])
    best = np.array([0, 1, 0])
    found = evaluate_ues(modules, OwnRows(rows, label[rows]), split="test", best=best)
    by = {(row.target, row.ue): row for row in found}
    assert len(by) == len(found) == 3 * 5
    assert by["0", 0].loss == pytest.approx(
        -(np.log(0.6) + np.log(0.9) + np.log(0.6)) / 3, rel=1e-6
    )
    assert by["1", 1].accuracy == 0.0
    assert by["ensemble", 2].loss == pytest.approx(-(np.log(0.9) + np.log(0.4)) / 2, rel=1e-6)
    for ue, module in enumerate(best):
        chosen = by["best", ue], by[str(module), ue]
        assert (chosen[0].loss, chosen[0].accuracy) == (chosen[1].loss, chosen[1].accuracy)
    assert {row.samples for row in found} == {3}
    assert best_module(modules, OwnRows(rows, label[rows])).tolist() == [0, 0, 0]
    assert best_module(modules[::-1], OwnRows(rows, label[rows])).tolist() == [1, 1, 1]
    assert best_module([modules[0]] * 2, OwnRows(rows, label[rows])).tolist() == [
        0,
        0,
        0,
    ]  # ties go to the first

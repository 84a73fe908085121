"""The built-in text: seeded, stable, balanced, and no word-count problem."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import log_softmax

from netsim.errors import InputError
from netsim.learning.builtin.grades import TURNING
from netsim.learning.builtin.products import PRODUCTS
from netsim.learning.builtin.text import (
    CLASSES,
    DOCUMENT_TASKS,
    TASKS,
    Sentences,
    generate,
    unlabelled,
)


def _texts(found: Sentences) -> list[str]:
    return [
        f"{a}\t{b}" for a, b in zip(found.first, found.second or [""] * len(found), strict=True)
    ]


@pytest.mark.parametrize("task", TASKS)
def test_seeded_and_prefix_stable(task: str) -> None:
    few, many = generate(task, "train", 50, seed=3), generate(task, "train", 400, seed=3)
    assert few.first == many.first[:50]
    assert few.label.tolist() == many.label[:50].tolist()
    assert generate(task, "train", 50, seed=4).first != few.first


@pytest.mark.parametrize("task", TASKS)
def test_splits_share_no_text_whatever_their_seeds(task: str) -> None:
    train, test = generate(task, "train", 3000, seed=1), generate(task, "test", 600, seed=2)
    assert len(set(_texts(train))) == 3000
    assert not set(_texts(train)) & set(_texts(test))


@pytest.mark.parametrize("task", DOCUMENT_TASKS)
def test_classes_are_balanced(task: str) -> None:
    label = generate(task, "train", 4000).label
    assert len(CLASSES[task]) == 2
    assert label.mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(4000))


def test_documents_are_stable_and_keep_out_of_the_test_split() -> None:
    assert unlabelled(40, seed=1) == unlabelled(100, seed=1)[:40]
    test = set(_texts(generate("passages", "test", 2000)))
    assert not any(f"{d[0]}\t{d[1]}" in test for d in unlabelled(4000) if len(d) > 1)


@pytest.mark.parametrize(("task", "split"), [("poems", "train"), ("reviews", "all")])
def test_unknown_names(task: str, split: str) -> None:
    with pytest.raises(InputError, match="must be one of"):
        generate(task, split, 1)


def _counts(found: Sentences, vocabulary: dict[str, int]) -> csr_matrix:
    rows, columns = [], []
    for row, text in enumerate(_texts(found)):
        first, _, second = text.partition("\t")
        words = re.findall(r"[a-z0-9']+", first) + [
            f"2:{w}" for w in re.findall(r"[a-z0-9']+", second)
        ]
        known = [vocabulary[w] for w in words if w in vocabulary]
        rows += [row] * len(known)
        columns += known
    return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(found), len(vocabulary)))


def test_grades_have_a_long_tail_and_one_off_reviewers() -> None:
    found = generate("grades", "train", 6000)
    share = np.sort(np.bincount(found.label) / 6000)[::-1]
    assert len(share) == 6
    assert share[0] / share[-1] > 3
    assert share.sum() == pytest.approx(1)
    assert set(found.domain) == {product.name for product in PRODUCTS}


def test_words_that_turn_praise_in_some_products_and_blame_in_others() -> None:
    for product in PRODUCTS:
        good = [word for word, products in TURNING.items() if product.name in products]
        assert 0 < len(good) < len(TURNING)
        for part in product.parts:
            assert TURNING.get(part.praise, (product.name,)).count(product.name) == 1
            assert product.name not in TURNING.get(part.blame, ())


def test_a_bag_of_words_is_far_behind_on_grades() -> None:
    train, test = generate("grades", "train", 6000), generate("grades", "test", 1500)
    words = sorted({w for t in _texts(train) for w in re.findall(r"[a-z0-9']+", t)})
    vocabulary = {word: number for number, word in enumerate(words)}
    x = _counts(train, vocabulary)
    shape = (len(vocabulary) + 1, 6)
    target = np.eye(6)[train.label]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(shape)
        log_p = log_softmax(x @ weights[:-1] + weights[-1], axis=1)
        pull = (np.exp(log_p) - target) / len(target)
        penalty = 1e-4 * flat
        gradient = np.vstack([x.T @ pull, pull.sum(axis=0)]).ravel() + penalty
        return float(-(log_p * target).sum() / len(target) + 0.5 * penalty @ flat), gradient

    start = np.zeros(shape[0] * shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200})
    weights = found.x.reshape(shape)
    said = (_counts(test, vocabulary) @ weights[:-1] + weights[-1]).argmax(axis=1)
    assert (said == test.label).mean() < 0.6


@pytest.mark.parametrize("task", DOCUMENT_TASKS)
def test_a_bag_of_words_gets_at_most_three_quarters(task: str) -> None:
    train, test = generate(task, "train", 8000), generate(task, "test", 2000)
    words = sorted({w for t in _texts(train) for w in re.findall(r"[a-z0-9']+", t)})
    vocabulary = {w: i for i, w in enumerate([*words, *(f"2:{w}" for w in words)])}
    x, sign = _counts(train, vocabulary), 2.0 * train.label - 1

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (x @ weights[:-1] + weights[-1])
        pull = -sign / (1 + np.exp(margin)) / len(sign)
        penalty = 1e-4 * weights
        return (
            float(np.logaddexp(0, -margin).mean() + 0.5 * penalty @ weights),
            np.append(x.T @ pull, pull.sum()) + penalty,
        )

    weights = minimize(loss, np.zeros(len(vocabulary) + 1), jac=True, method="L-BFGS-B").x
    right = ((_counts(test, vocabulary) @ weights[:-1] + weights[-1]) > 0) == (test.label == 1)
    assert right.mean() <= 0.75

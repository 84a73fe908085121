"""Averages of products, by hand: which rules are exact, and what they add to the frozen weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.average import Average
from netsim.learning.aggregation.exact_average import (
    Primed,
    RefinedAverage,
    Reorthogonalised,
    ResidualToBase,
    Stacking,
)
from netsim.learning.aggregation.rule import Moment, Upload
from netsim.learning.spec import ModuleSpec

A, B = (f"base_model.model.x.lora_{factor}.weight" for factor in "AB")
RANK, IN, OUT, SCALE = 3, 7, 5, 2.0
LAYOUT = AdapterLayout(
    ModuleSpec(RANK, RANK * SCALE, ("x",), 0),
    {A: (RANK, IN), B: (OUT, RANK), "base_model.model.head.bias": (2,)},
    ("head",),
    RANK * (IN + OUT),
    transposed=False,
)
SAMPLES = (3, 1, 4)


def start(seed: int = 9) -> Vector:
    return np.random.default_rng(seed).normal(size=LAYOUT.size).astype(np.float32)


def uploads(state: Vector, frozen: str = "", ranks: Sequence[int] = (RANK,) * 3) -> list[Upload]:
    """Three UEs, each somewhere else; a frozen factor stays as it was."""
    found = []
    for k, (samples, rank) in enumerate(zip(SAMPLES, ranks, strict=True)):
        end = np.random.default_rng(k).normal(size=LAYOUT.size).astype(np.float32)
        for name in (A, B):
            if name == frozen:
                LAYOUT.views(torch.from_numpy(end))[name].copy_(
                    LAYOUT.views(torch.from_numpy(state))[name]
                )
        own, ended = LAYOUT.truncate(state, rank), LAYOUT.truncate(end, rank)
        found.append(Upload(0, rank, samples, 0, own, own - ended, 1.0))
    return found


def product(vector: Vector, rank: int = RANK) -> np.ndarray:
    """scale B A."""
    views = LAYOUT.at_rank(rank).views(torch.from_numpy(vector))
    found: np.ndarray = SCALE * (views[B].double() @ views[A].double()).numpy()
    return found


def exact(sent: Sequence[Upload]) -> np.ndarray:
    """sum_k p_k scale B_k A_k."""
    total = np.zeros((OUT, IN))
    for one in sent:
        total += one.samples / sum(SAMPLES) * product(one.end, one.rank)
    return total


def merged(rule: Any, sent: Sequence[Upload]) -> Any:
    """In two chunks."""
    left = rule.add(rule.add(None, sent[0], LAYOUT), sent[1], LAYOUT)
    return rule.merge(left, rule.add(None, sent[2], LAYOUT))


def head(sent: Sequence[Upload]) -> np.ndarray:
    return np.average([one.end[-2:] for one in sent], axis=0, weights=SAMPLES)


@pytest.mark.parametrize("frozen", [A, B])
def test_with_a_frozen_factor_the_average_is_that_of_the_products(frozen: str) -> None:
    """FFA-LoRA, and RoLoRA in each of its rounds; with none frozen it is not."""
    state = start()
    sent, free = uploads(state, frozen), uploads(state)
    new = Average().apply(state, merged(Average(), sent), LAYOUT, 1.0)
    assert product(new) == pytest.approx(exact(sent), abs=1e-5)
    kept = LAYOUT.view(frozen, torch.from_numpy(new)).numpy()
    assert kept.tobytes() == LAYOUT.view(frozen, torch.from_numpy(state)).numpy().tobytes()
    other = Average().apply(state, merged(Average(), free), LAYOUT, 1.0)
    assert np.abs(product(other) - exact(free)).max() > 0.1


def test_fedex_base_and_adapter_are_the_exact_average() -> None:
    state, moment = start(), Moment(1, 0, 5, {})
    sent, rule = uploads(state), ResidualToBase()
    new = rule.step(state, merged(rule, sent), LAYOUT, 1.0, moment)
    assert moment.base[A] + product(new) == pytest.approx(exact(sent), abs=1e-5)
    plain = Average().apply(state, merged(Average(), sent), LAYOUT, 1.0)
    assert new == pytest.approx(plain)
    assert np.linalg.matrix_rank(moment.base[A], tol=1e-4) <= min(OUT, 3 * RANK)


@pytest.mark.parametrize("ranks", [(RANK,) * 3, (1, 3, 2)])
def test_flora_adds_the_weighted_sum_of_products(ranks: tuple[int, ...]) -> None:
    state = start()
    sent, rule = uploads(state, ranks=ranks), Stacking()
    moments = [Moment(1, 0, 5, {}), Moment(1, 0, 5, {}), Moment(2, 0, 5, {})]
    news = [rule.step(state, merged(rule, sent), LAYOUT, 1.0, moment) for moment in moments]
    assert moments[0].base[A] == pytest.approx(exact(sent), abs=1e-5)
    assert not product(news[0]).any()  # B is zero again
    assert news[0][-2:] == pytest.approx(head(sent), abs=1e-6)
    a = LAYOUT.view(A, torch.from_numpy(news[0])).numpy()
    assert np.abs(a).max() <= 1 / np.sqrt(IN)
    assert news[0].tobytes() == news[1].tobytes() != news[2].tobytes()


def test_lora_fair_is_the_least_of_its_squares() -> None:
    state, weight = start(), 0.01
    sent, rule = uploads(state), RefinedAverage(weight)
    new = rule.apply(state, merged(rule, sent), LAYOUT, 1.0)
    plain = Average().apply(state, merged(Average(), sent), LAYOUT, 1.0)
    a, b, b_mean = (
        LAYOUT.view(name, torch.from_numpy(vector)).double().numpy()
        for name, vector in ((A, new), (B, new), (B, plain))
    )
    assert a == pytest.approx(LAYOUT.view(A, torch.from_numpy(plain)).numpy())
    wanted = exact(sent) / SCALE
    slope = (b @ a - wanted) @ a.T + weight * (b - b_mean)  # of the squares, at the least
    assert slope == pytest.approx(np.zeros_like(slope), abs=1e-5)
    assert np.linalg.norm(b @ a - wanted) < np.linalg.norm(b_mean @ a - wanted)
    # with a frozen A there is nothing to correct
    same = uploads(state, A)
    fair = rule.apply(state, merged(rule, same), LAYOUT, 1.0)
    plain = Average().apply(state, merged(Average(), same), LAYOUT, 1.0)
    assert fair == pytest.approx(plain, abs=1e-5)


def test_fedsvd_keeps_the_product_and_makes_a_orthonormal() -> None:
    state = start()
    sent, rule = uploads(state, A), Reorthogonalised()
    new = rule.apply(state, merged(rule, sent), LAYOUT, 1.0)
    assert product(new) == pytest.approx(exact(sent), abs=1e-5)
    a = LAYOUT.view(A, torch.from_numpy(new)).double().numpy()
    assert a @ a.T == pytest.approx(np.eye(RANK), abs=1e-6)
    b = LAYOUT.view(B, torch.from_numpy(new)).double().numpy()
    gram = b.T @ b
    assert gram == pytest.approx(np.diag(np.diag(gram)), abs=1e-5)  # U S
    assert new[-2:] == pytest.approx(head(sent), abs=1e-6)


@pytest.mark.parametrize("rank", [1, 2, RANK])
def test_slora_starts_from_the_best_adapter_of_its_rank(rank: int) -> None:
    """Eckart and Young: the nearest product of that rank; at the full rank, the product itself."""
    state = start()
    sent = uploads(state, frozen=A)
    partial = None
    for one in sent:
        partial = Primed(rank).add(partial, one, LAYOUT)
    assert partial is not None
    new = Primed(rank).apply(state, partial, LAYOUT, 1.0)
    exact = sum(n * product(one.end) for n, one in zip(SAMPLES, sent, strict=True)) / sum(SAMPLES)
    u, s, vh = np.linalg.svd(exact, full_matrices=False)
    nearest = (u[:, :rank] * s[:rank]) @ vh[:rank]
    assert product(new) == pytest.approx(nearest, abs=1e-4)
    a, b = (LAYOUT.views(torch.from_numpy(new))[name].double().numpy() for name in (A, B))
    assert a[:rank] @ a[:rank].T == pytest.approx(np.eye(rank), abs=1e-5)
    assert not a[rank:].any()
    assert not b[:, rank:].any()

"""FlexLoRA's aggregation: equal to the dense SVD, and much faster where ranks are few."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
import torch

from netsim.learning.adapters import AdapterLayout
from netsim.learning.aggregation.named_rules import find_rule
from netsim.learning.aggregation.products import AdapterProduct
from netsim.learning.aggregation.redistribution import Redistribution, redistribute
from netsim.learning.aggregation.rule import Upload
from netsim.learning.spec import ModuleSpec


def _factors(out: int, width: int, total: int, seed: int = 0) -> AdapterProduct:
    generator = torch.Generator().manual_seed(seed)
    left = torch.randn(out, total, generator=generator, dtype=torch.float64)
    return AdapterProduct(left, torch.randn(total, width, generator=generator, dtype=torch.float64))


def _dense(product: AdapterProduct, rank: int, scale: float) -> torch.Tensor:
    u, s, vh = torch.linalg.svd(product.dense())
    return u[:, :rank] * s[:rank] @ vh[:rank] / scale


@pytest.mark.parametrize(("out", "width"), [(64, 64), (96, 40), (40, 96)])
@pytest.mark.parametrize("total", [6, 20, 70])
@pytest.mark.parametrize("rank", [1, 4, 16])
def test_equal_to_the_dense_svd(out: int, width: int, total: int, rank: int) -> None:
    product = _factors(out, width, total)
    a, b = redistribute(product, rank, 2.0)
    assert a.shape == (rank, width)
    assert b.shape == (out, rank)
    expected = _dense(product, rank, 2.0)
    assert (b @ a - expected).abs().max() < 1e-5 * expected.abs().max()
    assert torch.allclose(a @ a.t(), torch.eye(rank, dtype=torch.float64), atol=1e-10)


def test_at_full_rank_the_product_comes_back() -> None:
    product = _factors(48, 32, 12)
    a, b = redistribute(product, 12, 0.5)
    assert torch.allclose(0.5 * b @ a, product.dense(), atol=1e-10)


@pytest.mark.parametrize("dense", [False, True])
def test_what_has_diverged_is_not_decomposed(dense: bool) -> None:
    product = _factors(48, 32, 4)
    product.left[0, 0] = torch.inf
    if dense:
        product = AdapterProduct(product.dense(), None)
    a, b = redistribute(product, 5, 1.0)
    assert (a.shape, b.shape) == ((5, 32), (48, 5))
    assert a.isnan().all()
    assert b.isnan().all()


def test_lower_ranks_are_the_first_rows_and_columns() -> None:
    product = _factors(48, 32, 12)
    a, b = redistribute(product, 12, 1.0)
    for rank in (1, 5):
        low_a, low_b = redistribute(product, rank, 1.0)
        assert torch.equal(low_a, a[:rank])
        assert torch.equal(low_b, b[:, :rank])


def test_signs_do_not_depend_on_the_route() -> None:
    product = _factors(64, 64, 10)
    by_factors = redistribute(product, 10, 1.0)
    by_svd = redistribute(AdapterProduct(product.dense(), None), 10, 1.0)
    for one, other in zip(by_factors, by_svd, strict=True):
        assert torch.allclose(one, other, atol=1e-9)
    a = by_factors[0]
    assert (a.gather(1, a.abs().argmax(dim=1, keepdim=True)) > 0).all()


@pytest.mark.parametrize("total", [3, 30])
def test_ranks_without_a_singular_value_can_still_learn(total: int) -> None:
    left = torch.randn(40, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    few = _factors(40, 40, 3)
    assert few.right is not None
    again = total // 3  # the same three directions, over and over
    product = AdapterProduct(left.repeat(1, again), few.right.repeat(again, 1))
    a, b = redistribute(product, 8, 1.0)
    assert torch.allclose(a @ a.t(), torch.eye(8, dtype=torch.float64), atol=1e-9)
    assert b[:, 3:].abs().max() < 1e-10
    assert torch.allclose(b @ a, product.dense(), atol=1e-9)


def test_more_ranks_than_inputs() -> None:
    a, b = redistribute(_factors(4, 3, 1), 6, 1.0)
    assert torch.allclose(a[:3] @ a[:3].t(), torch.eye(3, dtype=torch.float64), atol=1e-12)
    assert not a[3:].any()
    assert b.shape == (4, 6)


def test_twenty_times_faster_than_the_dense_svd() -> None:
    product = _factors(768, 768, 80)
    assert product.factored

    def seconds(work: Callable[[], object], times: int) -> float:
        spent = []
        for _ in range(times):
            begun = time.process_time()
            work()
            spent.append(time.process_time() - begun)
        return min(spent)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        fast = seconds(lambda: redistribute(product, 32, 1.0), 50)
        dense = seconds(lambda: redistribute(AdapterProduct(product.dense(), None), 32, 1.0), 2)
    finally:
        torch.set_num_threads(threads)
    assert dense > 20 * fast


# -- the rule ------------------------------------------------------------------------------------

NAME = "base_model.model.x.lora_{}.weight"
PLAN = AdapterLayout(
    ModuleSpec(2, 4, ("x",), 0),  # scale 2
    {NAME.format("A"): (2, 2), NAME.format("B"): (2, 2), "base_model.model.head.bias": (1,)},
    ("head",),
    8,
    transposed=False,
)


def ended(samples: int, a: list[list[float]], b: list[list[float]], head: float) -> Upload:
    end = np.concatenate([np.ravel(a), np.ravel(b), [head]]).astype(np.float32)
    return Upload(0, len(a), samples, 0, end, np.zeros_like(end), 1.0)


def test_products_are_averaged_by_samples() -> None:
    rule = Redistribution()
    one = ended(1, [[1.0, 0.0]], [[4.0], [0.0]], 2.0)  # B A = [[4, 0], [0, 0]]
    two = ended(
        3, [[0.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [4.0, 0.0]], 6.0
    )  # B A = [[0, 0], [0, 4]]
    partial = rule.add(rule.add(None, one, PLAN), two, PLAN)
    new = rule.apply(np.zeros(9, dtype=np.float32), partial, PLAN, 1.0)
    # dW / scale = diag(1, 3): singular values 3, 1 in B, unit rows in A; head (2 + 18) / 4
    assert np.allclose(new, [0, 1, 1, 0, 0, 1, 3, 0, 5], atol=1e-6)


def test_factors_and_products_merge_alike() -> None:
    """Two chunks whose ranks together outgrow the layer become one product; the sum is the same."""
    wide = AdapterLayout(
        ModuleSpec(4, 8, ("x",), 0),
        {NAME.format("A"): (4, 16), NAME.format("B"): (12, 4)},
        (),
        4 * 28,
        transposed=False,
    )
    generator, rule = np.random.default_rng(0), Redistribution()
    uploads = []
    for samples, rank in ((3, 2), (1, 4), (2, 1), (5, 4)):
        end = generator.normal(size=rank * 28).astype(np.float32)
        uploads.append(Upload(0, rank, samples, 0, end, np.zeros_like(end), 1.0))
    expected = np.zeros((12, 16))
    for one in uploads:
        a, b = (
            one.end[: one.rank * 16].reshape(one.rank, 16),
            one.end[one.rank * 16 :].reshape(12, one.rank),
        )
        expected += one.samples / 11 * 2.0 * b.astype(np.float64) @ a
    left = rule.add(rule.add(None, uploads[0], wide), uploads[1], wide)
    right = rule.add(rule.add(None, uploads[2], wide), uploads[3], wide)
    assert any(key.startswith("right") for key in left)  # ranks 2 + 4 are half of 12
    whole = rule.merge(left, right)
    assert not any(key.startswith("right") for key in whole)
    views = wide.views(
        torch.from_numpy(rule.apply(np.zeros(112, dtype=np.float32), whole, wide, 1.0))
    )
    u, s, vh = np.linalg.svd(expected)
    nearest = u[:, :4] * s[:4] @ vh[:4]
    found = 2.0 * views[NAME.format("B")].double() @ views[NAME.format("A")].double()
    assert np.allclose(found.numpy(), nearest, atol=1e-5 * s[0])


def test_name() -> None:
    assert isinstance(find_rule("redistribution"), Redistribution)

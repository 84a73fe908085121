"""HetLoRA's aggregation, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netsim.learning.adapters import AdapterLayout
from netsim.learning.aggregation.named_rules import find_rule
from netsim.learning.aggregation.rule import Rule, Upload
from netsim.learning.aggregation.zero_padding import (
    RetainingZeroPadding,
    ZeroPadding,
    dead_ranks,
    product_norm_sq,
    sparsity,
)
from netsim.learning.spec import ModuleSpec

NAME = "base_model.model.x.lora_{}.weight"
PLAN = AdapterLayout(  # one layer with one input and one output: A (2), B (2); head (1)
    ModuleSpec(2, 4, ("x",), 0),
    {NAME.format("A"): (2, 1), NAME.format("B"): (1, 2), "base_model.model.head.bias": (1,)},
    ("head",),
    4,
    transposed=False,
)


def ended(samples: int, *end: float, rank: int = 2) -> Upload:
    """An upload of a UE that ended at `end`, from somewhere."""
    there = np.array(end, dtype=np.float32)
    start = np.ones_like(there)
    return Upload(0, rank, samples, 0, start, (start - there) / np.float32(0.5), 0.5)


def aggregate(rule: Rule, state: list[float], *uploads: Upload) -> list[float]:
    partial = None
    for one in uploads:
        partial = rule.add(partial, one, PLAN)
    assert partial is not None
    found: list[float] = rule.apply(np.array(state, dtype=np.float32), partial, PLAN, 0.5).tolist()
    return found


def test_weights_are_the_norms_of_the_products() -> None:
    # |B A| is 3 x 4 = 12 at rank 1, and 1 x 0 + 2 x 2 = 4 at rank 2: weights 3/4 and 1/4
    small, large = ended(1, 3.0, 4.0, 2.0, rank=1), ended(3, 1.0, 2.0, 0.0, 2.0, 6.0)
    # A 3/4 (3, 0) + 1/4 (1, 2); B 3/4 (4, 0) + 1/4 (0, 2); head (1 x 2 + 3 x 6) / 4, by samples
    assert aggregate(ZeroPadding(), [9.0] * 5, small, large) == [2.5, 0.5, 3.0, 0.5, 5.0]
    assert aggregate(ZeroPadding(), [9.0] * 5, large, small) == [2.5, 0.5, 3.0, 0.5, 5.0]


def test_a_rank_that_nobody_sends_dies() -> None:
    small = ended(1, 3.0, 4.0, 2.0, rank=1)
    new = aggregate(ZeroPadding(), [9.0] * 5, small)
    assert new == [3.0, 0.0, 4.0, 0.0, 2.0]
    assert dead_ranks(PLAN, np.array(new, dtype=np.float32)) == 1
    kept = aggregate(RetainingZeroPadding(), [9.0] * 5, small)
    assert kept == [3.0, 9.0, 4.0, 9.0, 2.0]
    assert dead_ranks(PLAN, np.array(kept, dtype=np.float32)) == 0


def test_retaining_changes_nothing_else() -> None:
    uploads = ended(1, 3.0, 4.0, 2.0, rank=1), ended(3, 1.0, 2.0, 0.0, 2.0, 6.0)
    assert aggregate(RetainingZeroPadding(), [9.0] * 5, *uploads) == aggregate(
        ZeroPadding(), [9.0] * 5, *uploads
    )


def test_no_update_at_all_has_no_weights() -> None:
    start = [5.0, 7.0, 0.0, 0.0, 1.0]
    assert aggregate(ZeroPadding(), start, ended(2, 5.0, 7.0, 0.0, 0.0, 3.0)) == [
        5.0,
        7.0,
        0.0,
        0.0,
        3.0,
    ]


def test_chunks_merge_in_any_division() -> None:
    rule, generator = ZeroPadding(), np.random.default_rng(1)
    uploads = [
        ended(int(n), *generator.normal(size=2 * r + 1), rank=r)
        for n, r in ((3, 1), (5, 2), (2, 2), (4, 1))
    ]
    left, right = rule.add(None, uploads[0], PLAN), rule.add(None, uploads[1], PLAN)
    for one in uploads[2:]:
        right = rule.add(right, one, PLAN)
    state = np.zeros(5, dtype=np.float32)
    whole = aggregate(rule, [0.0] * 5, *uploads)
    assert np.allclose(rule.apply(state, rule.merge(left, right), PLAN, 1.0), whole, atol=1e-6)


def test_a_frozen_head_stays() -> None:
    assert aggregate(ZeroPadding(), [9.0] * 5, ended(1, 3.0, 4.0, rank=1)) == [
        3.0,
        0.0,
        4.0,
        0.0,
        9.0,
    ]


def test_norm_without_the_large_product() -> None:
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(3, 50, generator=generator)
    b = torch.randn(40, 3, generator=generator)
    assert product_norm_sq(a, b) == pytest.approx(
        float((b.double() @ a.double()).norm() ** 2), rel=1e-12
    )
    assert product_norm_sq(a, torch.zeros(40, 3)) == 0.0


def test_sparsity_takes_all_layers_together() -> None:
    two = AdapterLayout(
        ModuleSpec(1, 2, ("x",), 0),
        {
            "base_model.model.x.lora_A.weight": (1, 1),
            "base_model.model.x.lora_B.weight": (1, 1),
            "base_model.model.y.lora_A.weight": (1, 1),
            "base_model.model.y.lora_B.weight": (1, 1),
        },
        (),
        4,
        transposed=False,
    )
    assert sparsity(two, np.array([3.0, 1.0, 2.0, 2.0], dtype=np.float32)) == pytest.approx(5.0)
    assert dead_ranks(two, np.array([0.0, 0.0, 0.0, 2.0], dtype=np.float32)) == 0


def test_names() -> None:
    assert isinstance(find_rule("zero_padding"), ZeroPadding)
    assert isinstance(find_rule("zero_padding_retaining"), RetainingZeroPadding)

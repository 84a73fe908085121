"""Aggregation rules, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from netsim.learning.adapters import AdapterLayout
from netsim.learning.aggregation.average import Average
from netsim.learning.aggregation.rule import Upload
from netsim.learning.spec import ModuleSpec
from netsim.protocols import LORA_A, LORA_B

NAME = "base_model.model.x.lora_{}.weight"
PLAN = AdapterLayout(
    ModuleSpec(2, 4, ("x",), 0),
    {NAME.format("A"): (2, 1), NAME.format("B"): (1, 2), "base_model.model.head.bias": (1,)},
    ("head",),
    4,
    transposed=False,
)


def upload(samples: int, *update: float, rank: int = 2) -> Upload:
    numbers = np.array(update, dtype=np.float32)
    return Upload(0, rank, samples, 0, np.zeros_like(numbers), numbers, 0.5)


def test_average_is_weighted_by_samples() -> None:
    rule = Average()
    partial = rule.add(rule.add(None, upload(1, 4.0, 0.0), PLAN), upload(3, 0.0, 8.0), PLAN)
    state = np.array([10.0, 20.0], dtype=np.float32)
    # means (1*4 + 3*0)/4 = 1 and (1*0 + 3*8)/4 = 6, taken off at rate 0.5
    assert rule.apply(state, partial, PLAN, 0.5).tolist() == [9.5, 17.0]
    assert state.tolist() == [10.0, 20.0]


def test_average_of_chunks_is_the_average() -> None:
    rule, generator = Average(), np.random.default_rng(0)
    uploads = [upload(int(n), *generator.normal(size=5)) for n in generator.integers(1, 9, 6)]
    left = right = whole = None
    for number, one in enumerate(uploads):
        whole = rule.add(whole, one, PLAN)
        if number < 4:
            left = rule.add(left, one, PLAN)
        else:
            right = rule.add(right, one, PLAN)
    assert left is not None
    assert right is not None
    assert whole is not None
    state = np.ones(5, dtype=np.float32)
    assert np.allclose(
        rule.apply(state, rule.merge(left, right), PLAN, 1.0),
        rule.apply(state, whole, PLAN, 1.0),
        atol=1e-7,
    )


def test_tensors_that_were_not_sent_stay() -> None:
    rule = Average()
    state = np.array([1.0, 2.0, 3.0], dtype=np.float32)
    assert rule.apply(state, rule.add(None, upload(2, 1.0), PLAN), PLAN, 1.0).tolist() == [
        0.0,
        2.0,
        3.0,
    ]


def test_ranks_that_are_not_sent_count_as_zero() -> None:
    rule = Average()
    # A (2), B (2), head: rank 1 sends the first of each
    partial = rule.add(None, upload(1, 8.0, 16.0, 4.0, rank=1), PLAN)
    partial = rule.add(partial, upload(3, 4.0, 4.0, 4.0, 4.0, 4.0), PLAN)
    new = rule.apply(np.zeros(5, dtype=np.float32), partial, PLAN, 1.0)
    assert new.tolist() == [-5.0, -3.0, -7.0, -3.0, -4.0]


def test_a_part_is_averaged_over_those_who_sent_it() -> None:
    """UE 1 brings A alone, UE 2 B alone, UE 3 both and the head; and nobody a head at all."""
    a_only = replace(upload(1, 8.0, 8.0, 0.0, 0.0, 0.0), parts=LORA_A)
    b_only = replace(upload(2, 0.0, 0.0, 6.0, 6.0, 0.0), parts=LORA_B)
    whole = upload(2, 2.0, 2.0, 2.0, 2.0, 2.0)
    rule, state = Average(), np.zeros(5, dtype=np.float32)
    partial = rule.merge(rule.add(None, a_only, PLAN), rule.add(None, b_only, PLAN))
    assert rule.apply(state, partial, PLAN, 1.0).tolist() == [-8.0, -8.0, -6.0, -6.0, 0.0]
    partial = rule.add(partial, whole, PLAN)
    assert rule.apply(state, partial, PLAN, 1.0).tolist() == [-4.0, -4.0, -4.0, -4.0, -2.0]


def test_an_upload_knows_where_it_ended() -> None:
    one = Upload(
        0, 2, 1, 0, np.array([3.0], dtype=np.float32), np.array([4.0], dtype=np.float32), 0.5
    )
    assert one.end.tolist() == [1.0]

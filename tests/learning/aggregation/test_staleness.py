"""Staleness-weighted averaging, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from netsim.learning.adapters import AdapterLayout
from netsim.learning.aggregation.average import Average
from netsim.learning.aggregation.named_rules import find_rule
from netsim.learning.aggregation.rule import Upload
from netsim.learning.aggregation.staleness import (
    AverageAndPersonal,
    StalenessWeighted,
    staleness_weight,
)
from netsim.learning.spec import ModuleSpec

NAME = "base_model.model.x.lora_{}.weight"
PLAN = AdapterLayout(
    ModuleSpec(1, 2, ("x",), 0), {NAME.format("A"): (1, 1), NAME.format("B"): (1, 1)}, (), 2, False
)


def upload(samples: int, staleness: int, *update: float) -> Upload:
    numbers = np.array(update, dtype=np.float32)
    return Upload(0, 1, samples, staleness, np.zeros_like(numbers), numbers, 1.0)


@pytest.mark.parametrize("rule", [StalenessWeighted(), AverageAndPersonal()])
def test_old_uploads_count_for_less(rule: StalenessWeighted) -> None:
    state = np.array([10.0, 10.0], dtype=np.float32)
    partial = rule.add(rule.add(None, upload(1, 0, 4.0, 0.0), PLAN), upload(3, 3, 0.0, 8.0), PLAN)
    # s(0) = 1, s(3) = 1/2: (1 x 4) / 4 = 1 and (3 x 1/2 x 8) / 4 = 3, taken off at rate 1/2
    assert rule.apply(state, partial, PLAN, 0.5).tolist() == [9.5, 8.5]


def test_a_buffer_of_old_uploads_takes_a_shorter_step() -> None:
    rule, state = StalenessWeighted(), np.zeros(2, dtype=np.float32)
    old = rule.add(rule.add(None, upload(1, 8, 3.0, 3.0), PLAN), upload(5, 8, 3.0, 3.0), PLAN)
    assert rule.apply(state, old, PLAN, 1.0) == pytest.approx([-1.0, -1.0])


def test_without_staleness_it_is_the_average() -> None:
    rule, plain, state = StalenessWeighted(), Average(), np.zeros(2, dtype=np.float32)
    uploads = [upload(2, 0, 1.0, 5.0), upload(7, 0, -2.0, 0.5)]
    merged = rule.merge(rule.add(None, uploads[0], PLAN), rule.add(None, uploads[1], PLAN))
    other = plain.merge(plain.add(None, uploads[0], PLAN), plain.add(None, uploads[1], PLAN))
    assert np.array_equal(
        rule.apply(state, merged, PLAN, 1.0), plain.apply(state, other, PLAN, 1.0)
    )


def test_weight() -> None:
    assert [staleness_weight(a) for a in (0, 3, 8)] == pytest.approx([1.0, 0.5, 1 / 3])
    assert isinstance(find_rule("staleness_weighted"), StalenessWeighted)

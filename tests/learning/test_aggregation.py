"""Aggregation rules, by hand."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import numpy as np
import pytest

from netsim.errors import InputError
from netsim.learning.aggregation import Average, find_rule
from netsim.learning.gradients import Upload


def upload(samples: int, *update: float) -> Upload:
    return Upload(0, samples, np.array(update, dtype=np.float32), 0.0, 0.0)


def test_average_is_weighted_by_samples() -> None:
    rule = Average()
    partial = rule.add(rule.add(None, upload(1, 4.0, 0.0)), upload(3, 0.0, 8.0))
    state = np.array([10.0, 20.0], dtype=np.float32)
    # means (1*4 + 3*0)/4 = 1 and (1*0 + 3*8)/4 = 6, taken off at rate 0.5
    assert rule.apply(state, partial, 0.5).tolist() == [9.5, 17.0]
    assert state.tolist() == [10.0, 20.0]


def test_average_of_chunks_is_the_average() -> None:
    rule, generator = Average(), np.random.default_rng(0)
    uploads = [upload(int(n), *generator.normal(size=5)) for n in generator.integers(1, 9, 6)]
    left = right = whole = None
    for number, one in enumerate(uploads):
        whole = rule.add(whole, one)
        if number < 4:
            left = rule.add(left, one)
        else:
            right = rule.add(right, one)
    assert left is not None
    assert right is not None
    assert whole is not None
    state = np.ones(5, dtype=np.float32)
    assert np.allclose(
        rule.apply(state, rule.merge(left, right), 1.0), rule.apply(state, whole, 1.0), atol=1e-7
    )


def test_tensors_that_were_not_sent_stay() -> None:
    rule = Average()
    state = np.array([1.0, 2.0, 3.0], dtype=np.float32)
    assert rule.apply(state, rule.add(None, upload(2, 1.0)), 1.0).tolist() == [0.0, 2.0, 3.0]


def test_outside_packages_add_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("mean", "netsim.learning.aggregation:Average", "netsim.aggregations")
    monkeypatch.setattr("netsim.learning.aggregation.entry_points", lambda group: [entry])
    assert isinstance(find_rule("mean"), Average)


def test_unknown_rules_are_named() -> None:
    assert isinstance(find_rule("average"), Average)
    with pytest.raises(InputError, match=r"average.*found 'median'"):
        find_rule("median")

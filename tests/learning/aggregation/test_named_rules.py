"""Aggregation rules by name."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint

import numpy as np
import pytest
import torch

from netsim.errors import InputError
from netsim.learning.aggregation.average import Average
from netsim.learning.aggregation.control_variates import ControlVariates
from netsim.learning.aggregation.named_rules import BUILT_IN, find_rule
from netsim.learning.aggregation.outside_rule import OutsideRule
from netsim.learning.aggregation.rule import LocalRule, PersonalRule, StatefulRule
from netsim.learning.learner import FederatedLearner
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.protocols import Aggregation, Tickets


def test_outside_packages_add_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("mean", "netsim.learning.aggregation.average:Average", "netsim.aggregations")
    monkeypatch.setattr(
        "netsim.learning.aggregation.named_rules.registered", lambda group: {entry.name: entry}
    )
    found = find_rule("mean")
    assert isinstance(found, OutsideRule)
    assert isinstance(found.rule, Average)


def test_outside_rules_keep_their_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """One derived from Ditto's still has UEs train modules of their own."""
    where = "netsim.learning.aggregation.staleness:AverageAndPersonal"
    entry = EntryPoint("mine", where, "netsim.aggregations")
    monkeypatch.setattr(
        "netsim.learning.aggregation.named_rules.registered", lambda group: {entry.name: entry}
    )
    found = find_rule(Aggregation("mine", {"weight": 0.5}))
    assert isinstance(found, PersonalRule)
    assert found.personal_weight == 0.5
    assert not isinstance(found, StatefulRule | LocalRule)


def test_unknown_rules_are_named() -> None:
    assert isinstance(find_rule("average"), Average)
    with pytest.raises(InputError, match=r"average.*found 'median'"):
        find_rule("median")


SIMPLE = [name for name in BUILT_IN if not issubclass(BUILT_IN[name], ControlVariates)]


@pytest.mark.parametrize("name", SIMPLE)  # the other has a part at the UEs
def test_rules_do_not_depend_on_workers_or_on_when_tickets_are_computed(
    name: str, learner: Callable[..., FederatedLearner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "netsim.learning.composition.CHUNK_TOKENS", 64
    )  # several chunks, merged in order
    everybody = np.arange(12)
    tickets = Tickets(
        1,
        everybody,
        np.zeros(12, int),
        np.zeros(12, int),
        1 + everybody % 4,
        staleness=everybody % 3,
    )
    common = {
        "modules": [ModuleSpec(4, 8, ("query", "value"), 0)],
        "training": LocalTraining(2, 0.01),
    }
    one, two, early = (learner(workers=n, **common) for n in (1, 2, 1))
    one.redeem(tickets, name)
    two.redeem(tickets, name)
    assert one.states[0].tobytes() == two.states[0].tobytes()
    early.compute(tickets)
    early.redeem(tickets, name)  # other partial sums: the same to rounding
    scale = np.abs(one.states[0]).max()
    views = [x._layouts[0].views(torch.from_numpy(x.states[0])) for x in (one, early)]
    for a, b in one._layouts[0].pairs():
        left, right = (v[b] @ v[a] for v in views)
        assert (left - right).abs().max() < 1e-5 * scale

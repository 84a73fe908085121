"""Aggregation rules by name, apart from the schemes that name them.

Outside packages add rules by the entry point group `netsim.aggregations`: a class that does what
`Rule` says, made with the parameters that a plan gives it (none where it gives a name alone).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint
from typing import Any

from netsim.errors import InputError, did_you_mean
from netsim.learning.aggregation.average import Average
from netsim.learning.aggregation.control_variates import ControlVariates
from netsim.learning.aggregation.exact_average import (
    Primed,
    RefinedAverage,
    Reorthogonalised,
    ResidualToBase,
    Stacking,
)
from netsim.learning.aggregation.hierarchical import Hierarchical
from netsim.learning.aggregation.outside_rule import outside_rule
from netsim.learning.aggregation.redistribution import Redistribution
from netsim.learning.aggregation.rule import Rule
from netsim.learning.aggregation.server_step import ServerStep
from netsim.learning.aggregation.staleness import AverageAndPersonal, StalenessWeighted
from netsim.learning.aggregation.zero_padding import RetainingZeroPadding, ZeroPadding
from netsim.plugin_members import check_members
from netsim.plugins import registered
from netsim.protocols import Aggregation

GROUP = "netsim.aggregations"
BUILT_IN: dict[str, type[Rule]] = {
    "average": Average,
    "average_and_personal": AverageAndPersonal,
    "zero_padding": ZeroPadding,
    "zero_padding_retaining": RetainingZeroPadding,
    "redistribution": Redistribution,
    "staleness_weighted": StalenessWeighted,
    "server_step": ServerStep,
    "control_variates": ControlVariates,
    "residual_to_base": ResidualToBase,
    "stacking": Stacking,
    "refined_average": RefinedAverage,
    "reorthogonalised": Reorthogonalised,
    "hierarchical": Hierarchical,
    "primed": Primed,
}


def find_rule(aggregation: str | Aggregation) -> Rule:
    """The rule called so, with its parameters: built in, or registered by an outside package.

    Raises InputError if there is none, or if what is registered is no rule.
    """
    aggregation = Aggregation.of(aggregation)
    name = aggregation.name
    parameters = {key: _rule_or_value(value) for key, value in aggregation.parameters.items()}
    if name in BUILT_IN:
        return _made(name, BUILT_IN[name], parameters)
    outside = registered(GROUP)
    if name not in outside:
        known = sorted({*BUILT_IN, *outside})
        rule = f"the aggregation must be one of {', '.join(known)}{did_you_mean(name, known)}"
        raise InputError(rule, value=name)
    return _outside(outside[name], parameters)


def _rule_or_value(value: Any) -> Any:
    """A parameter; where it is a rule of its own, that is made first."""
    return find_rule(value) if isinstance(value, Aggregation) else value


def _made(name: str, rule: type[Rule], parameters: Mapping[str, Any]) -> Rule:
    """A rule with its parameters. Raises InputError if it does not have them."""
    try:
        return rule(**parameters)
    except TypeError as error:
        given = ", ".join(parameters)
        rule_text = f"the aggregation {name} takes no such parameters ({error})"
        raise InputError(rule_text, value=given) from None


def _outside(entry: EntryPoint, parameters: Mapping[str, Any]) -> Rule:
    """A rule of an outside package. Raises InputError, whatever the package raises."""
    where = f"aggregation {entry.name}"
    try:
        found = entry.load()
        check_members(found, Rule, where)
        return outside_rule(entry.name, found(**parameters))
    except InputError:
        raise
    except Exception as error:
        rule = f"{entry.value} cannot be loaded: {type(error).__name__}: {error}"
        raise InputError(rule, where=where) from error

"""Aggregation rules by name, apart from the schemes that name them.

Outside packages add rules by the entry point group `netsim.aggregations`: a class without arguments
that does what `Rule` says.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint

from netsim.errors import InputError, did_you_mean
from netsim.learning.aggregation.average import Average
from netsim.learning.aggregation.outside_rule import OutsideRule
from netsim.learning.aggregation.redistribution import Redistribution
from netsim.learning.aggregation.rule import Rule
from netsim.learning.aggregation.staleness import StalenessWeighted
from netsim.learning.aggregation.zero_padding import RetainingZeroPadding, ZeroPadding
from netsim.plugin_members import check_members
from netsim.plugins import registered

GROUP = "netsim.aggregations"
BUILT_IN: dict[str, type[Rule]] = {
    "average": Average,
    "zero_padding": ZeroPadding,
    "zero_padding_retaining": RetainingZeroPadding,
    "redistribution": Redistribution,
    "staleness_weighted": StalenessWeighted,
}


def find_rule(name: str) -> Rule:
    """The rule called `name`: built in, or registered by an outside package.

    Raises InputError if there is none, or if what is registered is no rule.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]()
    outside = registered(GROUP)
    if name not in outside:
        known = sorted({*BUILT_IN, *outside})
        rule = f"the aggregation must be one of {', '.join(known)}{did_you_mean(name, known)}"
        raise InputError(rule, value=name)
    return _outside(outside[name])


def _outside(entry: EntryPoint) -> Rule:
    """A rule of an outside package. Raises InputError, whatever the package raises."""
    where = f"aggregation {entry.name}"
    try:
        found = entry.load()
        check_members(found, Rule, where)
        return OutsideRule(entry.name, found())
    except InputError:
        raise
    except Exception as error:
        rule = f"{entry.value} cannot be loaded: {type(error).__name__}: {error}"
        raise InputError(rule, where=where) from error

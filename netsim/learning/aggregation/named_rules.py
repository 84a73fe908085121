"""Aggregation rules by name, apart from the schemes that name them.

Outside packages add rules by the entry point group `netsim.aggregations`: a class without arguments
that does what `Rule` says.
"""

from __future__ import annotations

from typing import cast

from netsim.errors import InputError
from netsim.learning.aggregation.average import Average
from netsim.learning.aggregation.redistribution import Redistribution
from netsim.learning.aggregation.rule import Rule
from netsim.learning.aggregation.staleness import StalenessWeighted
from netsim.learning.aggregation.zero_padding import RetainingZeroPadding, ZeroPadding
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
    """The rule called `name`: built in, or registered by an outside package."""
    if name in BUILT_IN:
        return BUILT_IN[name]()
    outside = registered(GROUP)
    if name not in outside:
        known = ", ".join(sorted({*BUILT_IN, *outside}))
        raise InputError(f"the aggregation must be one of {known}", value=name)
    return cast("Rule", outside[name].load()())

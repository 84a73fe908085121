"""The `subscriptions` table: who works on what, and what the plan says about it."""

from __future__ import annotations

import numpy as np

from netsim.protocols import RecordSink
from netsim.simulation.state import Round
from netsim.units import BoolArray


def write_subscriptions(
    sink: RecordSink,
    round_: Round,
    ues: int,
    modules: int,
) -> None:
    """All (UE, module) pairs if the plan gives numbers for them, else the subscribed ones."""
    plan, own = round_.plan, round_.own
    ue, module = round_.uploads.ue[own], round_.uploads.module[own]
    told = {
        "fraction": plan.fraction,
        "success_probability": plan.success_probability,
        "dual": plan.dual,
    }
    known = {name: numbers.ravel() for name, numbers in told.items() if numbers is not None}
    subscribed: BoolArray | bool = True
    if known:
        subscribed = np.zeros(ues * modules, dtype=bool)
        subscribed[ue * modules + module] = True
        ue, module = np.divmod(np.arange(ues * modules), modules)
    columns = {"round": round_.number, "ue": ue, "module": module, "subscribed": subscribed}
    sink.write("subscriptions", {**columns, **known})

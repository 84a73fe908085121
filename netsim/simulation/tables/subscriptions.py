"""The `subscriptions` table: who works on what, and what the plan says about it."""

from __future__ import annotations

import numpy as np

from netsim.protocols import RecordSink
from netsim.simulation.state import Round
from netsim.units import FloatArray


def write_subscriptions(
    sink: RecordSink,
    round_: Round,
    ues: int,
    modules: int,
) -> None:
    """All (UE, module) pairs if the plan gives numbers for them, else the subscribed ones."""
    plan, uploads = round_.plan, round_.uploads
    subscribed = np.zeros((ues, modules), dtype=bool)
    subscribed[uploads.ue[round_.own], uploads.module[round_.own]] = True
    told = (plan.fraction, plan.success_probability, plan.dual)
    every_pair = any(numbers is not None for numbers in told)
    ue, module = np.nonzero(np.ones_like(subscribed) if every_pair else subscribed)

    def of_pairs(numbers: FloatArray | None) -> FloatArray | float:
        return np.nan if numbers is None else numbers[ue, module]

    sink.write(
        "subscriptions",
        {
            "round": round_.number,
            "ue": ue,
            "module": module,
            "subscribed": subscribed[ue, module],
            "fraction": of_pairs(plan.fraction),
            "success_probability": of_pairs(plan.success_probability),
            "dual": of_pairs(plan.dual),
        },
    )

"""Which form of eq. (15) schemes can plan with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

CLOSED = ("ppp", "paper")


def success_faults(scenario: Any) -> Iterator[str]:
    """Rules that join radio.success_model with other keys of a Scenario, where they are broken."""
    form = scenario.radio.success_model
    if form is None:
        return
    chosen = f"radio.success_model = {form}"
    network = scenario.radio.interference == "network"
    if scenario.radio.fading == "block":
        yield f"{chosen} needs radio.fading = round: for blocks lambda is worked out by draws"
    if form in CLOSED and network:
        yield f"{chosen} needs radio.interference = field; use topology"
    if form in CLOSED and not scenario.poisson_field:
        yield (
            f"{chosen} needs topology.kind = ppp and radio.pathloss.kind = power_law without "
            "shadowing; use topology"
        )
    if form == "topology" and scenario.poisson_field and not network:
        yield (
            f"{chosen} needs real sites: with topology.kind = ppp and radio.pathloss.kind = "
            "power_law it is ppp or paper"
        )

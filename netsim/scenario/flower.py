"""Keys of a run that is driven by a Flower app."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from netsim.scenario.section import Positive, Section, key


class FlowerApp(Section):
    """A Flower app in place of the built-in learning: its messages travel over the radio."""

    app: Path | None = key(
        None, "folder with a pyproject.toml that has tool.flwr.app (extra: flower)"
    )
    run_config: str = key(
        "", "replaces values of tool.flwr.app.config, as num-server-rounds=5 lr=0.1"
    )
    bandwidth: Literal["equal", "algorithm1"] = key(
        "equal", "how the nodes of a message share the band: equally, or by Algorithm 1"
    )
    execute: Literal["arrived", "all"] = key(
        "arrived",
        "arrived: a ClientApp whose reply will not arrive is not executed, once the size of such "
        "replies is known; all: every one is, before its upload",
    )
    evaluate_on_air: bool = key(
        False, "evaluate messages take time, band and energy, in rounds of their own"
    )
    evaluate_work: Positive = key(
        1 / 3, "computing for evaluate and query messages, over that for train messages"
    )
    most_bytes: int = key(
        2**31 - 1, "a larger message ends the run; the default is Flower's own", unit="byte", ge=1
    )


def flower_faults(scenario: Any) -> Iterator[str]:
    """Rules that join apps with other keys of a Scenario, where they are broken."""
    if scenario.flower is None:
        return
    if scenario.network_only:
        yield "flower executes apps, which network_only leaves out"
    if scenario.round.late_uploads == "stale":
        yield "flower needs round.late_uploads = drop: a late reply is lost"

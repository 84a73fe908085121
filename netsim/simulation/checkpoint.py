"""What a run must remember at the end of a round, as named parts of arrays and JSON values.

    time_s      of the clock
    course      round, energy, versions of the modules, what evaluations said
    previous    how the last round went, which the next plan may look at
    under_way   uploads that outlast the round, with what they have sent; null where none does
    roaming     who has come and gone, and the handovers under way, where UEs move
    tables      up to where handovers, places and channels are written; probes of the `risk` table

At the end of a round no process is needed any more: UEs wait for the next round to open, which
takes up what is under way, whether the run was interrupted or not. So a run goes on by starting its
processes anew at the time of the clock. What is drawn is keyed by round, and needs no memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from netsim.protocols import RoundOutcome, RoundPlan

State = dict[str, Any]


def plain_outcome(outcome: RoundOutcome | None) -> State | None:
    """A RoundOutcome as arrays and JSON values."""
    return None if outcome is None else asdict(outcome)


def outcome_of(state: Mapping[str, Any] | None) -> RoundOutcome | None:
    """What `plain_outcome` gave, as it was."""
    if state is None:
        return None
    return RoundOutcome(**{**state, "plan": RoundPlan(**state["plan"])})

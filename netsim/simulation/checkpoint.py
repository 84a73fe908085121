"""What a run must remember at the end of a round, as named parts of arrays and JSON values.

    course      round, clock, energy, versions of the modules, what evaluations said
    previous    how the last round went, which the next plan may look at
    in_flight   uploads that outlast the round (`carrying.InFlight`): what they are of, their times,
    how many
                bits are left, what they have done on the air; null where none does
    scheme      the scheme's own memory
    risk        probes and constants of the `risk` table, where it is asked for
    roaming     who has come and gone, and the handovers under way, where UEs move
    logbook     up to where handovers, places and channels are written

At the end of a round no process is needed any more: UEs wait for the next round to open, which
takes up what is under way from `in_flight`, whether the run was interrupted or not. So a run goes
on by starting its processes anew at the time of the clock. What is drawn is keyed by round, and
needs no memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from netsim.protocols import RoundOutcome, RoundPlan

State = dict[str, Any]


def plain_outcome(outcome: RoundOutcome | None) -> State | None:
    """A RoundOutcome as arrays and JSON values."""
    return None if outcome is None else {**plain(outcome), "plan": plain(outcome.plan)}


def outcome_of(state: Mapping[str, Any] | None) -> RoundOutcome | None:
    """What `plain_outcome` gave, as it was."""
    return None if state is None else RoundOutcome(**{**state, "plan": RoundPlan(**state["plan"])})


def plain(record: Any) -> State:
    """The fields of a dataclass by name, as they are."""
    return {field.name: getattr(record, field.name) for field in fields(record)}

"""Uploads that outlast their rounds (late_uploads = stale), from the end of one round into the
next.

The rows of a round are those of its plan and those that were under way when it opened. A row is
over in the round in whose time it ends, up to the moment at which its gNB stops to collect uploads;
all others go on, and are rows of the next round, too. In the tables a row belongs to the round in
which it is over, with all that it took. In the last round what is not over then stops, is late, and
has paid until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from netsim.errors import RunError
from netsim.protocols import RoundPlan, Tickets
from netsim.simulation.airing import rewound
from netsim.simulation.checkpoint import State, plain
from netsim.simulation.clock import Clock
from netsim.simulation.roaming import break_off
from netsim.simulation.state import Airing, Carried, Lineage, Links, RoundState
from netsim.units import BoolArray, FloatArray, IntArray

COLUMNS = (
    "payload_bits",
    "gnb",
    "slot_start_s",
    "slot_end_s",
    "slot_bits",
    "compute_start_s",
    "compute_end_s",
    "compute_done",
    "ready",
    "upload_start_s",
)
"""Those of a RoundState's rows that are theirs whatever the round."""
LINEAGE = ("begun", "opened_s", "download_end_s", "computed_s", "version", "made")
PER_ROW = ("finish_s", "end_s", "bits", "sinr", "attempts", "first_end_s", "outage")
PER_SEGMENT = ("attempt", "start_s", "end_s", "hz", "bits", "gnb", "sinr")


@dataclass(frozen=True)
class InFlight:
    """C rows that go on into the next round, ordered by (ue, module)."""

    plan: RoundPlan  # of them alone
    columns: dict[str, Any]  # [C] each, by the names of COLUMNS
    lineage: Lineage
    rank: IntArray | None  # [C] sent, as in RoundState
    airing: Airing
    standing: dict[str, FloatArray]  # [C] each

    def __len__(self) -> int:
        return len(self.plan.ue)

    def free_share(self, links: Links, now_s: float) -> FloatArray:
        """Part of its gNB's band that they leave to each UE, [K]."""
        rows = np.flatnonzero(~has_ended(self.airing, now_s))
        size = int(links.gnb.max()) + 1
        held = np.bincount(self.columns["gnb"][rows], self.plan.share[rows], minlength=size)
        free = 1.0 - held[links.gnb]
        return np.where(free > 1e-9, free, 0.0)

    def tickets(self, round: int) -> Tickets:
        """What may be redeemed after `round`."""
        plan, lineage = self.plan, self.lineage
        return Tickets(round, plan.ue, plan.module, lineage.version, plan.rank, lineage.begun)

    def state(self) -> State:
        """As arrays."""
        return {
            "plan": {
                name: getattr(self.plan, name)
                for name in ("ue", "module", "share", "power_w", "rank")
            },
            "columns": self.columns,
            "lineage": plain(self.lineage),
            "rank": self.rank,
            "airing": plain(self.airing),
            "standing": self.standing,
        }


def in_flight_of(state: Mapping[str, Any] | None) -> InFlight | None:
    """What `InFlight.state` gave, as it was."""
    if state is None:
        return None
    plan, lineage, airing = (
        RoundPlan(**state["plan"]),
        Lineage(**state["lineage"]),
        Airing(**state["airing"]),
    )
    return InFlight(plan, state["columns"], lineage, state["rank"], airing, state["standing"])


def has_ended(airing: Airing, at_s: FloatArray | float) -> BoolArray:
    """[M] the upload is known to have ended by a time."""
    return np.asarray(airing.end_s <= at_s)


def still_to_come(round_: RoundState) -> BoolArray:
    """[M] uploads that are on the air after the round has opened, or will be."""
    comes = round_.ready.copy()
    if round_.carried is not None:
        comes[round_.carried.row[has_ended(round_.carried.airing, round_.start_s)]] = False
    return comes


# -- into a round --------------------------------------------------------------------------------


def enter(
    clock: Clock,
    round_: RoundState,
    deadline_s: float,
    version: IntArray,
    made: IntArray,
    flight: InFlight | None,
) -> None:
    """Give a round that has just opened its rows' lineage, and `flight` as further rows.

    version, made: of the N modules. Rows stay ordered by (ue, module); no UE has rows of both
    kinds.
    """
    module = round_.plan.module
    round_.lineage = Lineage(
        np.full(len(module), round_.number),
        round_.opened_s,
        round_.download_end_s,
        round_.computed_s,
        version[module],
        made[module],
    )
    if flight is not None:
        _join(clock, round_, flight)
    round_.cut_s = np.full(len(round_.gnbs), np.inf)
    round_.deadline_s = round_.open_s[round_.cell] + deadline_s
    round_.stop_s = np.full(len(round_.ready), np.inf)
    round_.site = round_.gnb


def _join(clock: Clock, round_: RoundState, flight: InFlight) -> None:
    assert round_.lineage is not None
    plan, more = round_.plan, flight.plan
    order = np.lexsort((np.append(plan.module, more.module), np.append(plan.ue, more.ue)))

    def joined(one: Any, other: Any) -> Any:
        return np.concatenate([one, other])[order]

    for name in COLUMNS:
        setattr(round_, name, joined(getattr(round_, name), flight.columns[name]))
    if round_.rank is not None or flight.rank is not None:
        own, theirs = (_ranks(rank, p) for rank, p in ((round_.rank, plan), (flight.rank, more)))
        round_.rank = joined(own, theirs)
    rank = None
    if plan.rank is not None or more.rank is not None:
        rank = joined(_declared(plan), _declared(more))
    columns = {
        name: joined(getattr(plan, name), getattr(more, name))
        for name in ("ue", "module", "share", "power_w")
    }
    round_.plan = replace(plan, **columns, rank=rank)
    names = {
        name: joined(getattr(round_.lineage, name), getattr(flight.lineage, name))
        for name in LINEAGE
    }
    round_.lineage = Lineage(**names)
    round_.sent += [clock.event() for _ in more.ue]
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    round_.carried = Carried(place[len(plan.ue) :], flight.airing, flight.standing)
    _forget(round_)


def _ranks(rank: IntArray | None, plan: RoundPlan) -> IntArray:
    if rank is not None:
        return rank
    return np.full(len(plan.ue), -1) if plan.rank is None else plan.rank


def _declared(plan: RoundPlan) -> IntArray:
    if plan.rank is None and len(plan.ue):
        raise RunError(
            "a scheme whose uploads outlast rounds must give ranks in every round, or in none"
        )
    return np.empty(0, dtype=np.int64) if plan.rank is None else plan.rank


def _forget(round_: RoundState) -> None:
    """What was worked out from the rows as they were."""
    for name in (
        "first",
        "cell",
        "agenda",
        "outcome",
        "cycles",
        "compute_energy_j",
        "segment_energy_j",
        "uplink_energy_j",
    ):
        vars(round_).pop(name, None)


# -- out of a round ------------------------------------------------------------------------------


def leave(round_: RoundState, made: IntArray) -> tuple[RoundState, InFlight | None]:
    """A round that has just ended as its rows that are over, and those that go on.

    made: versions of each of the N modules before what arrived is aggregated.
    """
    assert round_.afloat is not None
    assert round_.lineage is not None
    standing = round_.afloat.halt(round_.end_s)
    round_.lineage.age = made[round_.plan.module] - round_.lineage.made
    done = over(round_)
    goes = np.flatnonzero(~done)
    part = part_of(round_, np.flatnonzero(done))
    part.goes_on = np.bincount(round_.cell[goes], minlength=len(round_.gnbs))
    return part, in_flight(round_, goes, standing)


def stop(round_: RoundState, part: RoundState) -> RoundState:
    """The last round: the rows that did not go on (`part`) and the others, which stop and are
    late.
    """
    assert round_.afloat is not None
    rows = np.flatnonzero(~over(round_))
    stop_computing(round_, rows)
    round_.afloat.stop(rows[round_.ready[rows]])
    idle = rows[~round_.ready[rows]]
    round_.airing = rewound(round_.airing, idle, np.ones_like(idle))
    last = part_of(round_, np.arange(len(round_.ready)))
    last.redeemed = part.redeemed
    return last


def over(round_: RoundState) -> BoolArray:
    """[M] rows that were over when their gNBs stopped to collect."""
    until_s = round_.cut_s[round_.cell]
    return np.where(round_.ready, has_ended(round_.airing, until_s), round_.computed_s <= until_s)


def part_of(round_: RoundState, rows: IntArray) -> RoundState:
    """The round with some of its rows."""
    assert round_.lineage is not None
    part = copy(round_)
    _forget(part)
    for name in (*COLUMNS, "deadline_s", "stop_s", "site"):
        setattr(part, name, getattr(round_, name)[rows])
    part.rank = None if round_.rank is None else round_.rank[rows]
    part.plan = _select(round_.plan, rows)
    part.lineage = Lineage(**{name: getattr(round_.lineage, name)[rows] for name in LINEAGE})
    if round_.lineage.age is not None:
        part.lineage.age = round_.lineage.age[rows]
    part.airing = select_airing(round_.airing, rows)
    part.sent, part.carried = [], None
    return part


def in_flight(
    round_: RoundState, rows: IntArray, standing: Mapping[str, FloatArray]
) -> InFlight | None:
    """Rows that go on, with how far they are, [M] each; None if there are none."""
    if not len(rows):
        return None
    part = part_of(round_, rows)
    assert part.lineage is not None
    part.lineage.age = None
    plan = RoundPlan(
        part.plan.ue, part.plan.module, part.plan.share, part.plan.power_w, part.plan.rank
    )
    return InFlight(
        plan,
        {name: getattr(part, name) for name in COLUMNS},
        part.lineage,
        part.rank,
        part.airing,
        {name: values[rows] for name, values in standing.items()},
    )


def _select(plan: RoundPlan, rows: IntArray) -> RoundPlan:
    return replace(
        plan,
        ue=plan.ue[rows],
        module=plan.module[rows],
        share=plan.share[rows],
        power_w=plan.power_w[rows],
        rank=None if plan.rank is None else plan.rank[rows],
    )


def select_airing(airing: Airing, rows: IntArray) -> Airing:
    """Of some rows, ascending."""
    place = np.full(len(airing.end_s), -1)
    place[rows] = np.arange(len(rows))
    kept = place[airing.segment_row] >= 0
    columns: dict[str, Any] = {name: getattr(airing, name)[rows] for name in PER_ROW}
    for name in PER_SEGMENT:
        values = getattr(airing, f"segment_{name}")
        columns[f"segment_{name}"] = None if values is None else values[kept]
    return Airing(segment_row=place[airing.segment_row[kept]], **columns)


# -- the end of the run --------------------------------------------------------------------------


def stop_computing(round_: RoundState, rows: IntArray) -> None:
    """End downloads and computing of `rows` where their gNBs stop to collect: who is at it is not
    ready.
    """
    until_s = np.full(len(round_.ready), np.inf)
    until_s[rows] = round_.cut_s[round_.cell[rows]]
    busy = round_.computed_s > until_s
    break_off(round_, until_s)
    round_.ready = round_.ready & ~busy
    _forget(round_)

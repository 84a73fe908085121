"""What a moving or recorded run writes at the close of each round: handovers, places, channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from netsim.protocols import RecordSink
from netsim.simulation.air.field import FieldUplink
from netsim.simulation.air.network import NetworkUplink
from netsim.simulation.motion.roaming import Roaming
from netsim.simulation.state import Round
from netsim.simulation.tables.channel import write_field_channel, write_network_channel
from netsim.simulation.tables.handovers import write_handovers, write_newcomers
from netsim.simulation.tables.mobility import write_places
from netsim.simulation.uploads.outcomes import Books

PLACES_PER_ROUND = 8
"""Moments of a round at which a run that is not recorded tells where its UEs are, at most."""


@dataclass
class Logbook:
    """Knows up to where rows have been written."""

    roaming: Roaming
    uplink: FieldUplink | NetworkUplink
    records: bool  # every sample, and channels
    _since_s: float = field(default=0.0, init=False)
    _step: int = field(default=0, init=False)  # of the grid, not yet written

    def close(
        self,
        sink: RecordSink,
        round_: Round,
        books: Books,
    ) -> None:
        """The round has ended."""
        changing = self.roaming.changing
        if changing.moves:
            write_handovers(
                sink,
                self.roaming,
                round_,
                books,
                self._since_s,
            )
            write_newcomers(sink, self.roaming, round_)
            self._since_s = round_.end_s
        if self.records:
            self._record(sink, round_)
        elif changing.moves:
            self._tell_places(sink, round_)
        changing.journey.forget(self.roaming.seen_step)

    def _record(
        self,
        sink: RecordSink,
        round_: Round,
    ) -> None:
        """All that a replay needs, beyond the end, so that one with longer rounds finds its UEs."""
        changing, rules = self.roaming.changing, self.roaming.rules
        deadline_s = float(round_.cells.open_s.max()) + rules.deadline_s
        until = changing.journey.step(max(round_.end_s, deadline_s)) + 2
        write_places(
            sink,
            changing.journey,
            range(self._step, until),
        )
        self._step = max(self._step, until)
        if isinstance(self.uplink, FieldUplink):
            write_field_channel(sink, self.uplink, changing, round_)
        else:
            write_network_channel(sink, self.uplink, changing, round_)

    def _tell_places(
        self,
        sink: RecordSink,
        round_: Round,
    ) -> None:
        """A few moments of the round."""
        journey = self.roaming.changing.journey
        begin, end = journey.step(round_.start_s), journey.step(round_.end_s)
        stride = -(-max(end - begin, 1) // PLACES_PER_ROUND)
        steps = range(
            max(begin, self._step),
            max(end, begin + 1),
            stride,
        )
        write_places(sink, journey, steps)
        self._step = max(end, begin + 1)

    def state(self) -> dict[str, Any]:
        """Up to where it has written."""
        return {"since_s": self._since_s, "step": self._step}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        self._since_s, self._step = state["since_s"], state["step"]

"""What a moving or recorded run writes at the close of each round: handovers, places, and
channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from netsim.protocols import RecordSink
from netsim.radio.fading import CHUNK_BLOCKS
from netsim.simulation.handovers import write_handovers, write_newcomers, write_places
from netsim.simulation.medium import NetworkUplink
from netsim.simulation.roaming import Roaming
from netsim.simulation.state import RoundState
from netsim.simulation.stepping import CHUNK_BLOCKS as CHUNK
from netsim.simulation.stepping import links_fading
from netsim.simulation.uplink import Uplink
from netsim.simulation.world import MediumAir, WorldAir
from netsim.units import FloatArray, IntArray

PLACES_PER_ROUND = 8
"""Moments of a round at which a run that is not recorded tells where its UEs are, at most."""


@dataclass
class Logbook:
    """Writes rows of `handovers`, `mobility` and, if all is recorded, `channel`."""

    roaming: Roaming
    uplink: Uplink | NetworkUplink
    records: bool  # every sample, and channels
    _since_s: float = field(default=0.0, init=False)
    _step: int = field(default=0, init=False)  # of the grid, not yet written

    def close(self, sink: RecordSink, round_: RoundState) -> None:
        """The round has ended."""
        world = self.roaming.world
        journey = world.journey
        if world.moves:
            write_handovers(sink, self.roaming, round_, self._since_s)
            write_newcomers(sink, self.roaming, round_)
            self._since_s = round_.end_s
        if self.records:
            # beyond the end, so that a replay with longer rounds finds its UEs
            deadline_s = float(round_.open_s.max()) + self.roaming.rules.deadline_s
            until = journey.step(max(round_.end_s, deadline_s)) + 2
            write_places(sink, self.roaming, range(self._step, until))
            self._step = max(self._step, until)
            if isinstance(self.uplink, Uplink):
                write_channel(sink, self.uplink, round_)
            else:
                write_network_channel(sink, self.uplink, round_)
        elif world.moves:
            begin, end = journey.step(round_.start_s), journey.step(round_.end_s)
            stride = -(-max(end - begin, 1) // PLACES_PER_ROUND)
            write_places(
                sink, self.roaming, range(max(begin, self._step), max(end, begin + 1), stride)
            )
            self._step = max(end, begin + 1)
        journey.forget(self.roaming.seen_step)

    def state(self) -> dict[str, Any]:
        """Up to where it has written."""
        return {"since_s": self._since_s, "step": self._step}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        self._since_s, self._step = state["since_s"], state["step"]


def write_channel(sink: RecordSink, uplink: Uplink, round_: RoundState) -> None:
    """What every UE that is there would have met in the round, transmitting or not."""
    assert round_.world is not None
    air = WorldAir(round_.world, uplink, round_)
    ue, site = _pairs(round_)
    if uplink.coherence_s is None:
        at = np.concatenate(
            [[round_.start_s], round_.world.changes_s(round_.start_s, round_.end_s)]
        )
        for attempt in range(1, uplink.retransmissions + 2):
            found = air.channel(ue, site, np.full(len(ue), attempt), at)
            _write(sink, at, ue, site, attempt, *found)
        return
    chunks = int((round_.end_s - round_.start_s) // (CHUNK_BLOCKS * uplink.coherence_s)) + 1
    for chunk in range(chunks):
        at = air.block_starts_s(chunk)
        gain, interference = air.channel(ue, site, np.ones_like(ue), at, chunk)
        kept = at < round_.end_s
        _write(sink, at[kept], ue, site, 1, gain[:, kept], interference[:, kept])


def write_network_channel(sink: RecordSink, uplink: NetworkUplink, round_: RoundState) -> None:
    """Gains of every UE that is there to all sites, at the starts of blocks in which they
    change.
    """
    assert round_.world is not None
    air, links = MediumAir(round_.world, uplink.sites), round_.links
    ue = np.arange(len(links)) if links.present is None else np.flatnonzero(links.present)
    every_ue, site = np.repeat(ue, uplink.sites), np.tile(np.arange(uplink.sites), len(ue))
    blocks = int((round_.end_s - round_.start_s) // uplink.coherence_s) + 1
    at: FloatArray = np.asarray(
        round_.start_s + np.arange(blocks) * uplink.coherence_s, dtype=np.float64
    )
    changes = np.append(round_.world.changes_s(round_.start_s, round_.end_s), np.inf)
    new = np.append(True, np.diff(np.searchsorted(changes, at, side="right")) > 0)
    for attempt in range(1, uplink.retransmissions + 2):
        fading: FloatArray | None = None
        for block in range(blocks) if uplink.block_fading else np.flatnonzero(new).tolist():
            chunk, within = divmod(block, CHUNK)
            if uplink.block_fading and within == 0:
                fading = links_fading(
                    uplink, "network_block_fading", CHUNK, len(links), round_.number, chunk
                )
            elif fading is None:
                fading = links_fading(
                    uplink, "network_fading", 1, len(links), round_.number, attempt
                )
            assert fading is not None
            h = fading[within if uplink.block_fading else 0][ue]
            gain = air.total(ue, h, np.full(len(ue), attempt), float(at[block]))
            none = np.full((gain.size, 1), np.nan)
            _write(sink, at[[block]], every_ue, site, attempt, gain.reshape(-1, 1), none)


def _pairs(round_: RoundState) -> tuple[IntArray, IntArray]:
    """(UE, gNB) of every UE that is there, and of those handed over within the round the new one,
    too.
    """
    links = round_.links
    ue = np.arange(len(links)) if links.present is None else np.flatnonzero(links.present)
    site = links.gnb[ue]
    assert round_.world is not None
    for events in round_.world.journey.handovers(round_.start_s, round_.end_s):
        ue, site = np.append(ue, events.ue), np.append(site, events.to_gnb)
    key = np.unique(np.stack([ue, site], axis=1), axis=0)
    return key[:, 0], key[:, 1]


def _write(
    sink: RecordSink,
    at: FloatArray,
    ue: IntArray,
    site: IntArray,
    attempt: int,
    gain: FloatArray,
    interference: FloatArray,
) -> None:
    """Rows in the order of time."""
    sink.write(
        "channel",
        {
            "time_s": np.repeat(at, len(ue)),
            "ue": np.tile(ue, len(at)),
            "gnb": np.tile(site, len(at)),
            "attempt": attempt,
            "gain": gain.T.ravel(),
            "interference_w": interference.T.ravel(),
        },
    )

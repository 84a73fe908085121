"""The `channel` table: what every UE that is there would meet in a round, transmitting or not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from netsim.changing_channel import ChangingChannel, SiteGains
from netsim.protocols import RecordSink
from netsim.radio.fading import CHUNK_BLOCKS, block_starts_s
from netsim.radio.link_rows import LinkRows
from netsim.simulation.air.field import FieldAir, FieldUplink
from netsim.simulation.air.network import NetworkUplink
from netsim.simulation.state import Round, RoundSpan
from netsim.units import FloatArray, IntArray


def write_field_channel(
    sink: RecordSink,
    uplink: FieldUplink,
    changing: ChangingChannel,
    round_: Round,
) -> None:
    """Gains to the serving gNB, and to the new one of UEs handed over, with interference."""
    span = RoundSpan(
        round_.number,
        round_.start_s,
        round_.end_s,
        round_.end_s,
    )
    air = FieldAir(uplink, span, round_.links, changing)
    if air.block_fading:
        _write_blocks(sink, air, round_)
        return
    at = np.append(round_.start_s, changing.changes_s(round_.start_s, round_.end_s))
    for attempt in range(1, uplink.retransmissions + 2):
        links = _links(changing, round_, attempt)
        _write(
            sink,
            at,
            links,
            *air.attempt_channel(links, at),
        )


def _write_blocks(
    sink: RecordSink,
    air: FieldAir,
    round_: Round,
) -> None:
    """Block by block, to the end of the round."""
    assert air.changing is not None
    every = _links(air.changing, round_, attempt=1)
    for block_s in np.unique(air.block_s[every.ue]).tolist():
        links = every.select(air.block_s[every.ue] == block_s)
        length_s = CHUNK_BLOCKS * block_s
        for chunk in range(int((round_.end_s - round_.start_s) // length_s) + 1):
            at = block_starts_s(round_.start_s, chunk, block_s)
            gain, interference_w = air.chunk_channel(links, chunk, block_s)
            kept = at < round_.end_s
            _write(
                sink,
                at[kept],
                links,
                gain[:, kept],
                interference_w[:, kept],
            )


def _links(
    changing: ChangingChannel,
    round_: Round,
    attempt: int,
) -> LinkRows:
    """UEs that are there to their gNBs, and those handed over within the round to the new one."""
    ue = round_.links.ues_present
    site = round_.links.gnb[ue]
    for events in changing.journey.handovers(round_.start_s, round_.end_s):
        ue, site = np.append(ue, events.ue), np.append(site, events.to_gnb)
    pairs = np.unique(np.stack([ue, site], axis=1), axis=0)
    return LinkRows(
        ue=pairs[:, 0],
        site=pairs[:, 1],
        attempt=np.full(len(pairs), attempt),
        begun_round=np.full(len(pairs), round_.number),
    )


def write_network_channel(
    sink: RecordSink, uplink: NetworkUplink, changing: ChangingChannel, round_: Round
) -> None:
    """Gains to all sites, at the starts of blocks in which they change."""
    gains, ue = SiteGains(changing, uplink.sites), round_.links.ues_present
    links = LinkRows(
        ue=np.repeat(ue, uplink.sites),
        site=np.tile(np.arange(uplink.sites), len(ue)),
        attempt=np.ones(len(ue) * uplink.sites, dtype=np.int64),
        begun_round=np.full(len(ue) * uplink.sites, round_.number),
    )
    for attempt in range(1, uplink.retransmissions + 2):
        links.attempt[:] = attempt
        for time_s, fading in _block_fading(uplink, changing, round_, attempt):
            gain = gains.total(
                ue,
                np.full(len(ue), attempt),
                fading[ue],
                time_s,
            )
            unknown = np.full((gain.size, 1), np.nan)
            _write(
                sink,
                np.array([time_s]),
                links,
                gain.reshape(-1, 1),
                unknown,
            )


def _block_fading(
    uplink: NetworkUplink, changing: ChangingChannel, round_: Round, attempt: int
) -> Iterator[tuple[float, FloatArray]]:
    """(start, |h|^2 of all UEs to all sites [K, S]) of the blocks in which gains change."""
    span_s = round_.end_s - round_.start_s
    fading = uplink.fading_of(round_.number, round_.links)
    blocks = np.arange(int(span_s // fading.block_s) + 1)
    at = np.asarray(round_.start_s + blocks * fading.block_s, dtype=np.float64)
    if uplink.block_fading:
        yield from zip(at.tolist(), map(fading.in_block, blocks.tolist()), strict=True)
        return
    held = uplink.fading.of_attempt(
        round_.number,
        attempt,
        len(round_.links),
    )
    changes = np.append(changing.changes_s(round_.start_s, round_.end_s), np.inf)
    passed: IntArray = np.searchsorted(changes, at, side="right")
    for block in np.flatnonzero(np.append(True, np.diff(passed) > 0)).tolist():
        yield float(at[block]), held


def _write(
    sink: RecordSink,
    at_s: FloatArray,
    links: LinkRows,
    gain: FloatArray,
    interference_w: FloatArray,
) -> None:
    """Values [R, T] of links at times [T], in the order of time."""
    columns = {
        "time_s": np.repeat(at_s, len(links)),
        "ue": np.tile(links.ue, len(at_s)),
        "gnb": np.tile(links.site, len(at_s)),
        "attempt": np.tile(links.attempt, len(at_s)),
        "gain": gain.T.ravel(),
        "interference_w": interference_w.T.ravel(),
    }
    sink.write("channel", columns)

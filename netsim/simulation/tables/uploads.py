"""The `uploads` table: one row per upload, in the round in which it is over."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from netsim.arrays import divided
from netsim.protocols import RecordSink
from netsim.simulation.tables.closed import ClosedRound
from netsim.simulation.uploads.table import Uploads
from netsim.units import to_db


def write_uploads(sink: RecordSink, closed: ClosedRound) -> None:
    """Rows of UEs that were ready. What was sent in vain stays in the records."""
    round_, books = closed.round, closed.books
    ready = closed.ready
    uploads = books.uploads.select(ready)
    cell = closed.cell[ready]
    links, cells = round_.links, round_.cells
    on_air_s = books.summed(books.segments.length_s)[ready]
    bits = books.summed(books.segments.bits)[ready]
    sink.write(
        "uploads",
        {
            "round": round_.number,
            "begun": uploads.begun_round,
            "ue": uploads.ue,
            "gnb": uploads.gnb,
            "module": uploads.module,
            "payload_bits": uploads.payload_bits,
            "payload_emulated": closed.payloads.emulated[uploads.module],
            "rank": uploads.rank_sent,
            "bandwidth_hz": closed.bandwidth_hz * uploads.share,
            "drawn_w": books.drawn_w[ready],
            "distance_m": links.distance_m[uploads.ue],
            "rate_bps": divided(bits, on_air_s, on_air_s > 0),  # 0 of one that never was on the air
            "bits_sent": bits,
            "attempts": uploads.attempt,
            "start_s": uploads.upload_start_s,
            "end_s": uploads.end_s,
            "deadline_s": uploads.deadline_s,
            "download_s": uploads.downloaded_s - uploads.opened_s,
            "compute_s": uploads.computed_s - uploads.downloaded_s,
            "wait_s": uploads.upload_start_s - uploads.computed_s,
            "airtime_s": uploads.end_s - uploads.upload_start_s,
            "retransmit_s": uploads.end_s - uploads.first_end_s,
            "backhaul_s": cells.arrive_s[cell] - cells.close_s[cell],
            "staleness": books.staleness[ready],
            "energy_j": books.uplink_energy_j[ready],
            "outcome": books.outcome[ready],
            **_on_the_air(uploads),
        },
    )


def _on_the_air(uploads: Uploads) -> dict[str, NDArray[Any]]:
    """How loud they were, and what disturbed them."""
    return {
        "power_w": uploads.power_w,
        "sinr_db": to_db(uploads.sinr),
        "truncated": uploads.truncated,
        "noise": uploads.noise,
    }

"""What a round asks of the learner: training before the uplink, and new versions of modules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from netsim.protocols import Learner
from netsim.simulation.state import Payloads, Round
from netsim.simulation.uploads.outcomes import Books
from netsim.simulation.uploads.table import NO_RANK
from netsim.simulation.uploads.under_way import UnderWay, tickets_of
from netsim.units import IntArray


def train_before_uplink(learner: Learner, round_: Round, payloads: Payloads) -> None:
    """Train what will be sent, where training decides how much that is."""
    uploads = round_.uploads
    rows = np.flatnonzero(uploads.ready & (uploads.trained > 0))
    tickets = tickets_of(uploads.select(rows), round_.number)
    found = learner.compute(tickets, round_.plan.aggregation)
    uploads.amplitude[rows] = found.amplitude
    uploads.rank_sent = np.full(len(uploads), NO_RANK)
    uploads.rank_sent[rows] = found.rank
    sent = replace(round_.plan.select(rows), rank=found.rank)
    uploads.payload_bits[rows] = sent.up_bits(payloads.size_of)


def aggregate(
    learner: Learner | None,
    round_: Round,
    books: Books,
    *,
    under_way: UnderWay | None,
    versions: IntArray,
    stale: bool,
) -> IntArray:
    """Make new versions of the modules that updates have come for, whose numbers are given.

    versions [N]: how many each module has had. stale: old updates count less.
    """
    arrived = books.uploads.module[books.learnt]
    changed = np.bincount(arrived).nonzero()[0]
    if learner is None or not len(changed):
        return changed
    uploads = books.uploads.select(books.learnt)
    rule = round_.plan.aggregation
    if stale and rule == "average":
        rule = "staleness_weighted"
    kept = None if under_way is None else under_way.tickets(round_.number)
    planned = tickets_of(round_.uploads.select(round_.own), round_.number)
    tickets = replace(tickets_of(uploads, round_.number, versions), planned=planned)
    round_.redeemed = learner.redeem(tickets, rule, kept)
    return changed

"""The table of uploads: one row for each that is planned, under way or just over.

A row is made when the round that plans it opens, and stays until the round in which it is over.
Where uploads may not outlast their rounds no row is left at the end of a round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.arrays import ArrayTable, column
from netsim.protocols import WHOLE
from netsim.radio.noma import ALONE
from netsim.units import BoolArray, FloatArray, IntArray

NO_RANK = -1
"""Stands for the module's own rank, or for a UE that has sent nothing."""


@dataclass(kw_only=True)
class Uploads(ArrayTable):
    """M uploads, ordered by (ue, module). Times in s, sizes in bit."""

    # what was planned
    serial: IntArray  # names the upload in the log of segments
    ue: IntArray
    leads: BoolArray  # the first of the UE's rows in its plan
    module: IntArray
    gnb: IntArray  # in whose books it is: the one that served the UE when the round opened
    begun_round: IntArray = column(0)  # the round that planned it
    version: IntArray = column(0)  # of the module that the UE downloads: the round that made it
    versions_before: IntArray = column(0)  # how many versions of the module had been made by then
    rank: IntArray  # trained; NO_RANK: the module's own
    rank_sent: IntArray
    trained: IntArray = column(WHOLE)  # parts of the module
    sent: IntArray = column(WHOLE)  # likewise
    pruned: FloatArray = column(0.0)  # part of the model's neurons that is left out
    work: FloatArray = column(1.0)  # over that of training the whole module once
    down_bits: FloatArray = column(np.nan)  # to be heard
    payload_bits: FloatArray
    share: FloatArray  # of the gNB's band, as planned
    power_w: FloatArray
    left_bits: FloatArray  # of this attempt
    partner: IntArray = column(ALONE)  # UE on the same band (radio/noma)
    band: FloatArray  # share of that gNB's band, now
    site: IntArray  # gNB that it is sent to; another than `gnb` after a handover

    # when things happen
    opened_s: FloatArray  # the round that planned it began at its gNB
    slot_start_s: FloatArray  # the module's broadcast
    slot_end_s: FloatArray
    slot_bits: FloatArray  # heard of it
    compute_start_s: FloatArray
    compute_end_s: FloatArray  # done, or stopped at the limit
    compute_done: FloatArray  # fraction of the work
    downloaded_s: FloatArray  # the UE begins to compute the first of its modules
    computed_s: FloatArray  # the UE has computed all its modules, or gives up
    access_s: FloatArray = column(0.0)  # from when it may start to its first data
    ready: BoolArray  # all its modules are computed in time; others are never sent
    upload_start_s: FloatArray
    deadline_s: FloatArray = column(np.nan)  # of the round in progress
    stop_s: FloatArray = column(np.inf)  # sending ends here at the latest

    # how far it is on the air
    over: BoolArray = column(False)  # nothing more will be sent
    level: FloatArray = column(np.nan)  # part of its UE's interference; NaN: to be worked out
    attempt: IntArray = column(1)  # 1, 2, ...
    start_s: FloatArray = column(np.nan)  # it goes on from here
    airtime_s: FloatArray = column(0.0)  # of this attempt
    sinr_time: FloatArray = column(0.0)  # integral of the SINR, or of its inverse, over it
    learnt: FloatArray = column(np.nan)  # by link adaptation; NaN: nothing yet
    usable: BoolArray = column(False)  # some block of this attempt could carry bits
    circuit_s: FloatArray = column(0.0)  # of its UE's circuits it answered for in earlier rounds
    # of over-the-air aggregation (radio/superposition); NaN: each upload has its own band
    amplitude: FloatArray = column(np.nan)  # of what is sent; NaN: in proportion to D_k
    noise: FloatArray = column(np.nan)  # deviation on each number of the sum
    segment_start_s: FloatArray = column(np.nan)  # the band has been as it is since then
    segment_bits: FloatArray = column(0.0)  # sent since then
    # of the last attempt that has ended, or of the one in progress as far as is known
    unsummed: BoolArray = column(False)  # through, but the sum it is in cannot be unmasked
    sinr: FloatArray = column(np.nan)  # at its start, or over its airtime
    outage: BoolArray = column(False)
    finish_s: FloatArray = column(np.inf)  # the whole payload is through; inf if never
    end_s: FloatArray = column(np.nan)  # sending ended; NaN before
    first_end_s: FloatArray = column(np.nan)  # end of the first attempt

    def __len__(self) -> int:
        return len(self.ue)

    @property
    def live(self) -> IntArray:
        """Rows that are on the air or wait for it."""
        return (self.ready & ~self.over).nonzero()[0]

    @property
    def truncated(self) -> BoolArray:
        """[M] silent, while others of its sum were heard or could have been."""
        return self.outage & ~np.isnan(self.noise)

    @property
    def trained_rank(self) -> IntArray | None:
        """[M] ranks that UEs train; None if they all train the modules' own."""
        known = self.rank != NO_RANK
        return self.rank if known.any() else None

    def ended_by(self, time_s: FloatArray | float) -> BoolArray:
        """[M] the upload ended at `time_s` or before."""
        return np.asarray(self.over & (self.end_s <= time_s))

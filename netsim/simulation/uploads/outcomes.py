"""How uploads ended, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from netsim.device.circuits import circuit_part
from netsim.device.energy import compute_energy_j, transmit_energy_j
from netsim.device.fleet import Fleet
from netsim.device.power import radio_energy_j
from netsim.records import ABORTED, LATE, ON_TIME, OUTAGE
from netsim.simulation.uploads.segments import SegmentLog, Segments, segments_of
from netsim.simulation.uploads.table import Uploads
from netsim.units import BoolArray, FloatArray, IntArray

NOT_READY = -1
"""Stands for an outcome where the UE had not computed in time."""


def arrived_by(uploads: Uploads, rows: IntArray, cut_s: float) -> IntArray:
    """Those of `rows` that were through, in no outage, when their gNB stopped collecting."""
    return np.asarray(rows[outcomes(uploads, cut_s, rows) == ON_TIME])


def outcomes(
    uploads: Uploads, cut_s: FloatArray | float, rows: IntArray | slice = slice(None)
) -> IntArray:
    """Outcome codes of `rows` [R]; outage outranks late. What has not ended by `cut_s` is late."""
    finish_s, stop_s = uploads.finish_s[rows], uploads.stop_s[rows]
    outcome = np.where(finish_s <= cut_s, ON_TIME, LATE)
    outcome[uploads.outage[rows]] = OUTAGE
    broken = (stop_s < uploads.deadline_s[rows]) & ~(finish_s <= stop_s)
    outcome[broken | uploads.unsummed[rows]] = ABORTED
    outcome[~uploads.ready[rows]] = NOT_READY
    return outcome


@dataclass(frozen=True)
class Books:
    """Uploads that are over in a round, with what they did and cost. M rows, L segments."""

    uploads: Uploads
    outcome: IntArray  # [M] codes; NOT_READY where nothing was sent
    staleness: IntArray  # [M] versions of the module made since its download
    segments: Segments
    segment_row: IntArray  # [L]
    segment_energy_j: FloatArray  # [L]
    cycles: FloatArray  # [M] of the processor
    drawn_w: FloatArray  # [M] while sending, the mean
    receive_energy_j: FloatArray  # [M] of all of the UE's modules, at the first of them
    wait_energy_j: FloatArray  # [M] likewise
    compute_energy_j: FloatArray  # [M] in proportion to the work done

    @cached_property
    def uplink_energy_j(self) -> FloatArray:
        """[M] over all attempts."""
        return self.summed(self.segment_energy_j)

    @cached_property
    def on_time(self) -> BoolArray:
        """[M]."""
        return np.asarray(self.outcome == ON_TIME)

    @cached_property
    def learnt(self) -> BoolArray:
        """[M] it counted, and something was trained for it."""
        return self.on_time & (self.uploads.trained > 0)

    @property
    def energy_j(self) -> float:
        """Of all rows."""
        return float(self.spent_j.sum())

    @cached_property
    def spent_j(self) -> FloatArray:
        """[M]."""
        radio_j = self.receive_energy_j + self.wait_energy_j
        return self.compute_energy_j + self.uplink_energy_j + radio_j

    def summed(self, values: FloatArray) -> FloatArray:
        """Sums [M] over the segments' values [L]."""
        total = np.bincount(
            self.segment_row,
            weights=values,
            minlength=len(self.uploads),
        )
        return np.asarray(total, dtype=np.float64)


def books_of(
    uploads: Uploads,
    log: SegmentLog,
    cut_s: FloatArray,
    *,
    circuit_s: FloatArray | None,
    versions: IntArray,
    fleet: Fleet,
) -> Books:
    """The books of uploads that are over, [M].

    cut_s [M]: when their gNBs stopped collecting. circuit_s [M]: how long they answer for their
    UEs' circuits; None: these draw nothing. versions [N]: how many each module has had by the end
    of the round, before what arrived is aggregated.
    """
    segments, row = segments_of(uploads, log)
    power = fleet.power
    part: FloatArray | float = 1.0
    if circuit_s is not None:
        part = circuit_part(circuit_s, row, segments.length_s)
    drawn_w = power.drawn_w(uploads.power_w, part)
    segment_energy_j = transmit_energy_j(drawn_w[row], segments.length_s)
    receive_j, wait_j = radio_energy_j(uploads, power, until_s=uploads.upload_start_s)
    ue = uploads.ue
    cycles = fleet.cycles[ue] * uploads.compute_done * uploads.work
    return Books(
        uploads=uploads,
        outcome=outcomes(uploads, cut_s),
        staleness=versions[uploads.module] - uploads.versions_before,
        segments=segments,
        segment_row=row,
        segment_energy_j=segment_energy_j,
        drawn_w=drawn_w,
        receive_energy_j=receive_j,
        wait_energy_j=wait_j,
        cycles=cycles,
        compute_energy_j=compute_energy_j(
            cycles,
            fleet.cpu_hz[ue],
            fleet.energy_coefficient[ue],
        ),
    )

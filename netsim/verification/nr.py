"""The NR link layer: sizes and efficiencies of the standard, goodput below Shannon, HARQ's gain.

Sizes and efficiencies are compared with what TS 38.214 and TS 38.104 print. Goodput and HARQ are
drawn slot by slot and compared with the formulas that the simulator uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from netsim import rng
from netsim.radio.nr.adaptation import highest_scheme
from netsim.radio.nr.goodput import NrLink, goodput_table, nearest_entry, sinr_grid_db
from netsim.radio.nr.harq import Harq, expected_transmissions, still_lost
from netsim.radio.nr.lookup import drawn_bps, expected_bps, lookup_of
from netsim.radio.nr.schemes import SchemeTable
from netsim.radio.nr.transport import transport_block_bits
from netsim.units import FloatArray, from_db, to_db
from netsim.verification.law import Effort, Law, mean

# TS 38.104 (v17) Tables A.1-1 and A.2-1, reference measurement channels with 12 data symbols:
# resource blocks, scheme of table 1, payload in bit.
REFERENCE_CHANNELS = (
    (25, 4, 2152),
    (11, 4, 984),
    (106, 4, 9224),
    (51, 4, 4352),
    (24, 4, 2088),
    (25, 16, 9224),
    (11, 16, 4032),
    (106, 16, 38936),
    (51, 16, 18960),
    (24, 16, 8968),
)

SINRS_DB = (-5.0, 0.0, 5.0, 10.0, 15.0, 20.0)
_BLOCKS = 51
_SLOTS = 200  # in each round of the effort


def nr_transport_blocks(effort: Effort) -> Sequence[Law]:
    """Transport-block sizes of the reference measurement channels, bit."""
    table = SchemeTable(1)
    rows = []
    for blocks, scheme, payload in REFERENCE_CHANNELS:
        elements = np.array(12 * 12 * blocks)
        size = transport_block_bits(
            elements,
            table.order[scheme],
            table.code_rate[scheme],
        )
        rows.append(
            _exact(
                "NR transport block, bit",
                f"{blocks} blocks, MCS {scheme}",
                float(size),
                float(payload),
            )
        )
    return rows


def nr_efficiencies(effort: Effort) -> Sequence[Law]:
    """Bits per resource element of every scheme of table 1, on 273 resource blocks: Q_m R."""
    table = SchemeTable(1)
    elements = 156 * 273
    size = transport_block_bits(
        np.array(elements),
        table.order,
        table.code_rate,
    )
    return [
        _exact(
            "NR spectral efficiency",
            f"MCS {scheme}, Q = {table.order[scheme]}, R = {1024 * table.code_rate[scheme]:g}/1024",
            float(size[scheme] / elements),
            float(table.efficiency[scheme]),
            allowed=float(table.efficiency[scheme]) / 64,  # sizes are quantised to 1/64
        )
        for scheme in range(len(table))
    ]


def nr_goodput(effort: Effort) -> Sequence[Law]:
    """Goodput on 51 blocks with drawn errors, bit/s/Hz, and its part of Shannon's capacity."""
    link = NrLink()
    bandwidth_hz = _BLOCKS * link.grid.block_hz
    sinr = np.broadcast_to(from_db(np.array(SINRS_DB)), (1, len(SINRS_DB)))
    known = sinr * from_db(1.0)  # a little too hopeful, so that HARQ has work
    blocks = np.array([_BLOCKS])
    expected = expected_bps(link, blocks, sinr, known)[0] / bandwidth_hz
    lookup = lookup_of(link)
    table = lookup.tables(blocks)
    full = lookup.full_bps(table, lookup.scheme(table, nearest_entry(known[0]))) / bandwidth_hz
    drawn = []
    for number in range(effort.networks):
        generator = rng.stream(effort.seed, "verify_nr_goodput", number)
        rates = drawn_bps(
            expected,
            full,
            _SLOTS,
            generator.random(len(SINRS_DB)),
        )
        drawn.append(rates)
    values, errors = mean(np.array(drawn))
    capacity = np.log2(1 + sinr[0])
    rows = [
        Law(
            family="NR goodput, bit/s/Hz",
            case=f"SINR {sinr_db:g} dB",
            estimator="drawn errors",
            estimate=float(values[index]),
            standard_error=float(errors[index]),
            closed_form=float(expected[index]),
            allowed=1e-12,
            probability=False,
            note=f"Shannon {capacity[index]:.3f}",
        )
        for index, sinr_db in enumerate(SINRS_DB)
    ]
    return [*rows, _largest_part_of_shannon(link)]


def _largest_part_of_shannon(link: NrLink) -> Law:
    """At the SINR where the link comes nearest to capacity; it must stay below 1."""
    table = goodput_table(link, _BLOCKS)
    chosen = highest_scheme(table.lost[0])
    rate = table.rate_bps[chosen, np.arange(len(chosen))]
    grid_db = sinr_grid_db()
    capacity = _BLOCKS * link.grid.block_hz * np.log2(1 + from_db(grid_db))
    part = rate / capacity
    best = int(np.argmax(part))
    return Law(
        family="NR goodput over Shannon",
        case=f"largest, at {grid_db[best]:.1f} dB",
        estimator="all SINRs",
        estimate=float(part[best]),
        standard_error=0.0,
        closed_form=0.5,
        allowed=0.5,
        probability=False,
        note="must lie in 0..1",
    )


def nr_harq(effort: Effort) -> Sequence[Law]:
    """Slots that complete a transport block, (1 - p) / E[T], and the gain of chase combining."""
    rows = []
    for combining in ("chase", "incremental"):
        harq = Harq(combining)
        for offset_db in (-4.0, -2.0, 0.0):
            lost = _lost(harq, offset_db)
            completed = [
                _completed_slots(effort, number, lost) / _SLOTS for number in range(effort.networks)
            ]
            value, error = mean(np.array(completed))
            rows.append(
                Law(
                    family="NR HARQ, completed per slot",
                    case=f"{combining}, {offset_db:+g} dB of the 50% point",
                    estimator="slot by slot",
                    estimate=float(value),
                    standard_error=float(error),
                    closed_form=float((1 - lost[-1]) / expected_transmissions(lost)),
                )
            )
    rows += [_chase_gain(number) for number in (2, 3, 4)]
    return rows


_HALF_DB = 6.1
"""About where 16-QAM of rate 1/2 loses half of the blocks of 100 bit, dB."""


def _lost(harq: Harq, offset_db: float) -> FloatArray:
    """P(block of 100 bit in 16-QAM of rate 1/2 lost after m transmissions). [m]."""
    sinr_db = np.array(_HALF_DB + offset_db)
    errors = harq.block_errors(
        sinr_db,
        4,
        np.array(0.5),
        np.array(100.0),
    )
    return still_lost(errors, harq.combining)


def _completed_slots(
    effort: Effort,
    number: int,
    lost: FloatArray,
) -> int:
    """Slots of one round that complete a block; each carries the next transmission of one.

    A block is completed by transmission m with the conditional probability that it is still lost
    after m, given that it was after m - 1. The first block starts before the round.
    """
    before = np.concatenate([[1.0], lost[:-1]])
    fails = np.divide(
        lost,
        before,
        out=np.ones_like(lost),
        where=before > 0,
    )
    draws = rng.stream(effort.seed, "verify_nr_harq", number).random(2 * _SLOTS)
    transmission = 0
    completed = 0
    for slot, draw in enumerate(draws.tolist()):
        failed = draw < fails[transmission]
        completed += not failed and slot >= _SLOTS
        transmission = (transmission + 1) % len(lost) if failed else 0
    return completed


def _chase_gain(number: int) -> Law:
    """How many dB less SINR half of the blocks need after `number` transmissions: 10 log10."""
    sinr_db = np.linspace(-10.0, 20.0, 3001)
    errors = Harq("chase").block_errors(
        sinr_db,
        4,
        np.array(0.5),
        np.array(4000.0),
    )
    half_db = [float(np.interp(-0.5, -error, sinr_db)) for error in errors]
    return _exact(
        "NR HARQ gain, dB",
        f"chase combining, {number} transmissions",
        half_db[0] - half_db[number - 1],
        float(to_db(float(number))),
        allowed=0.05,
    )


def _exact(
    family: str,
    case: str,
    found: float,
    expected: float,
    allowed: float = 0.0,
) -> Law:
    """A law without chance."""
    return replace(
        Law(
            family,
            case,
            "computed",
            found,
            0.0,
            expected,
        ),
        allowed=allowed,
        probability=False,
    )

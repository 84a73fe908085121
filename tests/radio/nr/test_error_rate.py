"""Error rate of code blocks: against Sionna SYS's tables where it is installed, and its laws."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from netsim.radio.nr.error_rate import (
    code_block_error,
    transport_block_error,
)
from netsim.radio.nr.information import information_curve, sinr_grid_db
from netsim.radio.nr.schemes import SchemeTable
from netsim.units import FloatArray

SINR_DB = np.linspace(-15, 40, 1101)

# MCS index tables 1 and 2 for PUSCH with transform precoding (TS 38.214 Table 6.1.4.1-1), from
# MCS 3 on, where they are QPSK: Sionna made its PUSCH tables for these.
PRECODED = {
    **dict(enumerate([(2, r) for r in (251, 308, 379, 449, 526, 602, 679)], 3)),
    **dict(enumerate([(4, r) for r in (340, 378, 434, 490, 553, 616, 658)], 10)),
    **dict(
        enumerate([(6, r) for r in (466, 517, 567, 616, 666, 719, 772, 822, 873, 910, 948)], 17)
    ),
}


def _plain(number: int) -> dict[int, tuple[int, float]]:
    table = SchemeTable(number)
    rates = (1024 * table.code_rate).tolist()
    return dict(enumerate(zip(table.order.tolist(), rates, strict=True)))


def _point_db(sinr_db: FloatArray, error: FloatArray, target: float = 0.1) -> float:
    """SINR at which the error falls to the target, by interpolation of the normal quantile."""
    after = int(np.flatnonzero(error <= target)[0])
    # counts of some 1,000 blocks: what is all lost or all received says no more than this
    pair = np.clip(error[after - 1 : after + 1], 2e-4, 0.9985)
    low, high = norm.isf(pair)
    part = (norm.isf(target) - low) / (high - low)
    return float(sinr_db[after - 1] + part * (sinr_db[after] - sinr_db[after - 1]))


def _model_db(order: int, rate: float, bits: float) -> float:
    error = code_block_error(SINR_DB, order, np.array(rate), np.array(bits))
    return float(np.interp(-0.1, -error, SINR_DB))


@pytest.mark.skipif(find_spec("sionna") is None, reason="Sionna (sionna-no-rt) is not installed")
@pytest.mark.parametrize(
    ("name", "schemes", "least"),
    [
        ("PUSCH_table1", PRECODED, 75),
        ("PDSCH_table1", _plain(1), 78),
        ("PDSCH_table2", _plain(2), 75),
    ],
)
def test_within_half_a_db_of_sionna(
    name: str, schemes: dict[int, tuple[int, float]], least: int
) -> None:
    """SINR of 10% errors at 500, 1000 and 2000 bit: of every scheme that Sionna SYS tabulates."""
    spec = find_spec("sionna")
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).parent / "sys" / "bler_tables" / f"{name}.json"
    index = json.loads(file.read_text())["category"]
    (by_table,) = index.values()
    ((_, by_scheme),) = by_table["index"].items()
    misses = {}
    for scheme, entry in by_scheme["MCS"].items():
        sinr_db = np.array(entry["SNR_db"])
        order, rate = schemes[int(scheme)]
        for bits in ("500", "1000", "2000"):
            error = np.array(entry["CBS"][bits]["BLER"])
            ours = _model_db(order, rate / 1024, float(bits))
            if error.min() > 0.1:  # their SINRs end before
                assert ours > sinr_db[-1] - 0.5
                continue
            misses[scheme, bits] = ours - _point_db(sinr_db, error)
    assert len(misses) >= least
    assert max(map(abs, misses.values())) < 0.5, misses
    assert abs(np.mean(list(misses.values()))) < 0.1


def test_information_has_its_known_values() -> None:
    """QPSK at 0 dB has 0.486 bit per amplitude; at high SINR all bits, at low SINR log2(1 + s)."""
    qpsk = information_curve(2)
    bits, variance = qpsk.at(np.array([0.0, -20.0, 30.0]))
    np.testing.assert_allclose(bits, [0.9719, np.log2(1.01), 2.0], rtol=2e-3)
    assert variance[2] < 1e-6
    for order in (2, 4, 6, 8):
        curve = information_curve(order)
        shannon = np.log2(1 + 10 ** (sinr_grid_db() / 10))
        assert (curve.bits <= np.minimum(shannon, order) + 1e-3).all()
        assert (np.diff(curve.bits) >= 0).all()


def test_errors_fall_with_sinr_and_grow_with_the_rate() -> None:
    low = code_block_error(SINR_DB, 4, np.array(0.4), np.array(2000.0))
    high = code_block_error(SINR_DB, 4, np.array(0.6), np.array(2000.0))
    assert (np.diff(low) <= 1e-12).all()
    assert (low <= high).all()
    assert low[0] == pytest.approx(1)
    assert low[-1] < 1e-9


def test_long_blocks_are_steeper() -> None:
    short = code_block_error(SINR_DB, 2, np.array(0.5), np.array(100.0))
    long = code_block_error(SINR_DB, 2, np.array(0.5), np.array(8448.0))

    def width_db(error: FloatArray) -> float:
        return float(np.interp(-0.1, -error, SINR_DB) - np.interp(-0.9, -error, SINR_DB))

    assert width_db(long) < 0.2 * width_db(short)


def test_repetition_below_the_lowest_code_rate() -> None:
    """Rate 1/10 is the code of rate 1/5, sent twice: 3 dB."""
    code = _model_db(2, 0.2, 1000)
    assert _model_db(2, 0.1, 1000) == pytest.approx(code - 3.0103, abs=0.01)


def test_transport_blocks_need_all_their_code_blocks() -> None:
    error = np.array([0.0, 0.01, 0.5, 1.0])
    np.testing.assert_allclose(
        transport_block_error(error, np.array(3)), 1 - (1 - error) ** 3, atol=1e-12
    )

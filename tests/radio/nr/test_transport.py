"""MCS tables and transport-block sizes against numbers of the standards."""

from __future__ import annotations

import numpy as np
import pytest

from netsim.errors import InputError
from netsim.radio.nr.schemes import SchemeTable
from netsim.radio.nr.transport import SMALL_SIZES, code_blocks, transport_block_bits

# TS 38.104 (v17) Tables A.1-1 and A.2-1: resource blocks, MCS of table 1, payload size in bit; 12
# data symbols.
REFERENCE_CHANNELS = [
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
]

# Spectral efficiencies as printed in TS 38.214 Table 5.1.3.1-1.
PRINTED = [
    *(0.2344, 0.3066, 0.3770, 0.4902, 0.6016, 0.7402, 0.8770, 1.0273, 1.1758, 1.3262),
    *(1.3281, 1.4766, 1.6953, 1.9141, 2.1602, 2.4063, 2.5703),
    *(2.5664, 2.7305, 3.0293, 3.3223, 3.6094, 3.9023, 4.2129, 4.5234, 4.8164, 5.1152),
    *(5.3320, 5.5547),
]


def test_efficiency_of_every_scheme_of_table_1() -> None:
    np.testing.assert_allclose(SchemeTable(1).efficiency, PRINTED, atol=5.1e-5)


@pytest.mark.parametrize(
    ("number", "count", "peak"), [(1, 29, 5.5547), (2, 28, 7.4063), (3, 29, 4.5234)]
)
def test_tables(number: int, count: int, peak: float) -> None:
    table = SchemeTable(number)
    assert len(table) == count
    assert table.efficiency[-1] == pytest.approx(peak, abs=5e-5)
    assert (np.diff(table.order) >= 0).all()
    # 64-QAM of table 1 starts a little below the last scheme of 16-QAM, as printed
    assert np.diff(table.efficiency).min() > -0.005
    with pytest.raises(InputError, match="MCS table must be 1, 2 or 3"):
        SchemeTable(4)


@pytest.mark.parametrize(("blocks", "scheme", "payload"), REFERENCE_CHANNELS)
def test_reference_measurement_channels(blocks: int, scheme: int, payload: int) -> None:
    table = SchemeTable(1)
    elements = np.array(12 * 12 * blocks)
    size = transport_block_bits(elements, table.order[scheme], table.code_rate[scheme])
    assert int(size) == payload


def test_reference_channels_in_code_blocks() -> None:
    """Number and size of the code blocks as in TS 38.104 Table A.1-1."""
    cut = code_blocks(np.array([2152, 9224, 4352, 984]), np.array(308 / 1024))
    assert cut.count.tolist() == [1, 2, 1, 1]
    assert cut.bits.tolist() == [2168, 4648, 4376, 1000]


def test_sizes_follow_the_rate() -> None:
    table = SchemeTable(1)
    elements = 156 * np.arange(1, 274)[:, None]
    size = transport_block_bits(elements, table.order, table.code_rate)
    asked = elements * table.efficiency
    assert (np.abs(size / asked - 1) < 0.08)[asked > 300].all()
    assert (np.diff(size, axis=0) >= 0).all()
    assert (size % 8 == 0).all()
    assert int(transport_block_bits(np.array(0), np.array(2), np.array(0.3))) == 0
    assert len(SMALL_SIZES) == 93

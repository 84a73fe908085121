"""Modulation and coding schemes (MCS): TS 38.214 (v17) Tables 5.1.3.1-1, -2 and -3.

The tables hold for PDSCH, and for PUSCH without transform precoding (clause 6.1.4.1). Reserved
entries, which only retransmissions use, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from netsim.errors import InputError
from netsim.units import FloatArray, IntArray

# Modulation order Q_m, then 1024 times the target code rate R, by MCS index.
_Rates = dict[int, tuple[float, ...]]
_QAM64: _Rates = {
    2: (120, 157, 193, 251, 308, 379, 449, 526, 602, 679),
    4: (340, 378, 434, 490, 553, 616, 658),
    6: (438, 466, 517, 567, 616, 666, 719, 772, 822, 873, 910, 948),
}
_QAM256: _Rates = {
    2: (120, 193, 308, 449, 602),
    4: (378, 434, 490, 553, 616, 658),
    6: (466, 517, 567, 616, 666, 719, 772, 822, 873),
    8: (682.5, 711, 754, 797, 841, 885, 916.5, 948),
}
_LOW_EFFICIENCY: _Rates = {
    2: (30, 40, 50, 64, 78, 99, 120, 157, 193, 251, 308, 379, 449, 526, 602),
    4: (340, 378, 434, 490, 553, 616),
    6: (438, 466, 517, 567, 616, 666, 719, 772),
}
_TABLES: dict[int, _Rates] = {
    1: _QAM64,
    2: _QAM256,
    3: _LOW_EFFICIENCY,
}


@dataclass(frozen=True)
class SchemeTable:
    """One of the three tables; N schemes in the order of their index."""

    number: int

    def __post_init__(self) -> None:
        if self.number not in _TABLES:
            raise InputError("the MCS table must be 1, 2 or 3", value=self.number)

    def __len__(self) -> int:
        return len(self.order)

    @cached_property
    def order(self) -> IntArray:
        """Modulation order Q_m, bits of a symbol. [N]."""
        found: list[int] = []
        for order, rates in _TABLES[self.number].items():
            found += [order] * len(rates)
        return np.array(found, dtype=np.int64)

    @cached_property
    def code_rate(self) -> FloatArray:
        """Target code rate R. [N]."""
        found: list[float] = []
        for rates in _TABLES[self.number].values():
            found += rates
        return np.array(found, dtype=np.float64) / 1024

    @cached_property
    def efficiency(self) -> FloatArray:
        """Spectral efficiency Q_m R, bit per resource element. [N]."""
        return np.asarray(self.order * self.code_rate)

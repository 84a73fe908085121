"""The rate that schemes plan with: one that they can solve for the share of a band."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PlannedRate:
    """factor W delta log2(1 + SINR / gap); capacity by default."""

    factor: float = 1.0
    gap: float = 1.0

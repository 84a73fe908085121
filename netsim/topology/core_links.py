"""Delays between the core and the sites that learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from netsim.units import FloatArray


@dataclass
class CoreLinks:
    """Delays between the core and the S sites; none where one gNB learns and aggregates itself."""

    delay_of: Callable[[float], FloatArray] | None = None  # payload in bit -> [S] s
    core: int | None = None  # site of the core node; None: the one gNB itself
    _known: dict[float, FloatArray] = field(default_factory=dict, init=False)

    def delay_s(
        self,
        site: int,
        payload_bits: float,
    ) -> float:
        """Time of a payload between the core and `site`; 0 of no payload."""
        if self.delay_of is None or payload_bits == 0:
            return 0.0
        if payload_bits not in self._known:
            self._known[payload_bits] = self.delay_of(payload_bits)
        return float(self._known[payload_bits][site])

"""Runs laws and judges them together.

All intervals hold at once with 99.9%: each of the m judged rows that are estimates has a two-sided
normal interval at level 0.001 / m (Bonferroni), from at least 200 independent networks. A row holds
if its interval meets the band closed form ± `allowed`; the interval of a probability must also
reach at most 0.01 to each side. Rows without chance have no interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scipy.special import ndtri

from netsim.verification.downlink import (
    downlink_broadcasts,
    downlink_cache,
    downlink_coverage,
    downlink_nr,
)
from netsim.verification.energy import amplifier_and_gnb, batteries, energy_by_state
from netsim.verification.fading import jakes_correlation, rayleigh_power
from netsim.verification.field import field_mode
from netsim.verification.geometry import (
    mean_interference,
    nearest_gnb,
    pair_correlation,
    poisson_counts,
    voronoi_cells,
)
from netsim.verification.law import Effort, Law, LawFunction
from netsim.verification.medium import network_mode
from netsim.verification.nr import nr_efficiencies, nr_goodput, nr_harq, nr_transport_blocks
from netsim.verification.scaling import scale_invariance
from netsim.verification.success import explicit_networks
from netsim.verification.superposition import superposition_error, superposition_truncation

LAWS: tuple[LawFunction, ...] = (
    poisson_counts,
    nearest_gnb,
    voronoi_cells,
    rayleigh_power,
    jakes_correlation,
    pair_correlation,
    mean_interference,
    downlink_coverage,
    explicit_networks,
    scale_invariance,
    field_mode,
    network_mode,
    nr_transport_blocks,
    nr_efficiencies,
    nr_goodput,
    nr_harq,
    downlink_broadcasts,
    downlink_cache,
    downlink_nr,
    energy_by_state,
    amplifier_and_gnb,
    batteries,
    superposition_error,
    superposition_truncation,
)
"""What `netsim verify` checks, in the order of its table. A new law is one more function here."""

CONFIDENCE = 0.999
MAX_HALF_WIDTH = 0.01


@dataclass(frozen=True)
class Verdict:
    """A law with its interval."""

    law: Law
    half_width: float
    holds: bool | None  # None: not judged

    @property
    def reason(self) -> str:
        """ok, FAILS, imprecise, or empty where nothing is judged."""
        if self.holds is None:
            return ""
        if self.holds:
            return "ok"
        return "imprecise" if _meets(self.law, self.half_width) else "FAILS"


def judge(laws: Sequence[Law], *, confidence: float = CONFIDENCE) -> list[Verdict]:
    """Intervals that hold together, and whether each judged law holds."""
    judged = sum(law.judged and law.standard_error > 0 for law in laws)
    level = (1 - confidence) / (2 * max(judged, 1))
    z = -float(ndtri(level))  # quantile of the normal law
    return [_verdict(law, z * law.standard_error) for law in laws]


def _verdict(law: Law, half_width: float) -> Verdict:
    if not law.judged:
        return Verdict(law, half_width, None)
    precise = half_width <= MAX_HALF_WIDTH or not law.probability
    return Verdict(
        law,
        half_width,
        _meets(law, half_width) and precise,
    )


def verify(
    effort: Effort,
    *,
    laws: Sequence[LawFunction] = LAWS,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Verdict]:
    """Run the laws and judge them. `progress` is told the name of each function as it begins."""
    rows: list[Law] = []
    for function in laws:
        progress(function.__name__.replace("_", " "))
        rows += function(effort)
    return judge(rows)


def _meets(law: Law, half_width: float) -> bool:
    """Whether the interval meets closed form ± allowed; false where a number is missing."""
    reach = law.allowed + half_width
    return abs(law.deviation) <= reach

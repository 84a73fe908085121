"""Success probability of an uplink, from explicit Poisson networks, against every closed form.

Each cell has one active UE; the UE under test is at distance d from its gNB. Both estimators come
from the same networks, with every gNB as the serving one:

* typical user (UEs independent of the gNBs): a place at distance d in a random direction counts if
  it lies in the gNB's cell, that is, if no other gNB is nearer;
* typical cell (UEs dropped uniformly in a given cell): the same, weighted by 1 / area of the cell.

Fading, places of the interferers and noise are drawn, not averaged by formula. Interference from
beyond the torus counts by its mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from netsim.radio.coverage import success_probability, topology_success_probability
from netsim.radio.link import sinr
from netsim.radio.pathloss import PowerLaw
from netsim.units import FloatArray, dbm_to_w, from_db
from netsim.verification.law import Effort, Law, ratio
from netsim.verification.networks import DENSITY, Network, networks

EXPONENT = 3.8
POWER_W = 0.2
DISTANCES = (0.10, 0.20, 0.35, 0.50, 0.70, 1.00)  # times phi^-1/2
THRESHOLDS_DB = (-10.0, -5.0, 0.0, 5.0, 10.0)
GRID = tuple((u, th) for u in DISTANCES for th in THRESHOLDS_DB)

NOISE_PSD_W_HZ = dbm_to_w(-162.0)
NOISY = (
    (0.20, 0.0, 1e9),
    (0.35, 0.0, 1e8),
    (0.35, -5.0, 1e8),
    (0.50, -5.0, 1e8),
    (0.70, -10.0, 1e8),
)
"""Distance, threshold in dB, bandwidth in Hz at 1 gNB per km² and 0.2 W (docs/model/success.md)."""

PRODUCT = ((0.20, 5.0), (0.35, -5.0), (0.50, 0.0))
"""Cases compared with the product form, which is exact given where everybody is."""

ALLOWED = {"typical_user": 0.015, "typical_cell": 0.015}
"""Largest error of the fitted laws c(u), in probability."""

_DIRECTIONS = 16
_FADINGS = 4
_OWN_FADINGS = 3
_PRODUCT_SITES = 32  # gNBs of a network for which the product form is computed


@dataclass(frozen=True)
class SuccessFrequencies:
    """How often uploads succeed, as (value, standard error) in the order of the cases."""

    user: tuple[FloatArray, FloatArray]  # [case]
    cell: tuple[FloatArray, FloatArray]  # [case]
    product: tuple[FloatArray, FloatArray]  # [product case]; the error is that of the difference
    product_form: FloatArray  # [product case]


def explicit_networks(effort: Effort) -> Sequence[Law]:
    """The grid of docs/model/success.md and noisy cases, for both laws c(u)."""
    found = simulate(effort)
    values, errors = found.product
    return [
        *_against_law("typical_user", *found.user),
        *_against_law("typical_cell", *found.cell),
        *(
            Law(
                family="success, product form",
                case=case_name(u, threshold_db),
                estimator="given all positions",
                estimate=float(values[index]),
                standard_error=float(errors[index]),
                closed_form=float(found.product_form[index]),
            )
            for index, (u, threshold_db) in enumerate(PRODUCT)
        ),
    ]


def summed(*parts: FloatArray) -> list[FloatArray]:
    """Sums over the gNBs of a network. Shapes [M, case] -> [case]."""
    return [part.sum(axis=0) for part in parts]


def in_own_cell(network: Network, u: FloatArray) -> FloatArray:
    """Share of the directions in which a place at distance u lies in the gNB's cell. [M, case]."""
    radius = network.cell_radius_m(_DIRECTIONS)
    inside = radius[:, :, None] >= u * network.spacing_m
    return np.asarray(inside.mean(axis=1))


@lru_cache(maxsize=2)
def simulate(effort: Effort) -> SuccessFrequencies:
    """Success frequencies over explicit networks; the grid's cases first, then the noisy ones."""
    u = np.array([case[0] for case in GRID + NOISY])
    columns = [GRID.index(case) for case in PRODUCT]
    sums = []
    products = []
    for network in networks(effort):
        inside = in_own_cell(network, u)
        by_area = inside * network.spacing_m**2 / network.areas_m2[:, None]
        place = Place.draw(network, "uplink")
        success = place.success(noisy=True)  # [M, case]
        sums.append(
            summed(
                inside * success,
                inside,
                by_area * success,
                by_area,
            )
        )
        weight = inside[:_PRODUCT_SITES, columns]
        measured = success[:_PRODUCT_SITES, columns]
        products.append(
            summed(
                weight * measured,
                weight * place.product_form(),
                weight,
            )
        )
    user, user_weight, cell, cell_weight = np.array(sums).transpose(1, 0, 2)
    frequency, form, weight = np.array(products).transpose(1, 0, 2)
    value, _ = ratio(frequency, weight)
    _, error = ratio(frequency - form, weight)
    return SuccessFrequencies(
        user=ratio(user, user_weight),
        cell=ratio(cell, cell_weight),
        product=(value, error),
        product_form=ratio(form, weight)[0],
    )


@dataclass(frozen=True)
class Place:
    """A network with its interferers in place: each gNB hears the UEs of the M - 1 other cells."""

    distance_m: FloatArray  # [gNB, interferer], infinite for the own cell's
    far_w: float  # mean interference from beyond the torus
    spacing_m: float  # phi^-1/2
    generator: np.random.Generator  # of the fading

    @classmethod
    def draw(cls, network: Network, purpose: str) -> Place:
        """Places for one purpose, with random numbers of its own."""
        ues_m = network.ue_per_cell_m(f"{purpose}_ues")
        distance = network.distances_m(network.sites_m, ues_m)
        np.fill_diagonal(distance, np.inf)
        return cls(
            distance_m=distance,
            far_w=POWER_W * network.far_field(EXPONENT),
            spacing_m=network.spacing_m,
            generator=network.stream(f"{purpose}_fading"),
        )

    def success(self, *, noisy: bool) -> FloatArray:
        """Frequency of SINR >= threshold of a UE at the distance of each case. [gNB, case]."""
        pathloss = PowerLaw(EXPONENT, min_distance_m=1e-3)
        received_w = POWER_W * pathloss.gain(self.distance_m)
        count = len(received_w)
        interference_w = self._interference_w(received_w)
        own = self.generator.standard_exponential((_OWN_FADINGS, _FADINGS, count))
        groups: list[tuple[float, float, tuple[float, ...]]] = [
            (u, 0.0, THRESHOLDS_DB) for u in DISTANCES
        ]
        if noisy:
            groups += [(u, bandwidth_hz, (th,)) for u, th, bandwidth_hz in NOISY]
        hits = []
        for u, bandwidth_hz, thresholds_db in groups:
            gain = float(pathloss.gain(np.array(u * self.spacing_m)))
            noise_w = np.full(count, NOISE_PSD_W_HZ * bandwidth_hz)
            quality = sinr(own * (POWER_W * gain), interference_w, noise_w)
            for threshold_db in thresholds_db:
                met = quality >= from_db(threshold_db)
                hits.append(met.mean(axis=(0, 1)))
        return np.column_stack(hits)

    def _interference_w(self, received_w: FloatArray) -> FloatArray:
        """Faded interference at every gNB. [fading, gNB]."""
        sums = []
        for _ in range(_FADINGS):
            faded_w = self.generator.standard_exponential(received_w.shape)
            faded_w *= received_w
            sums.append(faded_w.sum(axis=1))
        return np.array(sums) + self.far_w

    def product_form(self) -> FloatArray:
        """The closed form given all positions, for the first gNBs. [gNB, product case]."""
        distance = self.distance_m[:_PRODUCT_SITES]
        count = len(distance)
        columns = [
            topology_success_probability(
                np.full(count, u * self.spacing_m),
                distance,
                sinr_threshold=from_db(np.full(count, threshold_db)),
                pathloss_exponent=EXPONENT,
                noise_to_power=np.full(count, self.far_w / POWER_W),
            )
            for u, threshold_db in PRODUCT
        ]
        return np.column_stack(columns)


def _against_law(
    law: str,
    values: FloatArray,
    errors: FloatArray,
) -> list[Law]:
    """Rows of one estimator, and how far the other forms are off at most."""
    cases = [(u, threshold_db, 0.0) for u, threshold_db in GRID] + list(NOISY)
    own = np.array([_closed(*case, law=law) for case in cases])
    printed = np.array([_closed(*case, form="paper") for case in cases])
    constant = np.array([_closed(*case, law="constant") for case in cases])
    rows = [
        Law(
            family=f"success, ppp {law}",
            case=case_name(*case),
            estimator=law.replace("_", " "),
            estimate=float(values[index]),
            standard_error=float(errors[index]),
            closed_form=float(own[index]),
            allowed=ALLOWED[law],
            note=f"printed (15) {printed[index] - values[index]:+.3f}",
        )
        for index, case in enumerate(cases)
    ]
    return [
        *rows,
        *_largest_errors(rows, f"ppp {law}", own),
        *_largest_errors(rows, "law c = 12/5", constant),
        *_largest_errors(rows, "printed (15)", printed),
    ]


def _largest_errors(
    rows: list[Law],
    form: str,
    closed: FloatArray,
) -> Iterator[Law]:
    """The rows in which a form is off most, without and with noise; for comparison only."""
    parts = (
        ("no noise", range(len(GRID))),
        ("with noise", range(len(GRID), len(rows))),
    )
    values = np.array([row.estimate for row in rows])
    for title, part in parts:
        difference = np.abs(closed - values)[part]
        worst = part[int(np.argmax(difference))]
        yield replace(
            rows[worst],
            family=f"success, {form}: largest error",
            case=f"{title}, of {len(part)}: {rows[worst].case}",
            closed_form=float(closed[worst]),
            judged=False,
            note=f"mean error {difference.mean():.3f}",
        )


def _closed(
    u: float,
    threshold_db: float,
    bandwidth_hz: float,
    *,
    form: str = "ppp",
    law: str = "constant",
) -> float:
    value = success_probability(
        u / np.sqrt(DENSITY),
        density_per_m2=DENSITY,
        sinr_threshold=from_db(threshold_db),
        pathloss_exponent=EXPONENT,
        noise_to_power=bandwidth_hz * NOISE_PSD_W_HZ / POWER_W,
        form=form,
        law=law,
    )
    return float(value)


def case_name(
    u: float,
    threshold_db: float,
    bandwidth_hz: float = 0.0,
) -> str:
    text = f"d sqrt(phi) = {u:.2f}, {threshold_db:g} dB"
    if bandwidth_hz:
        return f"{text}, {bandwidth_hz / 1e6:g} MHz"
    return text

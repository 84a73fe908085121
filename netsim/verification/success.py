"""Success probability of an uplink, from explicit Poisson networks, against every closed form.

Each cell has one active UE; the UE under test is at distance d from its gNB. Both estimators come
from the same networks, with every gNB as the serving one:

* typical user (UEs independent of the gNBs): a place at distance d in a random direction counts if
it
  lies in the gNB's cell, that is, if no other gNB is nearer;
* typical cell (UEs dropped uniformly in a given cell): the same, weighted by 1 / area of the cell.

Fading, places of the interferers and noise are drawn, not averaged by formula. Beyond the torus
interference counts by its mean.
"""

from __future__ import annotations

from collections.abc import Sequence
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
"""Distance, threshold in dB, bandwidth in Hz at 1 gNB per km² and 0.2 W (model-spec 1.3)."""

PRODUCT = ((0.20, 5.0), (0.35, -5.0), (0.50, 0.0))
"""Cases compared with the product form, which is exact given where everybody is."""

SCALED = ((0.20, 5.0), (0.35, 0.0), (0.50, -5.0), (0.70, -10.0))
"""Cases of scale invariance."""

ALLOWED = {"typical_user": 0.015, "typical_cell": 0.015}
"""Largest error of the fitted laws c(u), in probability."""

_DIRECTIONS = 16
_FADINGS = 4
_OWN_FADINGS = 3
_PRODUCT_SITES = 32  # gNBs of a network for which the product form is computed


@dataclass(frozen=True)
class Estimates:
    """Frequencies of success. `user` and `cell` are (value, standard error), in the order of the
    cases.
    """

    user: tuple[FloatArray, FloatArray]  # [case]
    cell: tuple[FloatArray, FloatArray]  # [case]
    product: tuple[FloatArray, FloatArray]  # [product case]; the error is that of the difference
    product_form: FloatArray  # [product case]


def explicit_networks(effort: Effort) -> Sequence[Law]:
    """Grid of model-spec 1.2 and noisy cases: typical user and typical cell, each with its law
    c(u).
    """
    found = simulate(effort)
    rows: list[Law] = []
    for law, (values, errors) in (("typical_user", found.user), ("typical_cell", found.cell)):
        rows += _against_law(law, values, errors)
    for index, (u, threshold_db) in enumerate(PRODUCT):
        rows.append(
            Law(
                "success, product form",
                _case(u, threshold_db),
                "given all positions",
                float(found.product[0][index]),
                float(found.product[1][index]),
                float(found.product_form[index]),
            )
        )
    return rows


def scale_invariance(effort: Effort) -> Sequence[Law]:
    """Without noise only d sqrt(phi) counts: 100 gNBs per km² against 1 per km².

    The same gNBs ten times nearer to each other, with UEs and fading of their own.
    """
    cases = [GRID.index(case) for case in SCALED]
    u = np.array([case[0] for case in SCALED])
    dense: list[FloatArray] = []
    sparse: list[FloatArray] = []
    weights: list[FloatArray] = []
    for network in networks(effort)[: effort.networks // 3]:
        near = network.scaled(0.1, "dense")
        inside = (network.cell_radius_m(_DIRECTIONS)[:, :, None] >= u * network.spacing_m).mean(
            axis=1
        )
        weights.append(inside.sum(axis=0))
        for sums, place in ((dense, near), (sparse, network)):
            success = _Place.draw(place, "scaled").success(noisy=False)[:, cases]
            sums.append((inside * success).sum(axis=0))
    weight = np.array(weights)
    values, _ = ratio(np.array(dense), weight)
    expected, _ = ratio(np.array(sparse), weight)
    _, errors = ratio(np.array(dense) - np.array(sparse), weight)
    return [
        Law(
            "scale invariance",
            f"{_case(*case)}, 100 against 1 per km²",
            "typical user",
            float(values[index]),
            float(errors[index]),
            float(expected[index]),
        )
        for index, case in enumerate(SCALED)
    ]


@lru_cache(maxsize=2)
def simulate(effort: Effort) -> Estimates:
    """Success frequencies over explicit networks; the grid's cases first, then the noisy ones."""
    u = np.array([case[0] for case in GRID + NOISY])
    columns = [GRID.index(case) for case in PRODUCT]
    sums = []
    products = []
    for network in networks(effort):
        radius = network.cell_radius_m(_DIRECTIONS)
        inside = (radius[:, :, None] >= u * network.spacing_m).mean(axis=1)  # [M, case]
        by_area = inside * network.spacing_m**2 / network.areas_m2[:, None]
        place = _Place.draw(network, "uplink")
        success = place.success(noisy=True)  # [M, case]
        weighted = [inside * success, inside, by_area * success, by_area]
        sums.append([part.sum(axis=0) for part in weighted])
        weight = inside[:_PRODUCT_SITES, columns]
        parts = [weight * success[:_PRODUCT_SITES, columns], weight * place.product_form(), weight]
        products.append([part.sum(axis=0) for part in parts])
    user, user_weight, cell, cell_weight = np.array(sums).transpose(1, 0, 2)
    frequency, form, weight = np.array(products).transpose(1, 0, 2)
    return Estimates(
        user=ratio(user, user_weight),
        cell=ratio(cell, cell_weight),
        product=(ratio(frequency, weight)[0], ratio(frequency - form, weight)[1]),
        product_form=ratio(form, weight)[0],
    )


@dataclass(frozen=True)
class _Place:
    """A network with its interferers in place. M gNBs, each hears the UEs of the M - 1 other
    cells.
    """

    distance_m: FloatArray  # [gNB, interferer], infinite for the own cell's
    far_w: float  # mean interference from beyond the torus
    spacing_m: float  # phi^-1/2
    generator: np.random.Generator  # of the fading

    @classmethod
    def draw(cls, network: Network, purpose: str) -> _Place:
        distance = network.distances_m(network.sites_m, network.ue_per_cell_m(f"{purpose}_ues"))
        np.fill_diagonal(distance, np.inf)
        far_w = POWER_W * network.far_field(EXPONENT)
        return cls(
            distance,
            far_w,
            network.spacing_m,
            network.stream(f"{purpose}_fading"),
        )

    def success(self, *, noisy: bool) -> FloatArray:
        """Frequency of SINR >= threshold of a UE at the distance of each case. Shape [gNB,
        case].
        """
        pathloss = PowerLaw(EXPONENT, min_distance_m=1e-3)
        received_w = POWER_W * pathloss.gain(self.distance_m)
        count = len(received_w)
        fading = (self.generator.standard_exponential(received_w.shape) for _ in range(_FADINGS))
        interference_w = np.array([(h * received_w).sum(axis=1) for h in fading]) + self.far_w
        own = self.generator.standard_exponential((_OWN_FADINGS, _FADINGS, count))
        groups: list[tuple[float, float, tuple[float, ...]]] = [
            (u, 0.0, THRESHOLDS_DB) for u in DISTANCES
        ]
        groups += [(u, bandwidth_hz, (th,)) for u, th, bandwidth_hz in (NOISY if noisy else ())]
        hits = []
        for u, bandwidth_hz, thresholds_db in groups:
            signal_w = own * (POWER_W * float(pathloss.gain(np.array(u * self.spacing_m))))
            quality = sinr(signal_w, interference_w, np.full(count, NOISE_PSD_W_HZ * bandwidth_hz))
            hits += [(quality >= from_db(th)).mean(axis=(0, 1)) for th in thresholds_db]
        return np.column_stack(hits)

    def product_form(self) -> FloatArray:
        """The closed form given all positions, for the first gNBs. Shape [gNB, product case]."""
        distance = self.distance_m[:_PRODUCT_SITES]
        return np.column_stack(
            [
                topology_success_probability(
                    np.full(len(distance), u * self.spacing_m),
                    distance,
                    sinr_threshold=from_db(np.full(len(distance), threshold_db)),
                    pathloss_exponent=EXPONENT,
                    noise_to_power=np.full(len(distance), self.far_w / POWER_W),
                )
                for u, threshold_db in PRODUCT
            ]
        )


def _against_law(
    law: str,
    values: FloatArray,
    errors: FloatArray,
) -> list[Law]:
    """Rows of one estimator, and how far the other forms are off at most."""
    cases = [(u, th, 0.0) for u, th in GRID] + list(NOISY)
    rows = []
    own = []
    printed = []
    constant = []
    for index, (u, threshold_db, bandwidth_hz) in enumerate(cases):
        own.append(_closed(u, threshold_db, bandwidth_hz, law=law))
        printed.append(_closed(u, threshold_db, bandwidth_hz, form="paper"))
        constant.append(_closed(u, threshold_db, bandwidth_hz, law="constant"))
        rows.append(
            Law(
                f"success, ppp {law}",
                _case(u, threshold_db) + (f", {bandwidth_hz / 1e6:g} MHz" if bandwidth_hz else ""),
                law.replace("_", " "),
                float(values[index]),
                float(errors[index]),
                own[-1],
                allowed=ALLOWED[law],
                note=f"printed (15) {printed[-1] - values[index]:+.3f}",
            )
        )
    forms = ((f"ppp {law}", own), ("law c = 12/5", constant), ("printed (15)", printed))
    parts = (("no noise", range(len(GRID))), ("with noise", range(len(GRID), len(cases))))
    for form, column in forms:
        for title, part in parts:
            difference = np.abs(np.array(column) - values)[part]
            worst = part[int(np.argmax(difference))]
            rows.append(
                replace(
                    rows[worst],
                    family=f"success, {form}: largest error",
                    case=f"{title}, of {len(part)}: {rows[worst].case}",
                    closed_form=column[worst],
                    judged=False,
                    note=f"mean error {difference.mean():.3f}",
                )
            )
    return rows


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


def _case(u: float, threshold_db: float) -> str:
    return f"d sqrt(phi) = {u:.2f}, {threshold_db:g} dB"

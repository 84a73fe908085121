"""The simulator's `field` mode: its sampled interferers against the closed form they follow.

That the closed form is right is shown in `success`, from explicit networks. Here it is shown that
the simulator's draws follow this law, with noise and the fading of both signal and interference.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netsim.radio.coverage import success_probability
from netsim.radio.fading import upload_fading
from netsim.radio.interference import PoissonField
from netsim.radio.link import sinr
from netsim.radio.pathloss import PowerLaw
from netsim.units import dbm_to_w, from_db
from netsim.verification.law import Effort, Law, mean

EXPONENT = 3.8
POWER_W = 0.2
DENSITY = 1e-6
NOISE_W = dbm_to_w(-162.0) * 1e8
CASES = {
    "typical_user": ((350.0, 0.0), (350.0, -5.0), (700.0, -10.0)),
    "typical_cell": ((200.0, 5.0), (500.0, -5.0), (500.0, 0.0)),
}
"""For each law c(u): distance in m, threshold in dB."""

_UES_EACH = 115  # at each distance in each round; one round for each network of the effort


def field_mode(effort: Effort) -> Sequence[Law]:
    """Uploads in 100 MHz at 0.2 W and 1 gNB per km², one fading draw each, for both laws c(u)."""
    rows = []
    for law, cases in CASES.items():
        met = [_frequencies(effort, law, cases, number) for number in range(effort.networks)]
        values, errors = mean(np.array(met))
        for index, (distance_m, threshold_db) in enumerate(cases):
            rows.append(
                Law(
                    family="field mode",
                    case=f"d = {distance_m:g} m, {threshold_db:g} dB, 100 MHz",
                    estimator=law.replace("_", " "),
                    estimate=float(values[index]),
                    standard_error=float(errors[index]),
                    closed_form=_closed_form(law, distance_m, threshold_db),
                )
            )
    return rows


def _frequencies(
    effort: Effort,
    law: str,
    cases: Sequence[tuple[float, float]],
    number: int,
) -> list[float]:
    """How often uploads of round `number` meet their threshold, for each case."""
    pathloss = PowerLaw(EXPONENT, min_distance_m=1.0)
    field = PoissonField(DENSITY, law, pathloss, POWER_W)
    distances = sorted({distance_m for distance_m, _ in cases})
    distance = np.repeat(distances, _UES_EACH)
    count = len(distance)
    draw = field.draw(
        effort.seed,
        number,
        1,
        distance,
        np.zeros(count, dtype=np.int64),
    )
    signal_w = POWER_W * pathloss.gain(distance)
    faded_w = upload_fading(effort.seed, number, 1, count) * signal_w
    quality = sinr(
        faded_w,
        draw.upload_power_w(),
        np.full(count, NOISE_W),
    )
    groups = quality.reshape(len(distances), _UES_EACH)
    by_distance = dict(zip(distances, groups, strict=True))
    return [
        float((by_distance[distance_m] >= from_db(threshold_db)).mean())
        for distance_m, threshold_db in cases
    ]


def _closed_form(
    law: str,
    distance_m: float,
    threshold_db: float,
) -> float:
    closed = success_probability(
        distance_m,
        density_per_m2=DENSITY,
        sinr_threshold=from_db(threshold_db),
        pathloss_exponent=EXPONENT,
        noise_to_power=NOISE_W / POWER_W,
        law=law,
    )
    return float(closed)

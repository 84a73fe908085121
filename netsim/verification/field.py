"""The simulator's `field` mode: its sampled interferers against the closed form they are meant to
follow.

That the closed form is right is for `success` to show, from explicit networks; this shows that what
the simulator draws is that law, with its noise and both fadings.
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
    pathloss = PowerLaw(EXPONENT, min_distance_m=1.0)
    for law, cases in CASES.items():
        field = PoissonField(DENSITY, law, pathloss, POWER_W)
        distances = sorted({d for d, _ in cases})
        distance = np.repeat(distances, _UES_EACH)
        signal_w = POWER_W * pathloss.gain(distance)
        met = []
        for number in range(effort.networks):
            draw = field.draw(
                effort.seed,
                number,
                1,
                distance,
                np.zeros(len(distance), dtype=np.int64),
            )
            faded_w = upload_fading(effort.seed, number, 1, len(distance)) * signal_w
            quality = sinr(faded_w, draw.upload_power_w(), np.full(len(distance), NOISE_W))
            by_distance = dict(
                zip(
                    distances,
                    quality.reshape(len(distances), _UES_EACH),
                    strict=True,
                )
            )
            met.append(
                [(by_distance[d] >= from_db(threshold_db)).mean() for d, threshold_db in cases]
            )
        values, errors = mean(np.array(met))
        for index, (d, threshold_db) in enumerate(cases):
            closed = success_probability(
                d,
                density_per_m2=DENSITY,
                sinr_threshold=from_db(threshold_db),
                pathloss_exponent=EXPONENT,
                noise_to_power=NOISE_W / POWER_W,
                law=law,
            )
            rows.append(
                Law(
                    "field mode",
                    f"d = {d:g} m, {threshold_db:g} dB, 100 MHz",
                    law.replace("_", " "),
                    float(values[index]),
                    float(errors[index]),
                    float(closed),
                )
            )
    return rows

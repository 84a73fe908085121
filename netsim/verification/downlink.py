"""Coverage of a downlink, where the theory is exact: J. G. Andrews, F. Baccelli, R. K. Ganti, "A
tractable approach to coverage and rate in cellular networks", IEEE Trans. Commun. 59(11), 2011,
Theorem 2.

Nearest gNB serves, all transmit, Rayleigh fading, no noise:

    P(SIR > T) = 1 / (1 + T^(2/a) Int_{T^(-2/a)}^inf du / (1 + u^(a/2))) = 1 / 2F1(1, -2/a; 1 - 2/a;
    -T),

0.5601 for a = 4 and 0.4823 for a = 3.5 at 0 dB. It checks the networks, fading and path loss that
the uplink laws are judged by.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import hyp2f1

from netsim.radio.link import sinr
from netsim.radio.pathloss import PowerLaw
from netsim.units import from_db
from netsim.verification.law import Effort, Law, mean
from netsim.verification.networks import networks

EXPONENTS = (3.5, 4.0)
THRESHOLDS_DB = (-5.0, 0.0, 5.0)
_USERS = 128


def downlink_coverage(effort: Effort) -> Sequence[Law]:
    """UEs at random in explicit networks, served by the nearest gNB."""
    found = []
    thresholds = from_db(np.array(THRESHOLDS_DB))
    for network in networks(effort):
        generator = network.stream("downlink")
        users = generator.uniform(0.0, network.side_m, size=(_USERS, 2))
        distance = network.distances_m(users, network.sites_m)
        serving = distance.argmin(axis=1)[:, None]
        covered = []
        fading = generator.standard_exponential(distance.shape)
        for exponent in EXPONENTS:
            received = fading * PowerLaw(exponent, min_distance_m=1e-3).gain(distance)
            signal = np.take_along_axis(received, serving, axis=1)[:, 0]
            interference = received.sum(axis=1) - signal + network.far_field(exponent)
            quality = sinr(signal, interference, np.zeros(_USERS))
            covered.append((quality[:, None] > thresholds).mean(axis=0))
        found.append(covered)
    values, errors = mean(np.array(found))
    return [
        Law(
            "downlink coverage",
            f"alpha = {exponent:g}, {threshold_db:g} dB",
            "typical user",
            float(values[i, j]),
            float(errors[i, j]),
            float(
                1
                / hyp2f1(
                    1,
                    -2 / exponent,
                    1 - 2 / exponent,
                    -from_db(threshold_db),
                )
            ),
        )
        for i, exponent in enumerate(EXPONENTS)
        for j, threshold_db in enumerate(THRESHOLDS_DB)
    ]

"""Coverage of a downlink, where the theory is exact.

J. G. Andrews, F. Baccelli, R. K. Ganti, "A tractable approach to coverage and rate in cellular
networks", IEEE Trans. Commun. 59(11), 2011, Theorem 2.

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
from netsim.units import FloatArray, from_db
from netsim.verification.law import Effort, Law, mean
from netsim.verification.networks import Network, networks

EXPONENTS = (3.5, 4.0)
THRESHOLDS_DB = (-5.0, 0.0, 5.0)
_USERS = 128


def downlink_coverage(effort: Effort) -> Sequence[Law]:
    """UEs at random in explicit networks, served by the nearest gNB."""
    found = [_coverage(network) for network in networks(effort)]
    values, errors = mean(np.array(found))
    return [
        Law(
            family="downlink coverage",
            case=f"alpha = {exponent:g}, {threshold_db:g} dB",
            estimator="typical user",
            estimate=float(values[i, j]),
            standard_error=float(errors[i, j]),
            closed_form=_closed_form(exponent, from_db(threshold_db)),
        )
        for i, exponent in enumerate(EXPONENTS)
        for j, threshold_db in enumerate(THRESHOLDS_DB)
    ]


def _coverage(network: Network) -> list[FloatArray]:
    """Share of a network's UEs above each threshold, for each exponent. [exponent, threshold]."""
    thresholds = from_db(np.array(THRESHOLDS_DB))
    generator = network.stream("downlink")
    users = generator.uniform(
        0.0,
        network.side_m,
        size=(_USERS, 2),
    )
    distance = network.distances_m(users, network.sites_m)
    serving = distance.argmin(axis=1)[:, None]
    fading = generator.standard_exponential(distance.shape)
    covered = []
    for exponent in EXPONENTS:
        pathloss = PowerLaw(exponent, min_distance_m=1e-3)
        received = fading * pathloss.gain(distance)
        signal = np.take_along_axis(received, serving, axis=1)[:, 0]
        interference = received.sum(axis=1) - signal + network.far_field(exponent)
        quality = sinr(signal, interference, np.zeros(_USERS))
        above = quality[:, None] > thresholds
        covered.append(above.mean(axis=0))
    return covered


def _closed_form(exponent: float, threshold: float) -> float:
    b = -2 / exponent
    return float(1 / hyp2f1(1, b, 1 + b, -threshold))

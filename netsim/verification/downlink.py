"""Coverage of a downlink, where the theory is exact; modules that are sent on it.

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
from scipy.special import exp1, hyp2f1

from netsim import rng
from netsim.radio.downlink import FADING_BLOCKS, Downlink, ModuleCache
from netsim.radio.link import sinr
from netsim.radio.multicast import broadcast_slots
from netsim.radio.nr.goodput import NrLink
from netsim.radio.nr.grid import ResourceGrid
from netsim.radio.nr.rate_model import NrRateModel
from netsim.radio.pathloss import PowerLaw
from netsim.radio.rate_model import RateModel
from netsim.units import FloatArray, from_db
from netsim.verification.law import Effort, Law, ratio
from netsim.verification.law import mean as mean_of
from netsim.verification.networks import Network, networks

EXPONENTS = (3.5, 4.0)
THRESHOLDS_DB = (-5.0, 0.0, 5.0)
_USERS = 128


def downlink_coverage(effort: Effort) -> Sequence[Law]:
    """UEs at random in explicit networks, served by the nearest gNB."""
    found = [_coverage(network) for network in networks(effort)]
    values, errors = mean_of(np.array(found))
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


# -- modules on the downlink -----------------------------------------------------------------------

MEAN_SNRS_DB = (0.0, 10.0, 20.0)
LISTENERS = (1, 4, 16)
_ROUNDS = 40  # of each network of the effort
_TAKES_PART, _CHANGES = 0.3, 0.4  # of a UE in a round; of a module by a round


def downlink_broadcasts(effort: Effort) -> Sequence[Law]:
    """Bits per second and hertz of a module: multicast at the rate of the worst, or in turn.

    The least of n exponential gains is exponential of mean 1 / n, so the mean of log2(1 + s h) over
    it is exp(n / s) E1(n / s) / ln 2, the ergodic capacity of a Rayleigh channel of mean SNR s / n.
    """
    rows = []
    seeds = [effort.seed * 1_000_003 + number for number in range(min(effort.networks, 400))]
    for count in LISTENERS:
        for snr_db in MEAN_SNRS_DB:
            for unicast in (False, True):
                rates = [_module_rate(count, snr_db, unicast, seed) for seed in seeds]
                value, error = mean_of(np.array(rates))
                cast = "unicast" if unicast else "multicast"
                rows.append(
                    Law(
                        family="downlink, bit/s/Hz",
                        case=f"{cast} to {count}, mean SNR {snr_db:g} dB",
                        estimator="broadcast slots",
                        estimate=float(value),
                        standard_error=float(error),
                        closed_form=_ergodic(from_db(snr_db) / (1 if unicast else count)),
                        probability=False,
                    )
                )
    return rows


def _module_rate(
    count: int,
    snr_db: float,
    unicast: bool,
    seed: int,
) -> float:
    """At which UEs of one mean SNR get a module, bit/s/Hz."""
    hz, bits = 1e7, np.full(count, 1e6)
    link = Downlink(hz, unicast, RateModel("shannon", 0.0), blocks=FADING_BLOCKS, seed=seed)
    only = np.zeros(count, dtype=np.int64)  # one gNB, one module
    start_s, end_s = broadcast_slots(
        only,
        only,
        bits,
        efficiency=link.efficiency(np.full(count, np.log2(1 + from_db(snr_db))), 1),
        downlink_hz=hz,
        foundation_bits=0.0,
        unicast=unicast,
    )
    return float((bits / (end_s - start_s)).mean() / hz)


def _ergodic(snr: float) -> float:
    """Mean of log2(1 + snr h) over h ~ Exp(1)."""
    return float(exp1(1 / snr) * np.exp(1 / snr) / np.log(2))


def downlink_cache(effort: Effort) -> Sequence[Law]:
    """Part of UEs that must be sent a module, where they take part with p and it changes with q.

    A UE holds the version of its last round, g rounds ago with p (1 - p)^(g - 1), and lacks the
    current one unless it has not changed since: 1 - p (1 - q) / (1 - (1 - p) (1 - q)).
    """
    seeds = range(min(effort.networks, 400))
    counts = [_sent_and_wanted(rng.stream(effort.seed, "verify_cache", one)) for one in seeds]
    values, errors = ratio(*np.array(counts, dtype=np.float64).T)
    stays = (1 - _TAKES_PART) * (1 - _CHANGES)
    return [
        Law(
            family="downlink cache",
            case=f"take part {_TAKES_PART:g}, changes {_CHANGES:g}",
            estimator="versions held",
            estimate=float(values),
            standard_error=float(errors),
            closed_form=1 - _TAKES_PART * (1 - _CHANGES) / (1 - stays),
            probability=False,
        )
    ]


def _sent_and_wanted(generator: np.random.Generator) -> tuple[int, int]:
    """How often a module had to be sent, and how often a UE took part, in one run."""
    ues, warm = 50, 30  # rounds that are left out: all hold the start at first
    cache, version = ModuleCache.at_start(ues, 1), 0
    wanted = sent = 0
    for number in range(warm + _ROUNDS):
        ue = np.flatnonzero(generator.random(ues) < _TAKES_PART)
        module = np.zeros(len(ue), dtype=np.int64)
        rows = ue, module, np.full(len(ue), version), np.ones(len(ue))
        lacks = cache.missing(*rows)
        cache.hear(*rows)
        if number >= warm:
            wanted += len(ue)
            sent += int(lacks.sum())
        version += int(generator.random() < _CHANGES)
    return sent, wanted


def downlink_nr(effort: Effort) -> Sequence[Law]:
    """Peak rates of NR downlinks against TS 38.306 (v17) clause 4.1.2, which counts whole symbols.

    Q_m R_max 12 N_PRB 14 / slot x (1 - overhead), in the slots of the downlink. Its largest code
    rate is 948/1024; overhead here is DM-RS, one symbol of fourteen. Sizes of transport blocks are
    quantised, and the reference does not know.
    """
    rows = []
    for mhz, khz, blocks, fraction, order in (
        (100, 30, 273, 0.8, 8),
        (20, 15, 106, 1.0, 6),
        (100, 120, 66, 0.75, 6),
    ):
        grid = ResourceGrid(mhz * 1e6, khz * 1e3, uplink_fraction=fraction)
        link = NrLink(grid, mcs_table=2 if order == 8 else 1)
        model = NrRateModel.of(link)
        downlink = Downlink(grid.bandwidth_hz, model=model, blocks=4, seed=effort.seed)
        near = np.full(3, 60.0)  # so that fading leaves it at the peak
        found = downlink.efficiency(near, 1).max() * grid.bandwidth_hz
        slot_s = 1e-3 * 15 / khz
        peak = order * 948 / 1024 * 12 * blocks * 14 / slot_s * (1 - 1 / 14) * fraction
        rows.append(
            Law(
                family="NR downlink, peak bit/s",
                case=f"{mhz} MHz, {khz} kHz, {fraction:g} of the slots",
                estimator="efficiency of UEs",
                estimate=float(found),
                standard_error=0.0,
                closed_form=float(peak),
                allowed=float(peak) / 64,  # as coarsely as sizes are quantised
                probability=False,
            )
        )
    return rows

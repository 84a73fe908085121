"""Network mode of the simulator: uploads through its medium, with every cell loaded and on equal
shares.

Each network's cells have as many UEs, who start together. Equal bands lie side by side in every
cell, so a UE is disturbed by one UE of each other cell: given all positions the product form is
exact, and over networks it is eq. (15) for a UE dropped in the typical cell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netsim.protocols import RoundPlan
from netsim.radio.coverage import success_probability, topology_success_probability
from netsim.radio.link import RateModel
from netsim.radio.pathloss import PowerLaw
from netsim.simulation.clock import Clock
from netsim.simulation.core import Backhaul, open_round
from netsim.simulation.medium import NetworkUplink
from netsim.simulation.state import Fleet, Links, Rules
from netsim.units import FloatArray, IntArray, from_db
from netsim.verification.law import Effort, Law, mean
from netsim.verification.networks import DENSITY, Network, networks
from netsim.verification.success import ALLOWED, EXPONENT, POWER_W

PER_CELL = 2
THRESHOLDS_DB = (-5.0, 0.0, 5.0)
_BANDWIDTH_HZ = 1e7
_NO_NOISE = 1e-40


def network_mode(effort: Effort) -> Sequence[Law]:
    """Frequency of SINR >= threshold over all UEs, against the product form and the typical-cell
    law.
    """
    met = []
    given = []
    law = []
    for network in networks(effort)[: max(effort.networks // 2, 200)]:
        distance = _distances(network)
        ratio = _sinr(network, distance)
        rows = np.arange(len(ratio))
        site = rows // PER_CELL
        own = distance[rows, site]
        others = np.where(
            np.arange(len(network.sites_m)) == site[:, None], np.inf, _heard(distance, site)
        )
        thresholds = [from_db(t) for t in THRESHOLDS_DB]
        met.append([(ratio >= t).mean() for t in thresholds])
        for threshold in thresholds:
            form = topology_success_probability(
                own,
                others,
                sinr_threshold=threshold,
                pathloss_exponent=EXPONENT,
            )
            given.append(form.mean())
            form = success_probability(
                own,
                density_per_m2=DENSITY,
                sinr_threshold=threshold,
                pathloss_exponent=EXPONENT,
                law="typical_cell",
            )
            law.append(form.mean())
    frequency, _ = mean(np.array(met))
    rows_out = []
    for name, form, allowed in (
        ("given all positions", np.reshape(given, (len(met), -1)), 0.0),
        ("typical cell", np.reshape(law, (len(met), -1)), ALLOWED["typical_cell"]),
    ):
        closed, _ = mean(form)
        _, errors = mean(np.array(met) - form)
        for index, threshold_db in enumerate(THRESHOLDS_DB):
            rows_out.append(
                Law(
                    "network mode, full load",
                    f"{threshold_db:g} dB, {PER_CELL} UEs in each cell",
                    name,
                    float(frequency[index]),
                    float(errors[index]),
                    float(closed[index]),
                    allowed=allowed,
                )
            )
    return rows_out


def _distances(network: Network) -> FloatArray:
    """From every UE to every gNB; UEs PER_CELL c ... PER_CELL c + PER_CELL - 1 are of cell c. [K,
    S].
    """
    drops = [network.ue_per_cell_m(f"medium_{turn}") for turn in range(PER_CELL)]
    ues = np.stack(drops, axis=1).reshape(-1, 2)
    return network.distances_m(ues, network.sites_m)


def _heard(distance_m: FloatArray, site: IntArray) -> FloatArray:
    """Distance to each UE's gNB of the UE that shares its band in every cell. [K, S]."""
    turn = np.arange(len(site)) % PER_CELL
    source = np.arange(distance_m.shape[1]) * PER_CELL + turn[:, None]  # [K, S]
    return np.asarray(distance_m[source, site[:, None]])


def _sinr(network: Network, distance_m: FloatArray) -> FloatArray:
    """SINR of every UE at the start of its upload, by the simulator. [K]."""
    count, sites = distance_m.shape
    gain = PowerLaw(EXPONENT, min_distance_m=1e-3).gain(distance_m)
    gnb = np.arange(count) // PER_CELL
    one = np.ones(count)
    none = np.zeros(count)
    own = gain[np.arange(count), gnb]
    links = Links(
        np.zeros((count, 2)),
        gnb,
        none,
        own,
        none,
        none,
        one,
        gain,
    )
    fleet = Fleet(
        [],
        one,
        one,
        one,
        1e-9 * one,
        none,
        one.astype(np.int64),
        np.ones((count, 1), np.int64),
    )
    rules = Rules(
        10.0,
        True,
        5.0,
        0.0,
        False,
        1e12,
        1.0,
        np.zeros(1, dtype=bool),
    )
    plan = RoundPlan(
        np.arange(count),
        np.zeros(count, dtype=np.int64),
        one / PER_CELL,
        POWER_W * one,
    )
    uplink = NetworkUplink(
        seed=network.seed,
        sites=sites,
        bandwidth_hz=_BANDWIDTH_HZ,
        noise_psd_w_hz=_NO_NOISE,
        model=RateModel("shannon", 1.0),
        coherence_s=1.0,
        block_fading=False,
        retransmissions=0,
        reallocates=False,
        max_power_w=POWER_W,
        background_ues=0,
        places=None,
        ordered_bands=True,
    )
    clock = Clock()
    round_ = open_round(
        clock,
        network.index + 1,
        plan,
        fleet,
        links,
        rules,
        Backhaul(),
        np.ones(len(plan.ue)),
    )
    uplink.begin(clock, round_)
    clock.run(until=20.0)
    return round_.airing.sinr

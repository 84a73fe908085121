"""Network mode of the simulator: uploads through its medium, all cells loaded, in equal shares.

All cells of a network have the same number of UEs, who start together. Equal bands lie side by side
in every cell, so a UE is disturbed by one UE of each other cell: given all positions the product
form is exact, and over networks it is eq. (15) for a UE dropped in the typical cell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netsim.course import Versions
from netsim.device.fleet import Fleet
from netsim.protocols import WHOLE, RoundPlan
from netsim.radio.coverage import success_probability, topology_success_probability
from netsim.radio.downlink import Downlink
from netsim.radio.pathloss import PowerLaw
from netsim.radio.rate_model import RateModel
from netsim.simulation.air.network import NetworkUplink
from netsim.simulation.opening import Setting, open_round, ready_to_send
from netsim.simulation.state import Links, Payloads, RoundSpan, Rules
from netsim.simulation.uploads.advance import OnAir
from netsim.simulation.uploads.band import StaticBand
from netsim.simulation.uploads.flight import Flight
from netsim.simulation.uploads.segments import SegmentLog, nothing_sent
from netsim.simulation.uploads.transfers import Transfers
from netsim.topology.core_links import CoreLinks
from netsim.units import FloatArray, IntArray, from_db
from netsim.verification.law import Effort, Law, mean
from netsim.verification.networks import DENSITY, Network, networks
from netsim.verification.success import ALLOWED, EXPONENT, POWER_W

PER_CELL = 2
THRESHOLDS_DB = (-5.0, 0.0, 5.0)
BANDWIDTH_HZ = 1e7
NO_NOISE = 1e-40
DEADLINE_S = 10.0


def network_mode(effort: Effort) -> Sequence[Law]:
    """Frequency of SINR >= threshold over all UEs, against product form and typical-cell law."""
    drawn = networks(effort)[: max(effort.networks // 2, 200)]
    found = np.array([_network(network) for network in drawn])
    met, given, law = found.transpose(1, 0, 2)
    return [
        *_against(
            met,
            given,
            "given all positions",
            allowed=0.0,
        ),
        *_against(
            met,
            law,
            "typical cell",
            allowed=ALLOWED["typical_cell"],
        ),
    ]


def _network(network: Network) -> list[list[float]]:
    """Frequency of success in one network, product form and typical-cell law. [3, threshold]."""
    distance = _distances(network)
    ratio = _sinr(network, distance)
    rows = np.arange(len(ratio))
    site = rows // PER_CELL
    own = distance[rows, site]
    every_site = np.arange(len(network.sites_m))
    others = np.where(
        every_site == site[:, None],
        np.inf,
        _heard(distance, site),
    )
    threshold = from_db(np.array(THRESHOLDS_DB))
    met = [float((ratio >= least).mean()) for least in threshold]
    product_form = topology_success_probability(
        own,
        others,
        sinr_threshold=threshold[:, None],
        pathloss_exponent=EXPONENT,
    )
    given = [float(row.mean()) for row in product_form]
    law = []
    for least in threshold:
        typical_cell = success_probability(
            own,
            density_per_m2=DENSITY,
            sinr_threshold=least,
            pathloss_exponent=EXPONENT,
            law="typical_cell",
        )
        law.append(float(typical_cell.mean()))
    return [met, given, law]


def _against(
    met: FloatArray,
    form: FloatArray,
    estimator: str,
    *,
    allowed: float,
) -> list[Law]:
    """Rows of one closed form. Frequencies and forms: [network, threshold]."""
    frequency, _ = mean(met)
    closed, _ = mean(form)
    _, errors = mean(met - form)
    return [
        Law(
            family="network mode, full load",
            case=f"{threshold_db:g} dB, {PER_CELL} UEs in each cell",
            estimator=estimator,
            estimate=float(frequency[index]),
            standard_error=float(errors[index]),
            closed_form=float(closed[index]),
            allowed=allowed,
        )
        for index, threshold_db in enumerate(THRESHOLDS_DB)
    ]


def _distances(network: Network) -> FloatArray:
    """Distance from every UE to every gNB. UE k is of cell k // PER_CELL. [K, S]."""
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
    links = _links(distance_m)
    plan = RoundPlan(
        ue=np.arange(count),
        module=np.zeros(count, dtype=np.int64),
        share=np.full(count, 1 / PER_CELL),
        power_w=np.full(count, POWER_W),
    )
    number, none_made = network.index + 1, np.zeros(1, dtype=np.int64)
    versions = Versions(none_made, none_made)
    round_ = open_round(_setting(count), links, plan, versions, number=number, start_s=0.0)
    ready_to_send(round_.uploads)
    span = RoundSpan(number, 0.0, deadline_s=DEADLINE_S, horizon_s=np.inf)
    on_air = OnAir(
        uploads=round_.uploads,
        air=_uplink(network.seed, sites).open(span, links, None),
        band=StaticBand(),
        log=SegmentLog(nothing_sent(round_.uploads)),
        retransmissions=0,
    )
    flight = Flight(on_air, Transfers(), outlasts=False)
    while (step := flight.next_step_s()) is not None:
        flight.step(*step)
    return round_.uploads.sinr


def _links(distance_m: FloatArray) -> Links:
    """Of UEs that are served cell by cell."""
    count = len(distance_m)
    gain = PowerLaw(EXPONENT, min_distance_m=1e-3).gain(distance_m)
    gnb = np.arange(count) // PER_CELL
    unused = np.zeros(count)
    return Links(
        position_m=np.zeros((count, 2)),
        gnb=gnb,
        distance_m=unused,
        gain=gain[np.arange(count), gnb],
        interference_w=unused,
        noise_psd_w_hz=unused,
        downlink_efficiency=np.ones(count),
        pace=np.ones(count),
        site_gain=gain,
    )


def _setting(count: int) -> Setting:
    """UEs that compute in no time, with a payload of one bit."""
    one = np.ones(count)
    bit = np.ones(1)
    fleet = Fleet(
        device_class=[],
        cpu_hz=one,
        energy_coefficient=one,
        cycles=one,
        compute_s=1e-9 * one,
        compute_energy_j=0.0 * one,
        samples=one.astype(np.int64),
        label_counts=np.ones((count, 1), np.int64),
    )
    rules = Rules(
        deadline_s=DEADLINE_S,
        barrier=True,
        compute_limit_s=DEADLINE_S / 2,
        aggregation_s=0.0,
        foundation_every_round=False,
        downlink=Downlink(1e12),
    )
    payloads = Payloads(
        bits=bit,
        size_of=lambda module, rank=None, parts=WHOLE: bit[module],
        down_of=lambda module, rank=None, parts=WHOLE: bit[module],
        emulated=np.zeros(1, dtype=bool),
        foundation_bits=1.0,
    )
    return Setting(fleet, rules, payloads, CoreLinks())


def _uplink(seed: int, sites: int) -> NetworkUplink:
    return NetworkUplink(
        seed=seed,
        sites=sites,
        bandwidth_hz=BANDWIDTH_HZ,
        noise_psd_w_hz=NO_NOISE,
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

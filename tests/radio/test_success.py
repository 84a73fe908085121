"""lambda where no closed form holds: against the frequency of success in the sampler's own
draws.
"""

from __future__ import annotations

import numpy as np
import pytest

from netsim.radio.arrival import BLOCKS, DRAWS, BlockArrival, planning_fading
from netsim.radio.fading import CHUNK_BLOCKS, upload_fading
from netsim.radio.interference import SiteField
from netsim.radio.link import transmit_blocks
from netsim.radio.pathloss import PowerLaw, distances_m
from netsim.radio.places import CellPlaces
from netsim.radio.rate_model import RateModel
from netsim.radio.success import LaplaceTable, SiteLaplace
from netsim.topology.association import places_in_cells
from netsim.topology.deployment import Deployment, hexagonal_sites

POWER_W, NOISE = 0.2, 1e-19
PATHLOSS = PowerLaw()


@pytest.fixture(scope="module")
def sites() -> Deployment:
    return hexagonal_sites(density_per_km2=1.0, window_km=5.0)


@pytest.fixture(scope="module")
def places(sites: Deployment) -> CellPlaces:
    where = places_in_cells(sites, 64, seed=3)
    gain = PATHLOSS.gain(distances_m(where.reshape(-1, 2), sites.positions_m))  # [place, site]
    return CellPlaces.of(gain.T.reshape(len(sites.positions_m), len(sites.positions_m), 64))


def _cells(places: CellPlaces) -> list[np.ndarray]:
    heard = places.gain * POWER_W
    return [
        np.where(np.arange(places.sites)[:, None] == c, 0.0, heard[:, c])
        for c in range(places.sites)
    ]


def test_places_lie_in_their_cells(sites: Deployment) -> None:
    where = places_in_cells(sites, 50, seed=1)
    near = distances_m(where.reshape(-1, 2), sites.positions_m).argmin(axis=1).reshape(-1, 50)
    assert (near == np.arange(len(sites.positions_m))[:, None]).all()


@pytest.mark.parametrize(("distance", "threshold"), [(150.0, 3.0), (300.0, 1.0), (450.0, 0.3)])
@pytest.mark.parametrize("band", [1e5, 1e8])
def test_site_laplace_is_the_frequency_of_success(
    places: CellPlaces, distance: float, threshold: float, band: float
) -> None:
    count = 40_000
    gnb, own = (
        np.zeros(count, dtype=np.int64),
        np.full(count, float(PATHLOSS.gain(np.array(distance)))),
    )
    draw = SiteField(places, POWER_W).draw(5, 1, 1, np.full(count, distance), gnb)
    ratio = upload_fading(5, 1, 1, count) * own * POWER_W / (draw.upload_power_w() + NOISE * band)
    table = LaplaceTable.of(_cells(places), gnb)
    model = SiteLaplace(gnb, own, threshold, NOISE, table, False, None)
    lam = float(model.probability(np.array([0]), np.array([band]), np.array([POWER_W]))[0])
    spread = np.sqrt(lam * (1 - lam) / count)
    assert (ratio >= threshold).mean() == pytest.approx(lam, abs=4 * spread + 1e-3)
    assert 0.02 < lam < 0.99


def test_site_laplace_knows_silence_and_infinite_bands(places: CellPlaces) -> None:
    model = SiteLaplace(
        np.zeros(1, int),
        np.ones(1) * 1e-9,
        0.3,
        NOISE,
        LaplaceTable.of(_cells(places), np.zeros(1, int)),
        False,
        None,
    )
    lam = model.probability(
        np.zeros(3, int), np.array([1e6, np.inf, 1e6]), np.array([0.0, 0.2, 0.2])
    )
    assert lam[:2].tolist() == [0.0, 0.0]
    assert 0 < lam[2] < 1


def test_gnbs_that_serve_nobody_take_no_time(places: CellPlaces) -> None:
    """A table of them all took ten seconds for 700 gNBs, of which 20 served UEs."""
    cells = _cells(places)
    everywhere = np.arange(places.sites)
    serving = np.array([places.sites - 1, 1, 1])
    whole, some = LaplaceTable.of(cells, everywhere), LaplaceTable.of(cells, serving)
    assert some.log_exponent.shape == (2, len(whole.log_s))
    s = np.array([1e9, 1e10, 1e12])
    np.testing.assert_array_equal(some.transform(serving, s), whole.transform(serving, s))


def test_no_interferers_leave_the_noise() -> None:
    table = LaplaceTable.of([np.zeros((1, 0))], np.zeros(1, int))
    model = SiteLaplace(np.zeros(1, int), np.array([1e-10]), 0.5, 1e-18, table, False, None)
    lam = model.probability(np.zeros(1, int), np.array([1e7]), np.array([0.1]))
    assert lam[0] == pytest.approx(np.exp(-0.5 * 1e-18 * 1e7 / (0.1 * 1e-10)))


@pytest.mark.parametrize("airtime", [0.3, 0.6, 1.2])
def test_block_arrival_is_the_frequency_of_arrival(places: CellPlaces, airtime: float) -> None:
    count, coherence, band, payload = 3000, 0.02, 2e6, 1.2e6
    gnb, own = (
        np.zeros(count, dtype=np.int64),
        np.full(count, float(PATHLOSS.gain(np.array(300.0)))),
    )
    rate = RateModel("shannon", 0.3)
    draw = SiteField(places, POWER_W).draw(9, 1, 1, own, gnb)
    generator = np.random.default_rng(2)
    interference = {c: draw.block_power_w(c) for c in range(3)}
    fading = {c: generator.standard_exponential((count, CHUNK_BLOCKS)) for c in range(3)}

    def ratio(chunk: int, rows: np.ndarray) -> np.ndarray:
        level = interference[chunk][rows] + NOISE * band
        return np.asarray(POWER_W * own[rows, None] * fading[chunk][rows] / level)

    one = np.ones(count)
    sent = transmit_blocks(
        payload * one,
        band * one,
        ratio,
        0 * one,
        airtime * one,
        model=rate,
        origin_s=0.0,
        coherence_s=coherence,
    )
    planned = np.stack(
        [
            SiteField(places, POWER_W)
            .draw(1, 99, d, own[:200], gnb[:200])
            .block_power_w(0)[:, :BLOCKS]
            for d in range(DRAWS)
        ],
        axis=1,
    )
    model = BlockArrival(
        own[:200],
        planned,
        False,
        NOISE,
        rate,
        np.full(200, coherence),
        planning_fading(1, DRAWS, BLOCKS),
    )
    lam = model.probability(
        np.arange(200), np.full(200, band), np.full(200, POWER_W), payload, airtime
    )
    assert np.isfinite(sent.finish_s).mean() == pytest.approx(lam.mean(), abs=0.04)


def test_block_arrival_with_all_the_time_in_the_world() -> None:
    model = BlockArrival(
        np.array([1e-10, 0.0]),
        np.zeros((2, DRAWS, BLOCKS)),
        False,
        1e-18,
        RateModel("shannon", 0.1),
        np.full(2, 0.02),
        planning_fading(1, DRAWS, BLOCKS),
    )
    lam = model.probability(np.arange(2), np.full(2, 1e6), np.full(2, 0.2), 1e9, np.inf)
    assert lam.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("density", [False, True])
@pytest.mark.parametrize("follow_w", [None, 0.2])
@pytest.mark.parametrize("powers", [1, 5, 40])
def test_rows_that_are_computed_together_are_those_of_each_alone(
    density: bool, follow_w: float | None, powers: int
) -> None:
    """UEs with equally many powers share what they hear; with one row more they no longer do."""
    draw = np.random.default_rng(3)
    ues = 20
    model = BlockArrival(
        gain=10 ** draw.uniform(-13, -10, ues),
        interference=draw.exponential(1e-19 if density else 1e-13, (ues, DRAWS, BLOCKS)),
        density=density,
        noise_psd_w_hz=1e-19,
        model=RateModel("shannon", 0.1),
        coherence_s=np.where(np.arange(ues) % 3, 0.02, 0.005),  # some move faster
        fading=planning_fading(1, DRAWS, BLOCKS),
        follow_w=follow_w,
    )
    ue = draw.permutation(np.repeat(np.arange(ues), powers))
    band = 1e6 / (1 + ue)
    power = draw.uniform(0.001, POWER_W, len(ue))
    payload = draw.uniform(1e5, 1e6, len(ue))
    rows = [ue, band, power, payload]
    alone = [model.probability(*(row[[i]] for row in rows), 1.0)[0] for i in range(len(ue))]
    assert model.probability(*rows, 1.0).tolist() == alone
    one_more = [np.append(row, row[0]) for row in rows]
    assert model.probability(*one_more, 1.0).tolist() == [*alone, alone[0]]
    assert len(set(alone)) > len(alone) / 2

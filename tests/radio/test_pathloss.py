"""Path-loss models against values worked out by hand from their sources, and their discovery."""

from __future__ import annotations

import numpy as np
import pytest

import netsim.radio.hata as hata
from netsim.errors import InputError, ScenarioError
from netsim.plugins import plugin_names
from netsim.radio.budget import antenna_gain, noise_psd_w_hz
from netsim.radio.hata import Cost231Hata, OkumuraHata
from netsim.radio.pathloss import ENTRY_POINTS, PowerLaw, pathloss_class
from netsim.radio.power_control import open_loop_power_w
from netsim.radio.tr38901 import RuralMacro, UrbanMacro, UrbanMicro
from netsim.units import dbm_to_w, to_db

# Table 7.4.1-1 of TR 38.901 by hand: model, d_2D in m, loss in dB with and without line of sight.
# UMa at 2 GHz: d_3D(100) = sqrt(100² + 23.5²) = 102.724; d'_BP = 4 * 24 * 0.5 * 2e9 / 3e8 = 320 m.
#   LOS(100) = 28 + 22 * 2.011672 + 20 * 0.301030 = 78.2774
#   LOS(1000) = 28 + 40 * 3.000120 + 6.0206 - 9 log10(320² + 23.5²) = 28 + 120.0048 + 6.0206 -
# 45.1135
#   NLOS(100) = 13.54 + 39.08 * 2.011672 + 6.0206 = 98.1767
# UMi at 28 GHz: d_3D(50) = sqrt(50² + 8.5²) = 50.7174; d'_BP = 4 * 9 * 0.5 * 28e9 / 3e8 = 1680 m.
#   LOS(50) = 32.4 + 21 * 1.705157 + 20 * 1.447158 = 97.1515
#   NLOS(50) = 22.4 + 35.3 * 1.705157 + 21.3 * 1.447158 = 113.4165
#   LOS(2000) = 32.4 + 40 * 3.301034 + 28.9432 - 9.5 log10(1680² + 8.5²) = 132.1028
# RMa at 0.7 GHz, h = 5 m: 0.03 h^1.72 = 0.47793, 0.044 h^1.72 = 0.70096, 0.002 log10 h =
# 0.00139794;
#   d_BP = 2 pi * 35 * 1.5 * 0.7e9 / 3e8 = 769.690 m; d_3D(200) = sqrt(200² + 33.5²) = 202.7862.
#   LOS(200) = 20 log10(40 pi * 202.7862 * 0.7 / 3) + 0.47793 * 2.307038 - 0.70096 + 0.28348 =
# 76.1679
#   NLOS(2000) = 161.04 - 9.2373 + 5.2423 - 24.29449 * 1.544068 + 38.633389 * 0.301091 - 3.0980 +
# 0.0009 = 128.0677
LOSSES = [
    (UrbanMacro(carrier_hz=2e9), 100, 78.2774, 98.1767),
    (UrbanMacro(carrier_hz=2e9), 1000, 108.9119, 136.8053),
    (UrbanMacro(carrier_hz=2e9), 5, 28 + 22 * np.log10(np.hypot(10, 23.5)) + 6.0206, None),
    (UrbanMicro(carrier_hz=28e9), 50, 97.1515, 113.4165),
    (UrbanMicro(carrier_hz=28e9), 2000, 132.1028, 169.7511),
    (RuralMacro(), 200, 76.1679, None),
    (RuralMacro(), 2000, None, 128.0677),
]


@pytest.mark.parametrize(("model", "distance", "los", "nlos"), LOSSES)
def test_loss_by_hand(model, distance: float, los: float | None, nlos: float | None) -> None:
    d = np.array([distance], dtype=float)
    if los is not None:
        assert model.los_loss_db(d)[0] == pytest.approx(los, abs=2e-3)
    if nlos is not None:
        assert model.nlos_loss_db(d)[0] == pytest.approx(nlos, abs=2e-3)


def test_breakpoints_by_hand() -> None:
    assert UrbanMacro(carrier_hz=2e9).breakpoint_m == pytest.approx(320)
    assert UrbanMicro(carrier_hz=28e9).breakpoint_m == pytest.approx(1680)
    assert RuralMacro().breakpoint_m == pytest.approx(769.690, abs=1e-3)


@pytest.mark.parametrize(
    "model", [UrbanMacro(), UrbanMicro(), RuralMacro(), UrbanMacro(carrier_hz=28e9)]
)
def test_loss_is_continuous_at_the_breakpoint_and_grows(model) -> None:
    edge = model.breakpoint_m
    below, above = model.los_loss_db(np.array([edge * (1 - 1e-9), edge * (1 + 1e-9)]))
    # UMa and UMi meet exactly; RMa's two formulas differ by d_2D and d_3D at the breakpoint
    assert above == pytest.approx(below, abs=0.1 if isinstance(model, RuralMacro) else 1e-6)
    d = np.geomspace(10, 20_000, 400)
    assert np.all(np.diff(model.gain(d)) < 0)
    assert np.all(model.nlos_loss_db(d) >= model.los_loss_db(d))


# Table 7.4.2-1: UMa(100) = 0.18 + e^(-100/63) 0.82, UMi(100) = 0.18 + e^(-100/36) 0.82, RMa =
# e^-0.99.
@pytest.mark.parametrize(
    ("model", "distance", "probability"),
    [
        (UrbanMacro(), 18, 1.0),
        (UrbanMacro(), 100, 0.34767),
        (UrbanMacro(), 500, 0.03634),
        (UrbanMicro(), 17, 1.0),
        (UrbanMicro(), 100, 0.23098),
        (UrbanMicro(), 300, 0.06023),
        (RuralMacro(), 10, 1.0),
        (RuralMacro(), 1000, 0.37158),
    ],
)
def test_line_of_sight_probability(model, distance: float, probability: float) -> None:
    assert model.los_probability(np.array([float(distance)]))[0] == pytest.approx(
        probability, abs=1e-5
    )


def test_gain_is_the_mean_over_line_of_sight() -> None:
    model, d = UrbanMicro(), np.array([80.0])
    p = model.los_probability(d)
    expected = p * 10 ** (-model.los_loss_db(d) / 10) + (1 - p) * 10 ** (
        -model.nlos_loss_db(d) / 10
    )
    np.testing.assert_allclose(model.gain(d), expected, rtol=1e-12)


# 900 MHz, 30 m, 1.5 m, 1 km: 69.55 + 26.16 * 2.954243 - 13.82 * 1.477121 = 126.4191;
# a(1.5) = (1.1 * 2.954243 - 0.7) 1.5 - (1.56 * 2.954243 - 0.8) = 0.0159; slope 44.9 - 6.55 *
# 1.477121 = 35.2249.
# suburban: 2 log10(900 / 28)² + 5.4 = 9.9428; open: 4.78 * 8.72755 - 18.33 * 2.954243 + 40.94 =
# 28.5064.
# 1800 MHz: 46.3 + 33.9 * 3.255273 - 20.4138 = 136.2399; a = (1.1 * 3.255273 - 0.7) 1.5 - (1.56 *
# 3.255273 - 0.8) = 0.0430.
@pytest.mark.parametrize(
    ("model", "distance", "loss"),
    [
        (OkumuraHata(), 1e3, 126.4033),
        (OkumuraHata(), 10e3, 161.6281),
        (OkumuraHata(area="large_city"), 1e3, 126.4191 - (3.2 * np.log10(17.625) ** 2 - 4.97)),
        (
            OkumuraHata(area="large_city", carrier_hz=200e6),
            1e3,
            109.3299 - (8.29 * np.log10(2.31) ** 2 - 1.1),
        ),
        (OkumuraHata(area="suburban"), 1e3, 126.4033 - 9.9428),
        (OkumuraHata(area="open"), 1e3, 126.4033 - 28.5064),
        (Cost231Hata(), 1e3, 136.1969),
        (Cost231Hata(metropolitan=True), 2e3, 136.1969 + 3 + 35.2249 * 0.30103),
    ],
)
def test_hata_by_hand(model, distance: float, loss: float) -> None:
    assert model.loss_db(np.array([distance]))[0] == pytest.approx(loss, abs=2e-3)
    assert to_db(model.gain(np.array([distance])))[0] == pytest.approx(-loss, abs=2e-3)


def test_models_are_registered_and_meet_the_protocol() -> None:
    assert {"power_law", "uma", "umi", "rma", "okumura_hata", "cost231_hata"} <= set(
        plugin_names(ENTRY_POINTS)
    )
    ues, sites = (
        np.array([[0.0, 0.0], [300.0, 40.0]]),
        np.array([[2e3, 0.0], [0.0, 9e3], [5e3, 5e3]]),
    )
    for kind in plugin_names(ENTRY_POINTS):
        model = pathloss_class(kind)()
        assert model.__doc__
        assert model.link_gain(ues, sites, seed=1).shape == (2, 3)
        assert np.all(model.gain(np.array([[1.0, 500.0]])) > 0)
    with pytest.raises(
        ScenarioError, match=r"pathloss\.kind: must be one of .*uma.*\(found 'uam'\)"
    ):
        pathloss_class("uam")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UrbanMacro(carrier_hz=4e8), r"pathloss\.carrier_hz: must lie in 5e\+08\.\.1e\+11"),
        (lambda: UrbanMacro(ue_height_m=20), r"ue_height_m: must lie in 1\.5\.\.13 for UrbanMacro"),
        (lambda: UrbanMicro(carrier_hz=float("nan")), "carrier_hz"),
        (lambda: RuralMacro(street_width_m=60), "street_width_m"),
        (lambda: OkumuraHata(carrier_hz=3.5e9), "carrier_hz"),
        (lambda: Cost231Hata(site_height_m=10), "site_height_m"),
    ],
)
def test_parameters_out_of_range(make, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        make()


def test_open_loop_power() -> None:
    gain, band = np.array([1e-9, 1e-10, 1e-14]), np.array([180e3, 1.8e6, 1.8e6])
    # full compensation: P0 at the receiver in each block; -90 dBm + 10 dB + 100 dB = 20 dBm; then
    # the limit
    power = open_loop_power_w(gain, band, p0_dbm=-90.0, alpha=1.0, max_power_w=0.2)
    np.testing.assert_allclose(power, [1e-3, 0.1, 0.2], rtol=1e-12)
    # -60 + 10 + 0.5 * 100 = 0 dBm
    half = open_loop_power_w(gain[1:2], band[1:2], p0_dbm=-60.0, alpha=0.5, max_power_w=0.2)
    np.testing.assert_allclose(half, 1e-3, rtol=1e-12)
    same = open_loop_power_w(gain, np.full(3, 180e3), p0_dbm=10.0, alpha=0.0, max_power_w=0.2)
    np.testing.assert_allclose(same, 1e-2)
    with pytest.raises(InputError, match="alpha"):
        open_loop_power_w(gain, band, p0_dbm=-90.0, alpha=1.1, max_power_w=0.2)


def test_link_budget() -> None:
    assert antenna_gain(site_dbi=15, ue_dbi=0, cable_loss_db=2) == pytest.approx(10**1.3)
    assert noise_psd_w_hz(0.0) == pytest.approx(dbm_to_w(-173.975), rel=1e-3)
    assert noise_psd_w_hz(5.0) == pytest.approx(dbm_to_w(-168.975), rel=1e-3)


def test_power_law_draws_nothing() -> None:
    ues, sites = np.array([[0.0, 0.0]]), np.array([[300.0, 400.0]])
    assert PowerLaw(3.8).link_gain(ues, sites, seed=1)[0, 0] == pytest.approx(500.0**-3.8)


def test_hata_is_never_below_free_space() -> None:
    """Open land at short distances: the formula alone would amplify."""
    model = OkumuraHata(area="open")
    distance_m = np.geomspace(10, 20e3, 200)
    free_space = 20 * np.log10(
        4 * np.pi * np.hypot(distance_m, 28.5) * model.carrier_hz / 299_792_458.0
    )
    loss_db = model.loss_db(distance_m)
    assert (loss_db >= free_space - 1e-9).all()
    assert loss_db[0] == pytest.approx(free_space[0])
    assert loss_db[-1] > free_space[-1] + 10
    assert (np.diff(loss_db) > 0).all()


def test_hata_outside_its_range(caplog: pytest.LogCaptureFixture) -> None:
    sites = np.zeros((1, 2))
    near = np.array([[500.0, 0.0], [3e3, 0.0]])
    hata._WARNED.clear()
    told = OkumuraHata(extrapolate=True)
    told.link_gain(near[1:], sites, seed=1)
    assert caplog.text == ""
    for _ in range(2):
        told.link_gain(near, sites, seed=1)
    assert caplog.text.count("OkumuraHata is fitted to links of 1..20 km; 50% of those here") == 1
    strict = Cost231Hata()
    strict.link_gain(near[1:], sites, seed=1)
    with pytest.raises(ScenarioError, match=r"must be 1\.\.20 km long.*500 m"):
        strict.link_gain(near, sites, seed=1)

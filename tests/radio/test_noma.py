"""Two UEs on a band: rates against the capacity region, times by small steps, lambda by draws."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from polars import col

from netsim.allocation.pairing import far_near, paired
from netsim.assembly import Loaded, build_parts, build_simulation
from netsim.assembly.sharing import partners
from netsim.errors import ScenarioError
from netsim.protocols import RoundPlan, Silence
from netsim.radio.noma import ALONE, Sic, pairs_on_air
from netsim.radio.noma_success import PairedSuccess
from netsim.radio.rate_model import RateModel
from netsim.results.writer import MemorySink
from netsim.scenario.load import load_scenario
from netsim.simulation.air.field import FieldUplink
from netsim.units import FloatArray, IntArray

THETA = 0.3
MODEL = RateModel("shannon", THETA)
PAIRED: dict[str, Any] = {
    "network_only": True,
    "uplink.access": "noma",
    "scheme.kind": "round_robin",
    "rounds": 3,
    "ues.count": 13,
    "topology.window_km": 8,
}


def capacity(signal_w: FloatArray, noise_w: FloatArray) -> FloatArray:
    return np.log2(1 + signal_w / noise_w)


def test_rates_are_corners_of_the_capacity_region() -> None:
    """Of the two-user channel: R1 <= C(S1), R2 <= C(S2), R1 + R2 <= C(S1 + S2)."""
    random = np.random.default_rng(0)
    one, two, noise = random.exponential(size=(3, 500))
    first, second = (np.log2(1 + sinr) for sinr in Sic(0.0).decoded(one, two, noise))
    np.testing.assert_allclose(first + second, capacity(one + two, noise))
    np.testing.assert_allclose(second, capacity(two, noise))
    second_corner = Sic(0.0).decoded(two, one, noise)  # the other order
    np.testing.assert_allclose(np.log2(1 + second_corner[1]), capacity(one, noise))
    assert (first < capacity(one, noise)).all()
    # time sharing of the band with the same powers lies within
    for part in (0.1, 0.5, 0.9):
        shared = part * np.log2(1 + one / (part * noise))
        shared += (1 - part) * np.log2(1 + two / ((1 - part) * noise))
        assert (shared <= first + second + 1e-12).all()


def test_what_stays_of_the_first_costs_the_second() -> None:
    signal = np.array([4.0]), np.array([1.0]), np.array([0.5])
    rates = [Sic(residual).decoded(*signal)[1].item() for residual in (0.0, 0.1, 1.0)]
    assert rates == pytest.approx([2.0, 1 / 0.9, 1 / 4.5])


@dataclass
class Two:
    """A first and a second on 1 Hz."""

    bits: FloatArray
    start_s: FloatArray
    stop_s: FloatArray
    hz: FloatArray = field(default_factory=lambda: np.ones(2))
    noise_w: FloatArray = field(default_factory=lambda: np.full(2, 0.5))
    partner: IntArray = field(default_factory=lambda: np.array([7, 3]))


UES = np.array([3, 7])
SIGNAL_W = np.array([4.0, 1.0])


def by_steps(two: Two, residual: float, step_s: float = 1e-3) -> tuple[FloatArray, FloatArray]:
    """(finish, bits sent) by small steps of time."""
    sent, finish_s = np.zeros(2), np.full(2, np.inf)
    for time_s in np.arange(0.0, 12.0, step_s):
        on = (time_s >= two.start_s) & (time_s < two.stop_s) & np.isinf(finish_s)
        other = np.array([1.0, residual]) * SIGNAL_W[::-1] * on[::-1]
        rate = np.log2(1 + SIGNAL_W / (other + two.noise_w + 0.1)) * on
        sent += rate * step_s
        finish_s[np.isinf(finish_s) & (sent >= two.bits)] = time_s + step_s
    return finish_s, np.minimum(sent, two.bits)


@pytest.mark.parametrize("residual", [0.0, 0.2])
@pytest.mark.parametrize(
    ("bits", "start_s", "stop_s"),
    [
        ([4.0, 6.0], [0.0, 0.0], [10.0, 10.0]),
        ([9.0, 1.0], [0.0, 0.0], [10.0, 10.0]),
        ([5.0, 5.0], [1.0, 0.0], [10.0, 10.0]),
        ([5.0, 5.0], [0.0, 0.7], [10.0, 10.0]),
        ([5.0, 5.0], [0.0, 6.0], [10.0, 10.0]),  # the first is through before
        ([50.0, 3.0], [0.0, 0.0], [4.0, 4.0]),
        ([50.0, 30.0], [0.0, 1.0], [4.0, 3.0]),
        ([50.0, 30.0], [5.0, 1.0], [8.0, 3.0]),  # the second has stopped before
    ],
)
def test_times_and_bits_are_those_of_small_steps(
    bits: list[float], start_s: list[float], stop_s: list[float], residual: float
) -> None:
    two = Two(np.array(bits), np.array(start_s), np.array(stop_s))
    interference_w = np.array([0.1, 99.0])  # the second hears what the first does
    found = Sic(residual).transmit(two, UES, SIGNAL_W, SIGNAL_W, interference_w, MODEL)
    finish_s, sent = by_steps(two, residual)
    through = found.finish_s <= two.stop_s
    assert through.tolist() == np.isfinite(finish_s).tolist()
    np.testing.assert_allclose(found.finish_s[through], finish_s[through], atol=5e-3)
    np.testing.assert_allclose(found.bits, sent, atol=2e-2)


@pytest.mark.parametrize(("first_w", "lost"), [(4.0, [False, False]), (0.2, [True, True])])
def test_a_first_that_cannot_be_decoded_loses_the_second(first_w: float, lost: list[bool]) -> None:
    two = Two(np.full(2, 5.0), np.zeros(2), np.full(2, 100.0))
    signal_w = np.array([first_w, 1.0])  # it is first by its mean
    found = Sic(0.0).transmit(two, UES, SIGNAL_W, signal_w, np.zeros(2), MODEL)
    assert found.outage.tolist() == lost
    assert (found.sinr[1] > THETA) == (first_w > 0)
    apart = Two(np.full(2, 5.0), np.array([0.0, 90.0]), np.full(2, 100.0))
    later = Sic(0.0).transmit(apart, UES, SIGNAL_W, signal_w, np.zeros(2), MODEL)
    assert not later.outage[1]  # they never met


def test_who_has_no_partner_on_the_air_is_alone() -> None:
    two = Two(np.full(2, 5.0), np.zeros(2), np.full(2, 100.0), partner=np.array([ALONE, 9]))
    found = Sic(0.0).transmit(two, UES, SIGNAL_W, SIGNAL_W, np.zeros(2), MODEL)
    np.testing.assert_allclose(found.sinr, SIGNAL_W / 0.5)
    first, second = pairs_on_air(np.array([1, 2, 5]), np.array([5, ALONE, 1]), np.ones(3))
    assert (first.tolist(), second.tolist()) == ([0], [2])  # of equals the lower number is first


@dataclass(frozen=True)
class NoiseOnly:
    """lambda of Rayleigh fading in noise of 1 W/Hz and gains as given."""

    gain: FloatArray

    def probability(
        self,
        ue: IntArray,
        bandwidth_hz: FloatArray,
        power_w: FloatArray,
        payload_bits: FloatArray | float = 0.0,
        airtime_s: float = np.inf,
    ) -> FloatArray:
        with np.errstate(divide="ignore"):
            return np.asarray(np.exp(-THETA * bandwidth_hz / (power_w * self.gain[ue])))


@pytest.mark.parametrize("residual", [0.0, 0.3, 1.0])
def test_lambda_is_the_share_of_draws_that_are_decoded(residual: float) -> None:
    gain = np.array([0.8, 2.0, 5.0])
    model = PairedSuccess(NoiseOnly(gain), np.array([1, 0, ALONE]), gain, 1.0, THETA, residual)
    ues = np.arange(3)
    found = model.probability(ues, np.full(3, 0.25), np.ones(3))  # of what is taken for twice
    fading = np.random.default_rng(1).exponential(size=(3, 400_000))
    weak, strong, alone = fading * gain[:, None]
    first, second = Sic(residual).decoded(strong, weak, np.array(0.5))
    decoded = first >= THETA
    drawn = [(decoded & (second >= THETA)).mean(), decoded.mean(), (alone / 0.5 >= THETA).mean()]
    np.testing.assert_allclose(found, drawn, atol=3e-3)
    assert (model.probability(ues, np.full(3, 0.25), np.zeros(3)) == 0).all()


def test_the_nearest_is_paired_with_the_farthest() -> None:
    ue, gnb = np.arange(6), np.array([0, 0, 0, 0, 0, 1])
    gain = np.array([3.0, 9.0, 1.0, 7.0, 5.0, 2.0])
    assert far_near(ue, gnb, gain).tolist() == [3, 2, 1, 0, ALONE, ALONE]
    assert far_near(ue, gnb, np.ones(6)).tolist() == [4, 3, ALONE, 1, 0, ALONE]  # by number


@pytest.mark.parametrize("share", [[0.2] * 5, [0.1, 0.3, 0.2, 0.2, 0.2], [0.05] * 5])
def test_pairs_have_what_their_two_have_and_fill_no_more_of_the_band(share: list[float]) -> None:
    gain = np.array([3.0, 9.0, 1.0, 7.0, 5.0])
    plan = RoundPlan(np.arange(5), np.zeros(5, dtype=int), np.array(share), np.full(5, 0.2))
    found = paired(plan, np.zeros(5, dtype=int), gain)
    used = found.share[[0, 1, 4]]  # one of each pair, and who is alone
    assert used.sum() == pytest.approx(sum(share))
    assert found.share[3] == found.share[0]
    assert found.share[2] == found.share[1]
    wanted = np.array([share[0] + share[3], share[1] + share[2], 2 * share[4]])
    np.testing.assert_allclose(used / used.sum(), wanted / wanted.sum())


def test_sum_rates_of_a_run_are_those_of_its_channel() -> None:
    """SINRs in the tables, against signals and interference as drawn, in a Poisson field."""
    scenario = load_scenario("quickstart", PAIRED)
    parts, sink = build_parts(scenario, Silence(), Loaded()), MemorySink()
    build_simulation(parts, sink, Silence()).run(parts.scheme)
    uplink, links = parts.radio.uplink, parts.links
    assert isinstance(uplink, FieldUplink)
    uploads, pairs = sink.frame("uploads"), sink.frame("pairs")
    assert pairs.group_by("round").len()["len"].to_list() == [6, 6, 6]  # of 13, one is alone
    compared = 0
    for number in (1, 2, 3):
        fading, interference_w = uplink.draws(number, links, 1)
        rows = uploads.filter(col("round") == number)
        known = {row["ue"]: row for row in rows.iter_rows(named=True)}
        for pair in pairs.filter(col("round") == number).iter_rows(named=True):
            one, two = pair["first"], pair["second"]
            assert links.gain[one] >= links.gain[two]
            if one not in known or two not in known:
                continue
            noise_w = uplink.noise_psd_w_hz * known[one]["bandwidth_hz"] + interference_w[one]
            received = [known[u]["power_w"] * fading[u] * links.gain[u] for u in (one, two)]
            rates = [np.log2(1 + 10 ** (known[u]["sinr_db"] / 10)) for u in (one, two)]
            assert sum(rates) == pytest.approx(np.log2(1 + sum(received) / noise_w))
            lost = [known[u]["outcome"] == "outage" for u in (one, two)]
            assert lost[1] or not lost[0]
            compared += 1
    assert compared > 10


def test_two_on_a_band_are_sooner_through_than_each_on_its_own() -> None:
    """The means over the same channel; nobody interferes much."""
    finished = []
    for access in ("noma", "ofdma"):
        sink = MemorySink()
        given = {**PAIRED, "uplink.access": access, "radio.interferers": "persistent"}
        parts = build_parts(load_scenario("quickstart", given), Silence(), Loaded())
        build_simulation(parts, sink, Silence()).run(parts.scheme)
        rows = sink.frame("uploads").filter(col("outcome") == "on_time")
        finished.append(rows.select(col("bits_sent").sum() / col("airtime_s").sum()).item())
    assert finished[0] > finished[1]


@pytest.mark.parametrize("scheme", ["model_switching", "fedcs"])
def test_plans_are_told_of_partners(scheme: str) -> None:
    """What schemes expect of the SINR and lambda is less than without, and their plans hold."""
    found = []
    for access in ("noma", "ofdma"):
        given = {**PAIRED, "uplink.access": access, "scheme.kind": scheme, "rounds": 1}
        parts, sink = (
            build_parts(load_scenario("quickstart", given), Silence(), Loaded()),
            MemorySink(),
        )
        simulation = build_simulation(parts, sink, Silence())
        simulation.begin()
        seen = simulation.observe()
        ue = np.arange(13)
        probability = seen.success.probability(ue, np.full(13, 1e5), np.full(13, 0.2))
        found.append((seen.interference_w, probability, seen.rate_factor))
        simulation.step(parts.scheme.plan(seen))
    with_partner = found[0][0] > found[1][0]
    assert with_partner.sum() >= 6
    assert (found[0][1] <= found[1][1] + 1e-12).sum() >= 12
    assert (found[0][2], found[1][2]) == (2.0, 1.0)


@pytest.mark.parametrize(
    ("chosen", "rule"),
    [
        ({"radio.interference": "network", "federation": "network"}, "radio.interference = field"),
        ({"radio.rate_model": "nr", "radio.fading": "block"}, "radio.rate_model = shannon"),
        ({"radio.fading": "block"}, "radio.fading = round"),
        ({"radio.retransmissions": 1}, "radio.retransmissions = 0"),
        ({"radio.reallocation": "events"}, "radio.reallocation = static"),
        ({"radio.power_control.alpha": 0.7}, "radio.power_control = none"),
        ({"radio.interferer_power": "equal"}, "radio.interferer_power = fixed"),
        ({"round.late_uploads": "stale"}, "round.late_uploads = drop"),
        ({"mobility.kind": "random_waypoint"}, "mobility.kind = static"),
        ({"scheme.kind": "buffered_async"}, "uplink.access = noma"),
        (
            {"upload.codec": "fixed_point", "upload.secure_aggregation.threshold": 0.5},
            "upload.secure_aggregation = none",
        ),
    ],
)
def test_what_pairs_do_not_cover_is_refused(chosen: dict[str, Any], rule: str) -> None:
    def build() -> None:
        build_parts(load_scenario("quickstart", {**PAIRED, **chosen}), Silence(), Loaded())

    with pytest.raises(ScenarioError, match=rule):
        build()


def test_a_ue_with_several_uploads_is_refused() -> None:
    given = {**PAIRED, "scheme.kind": "model_switching", "scheme.max_modules": 2}
    parts = build_parts(load_scenario("quickstart", given), Silence(), Loaded())
    simulation = build_simulation(parts, MemorySink(), Silence())
    with pytest.raises(ScenarioError, match="one upload of a UE"):
        simulation.run(parts.scheme)


def test_planned_lambda_is_that_of_the_simulated_field() -> None:
    """Draws of rounds, in a Poisson field, against what schemes are told."""
    scenario = load_scenario("quickstart", {**PAIRED, "uplink.sic_residual": 0.05})
    parts, rounds, hz = build_parts(scenario, Silence(), Loaded()), 1500, 5e5
    uplink, links = parts.radio.uplink, parts.links
    assert isinstance(uplink, FieldUplink)
    assert uplink.sic is not None
    everybody = np.arange(len(links))
    sent_w = np.full(len(links), uplink.max_power_w)
    told = parts.radio.success_of(links).probability(everybody, 0 * sent_w + hz / 2, sent_w)
    first, second = pairs_on_air(everybody, partners(links), links.gain)
    decoded = np.zeros((2, len(first)))
    for number in range(1, rounds + 1):
        fading, interference_w = uplink.draws(number, links, 1)
        received_w = sent_w * fading * links.gain
        noise_w = uplink.noise_psd_w_hz * hz + interference_w[first]
        found = uplink.sic.decoded(received_w[first], received_w[second], noise_w)
        one, two = (sinr >= uplink.model.threshold for sinr in found)
        decoded += np.stack([one, one & two])
    spread = 4 * 0.5 / np.sqrt(rounds)
    np.testing.assert_allclose(decoded[0] / rounds, told[first], atol=spread)
    np.testing.assert_allclose(decoded[1] / rounds, told[second], atol=spread)
    assert np.ptp(told[second]) > 0.3

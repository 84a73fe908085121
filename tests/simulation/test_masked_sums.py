"""Secure aggregation: bits against the papers' formulas, who falls out, what is charged and lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars import col

import netsim
from netsim.assembly import Loaded, build_parts, build_simulation
from netsim.errors import ScenarioError
from netsim.learning.codecs.fixed_point import FixedPoint
from netsim.protocols import MaskedSum, MaskedSums, SecureAggregation, Silence
from netsim.protocols.masked_sums import room_for
from netsim.results.checks import check_run
from netsim.results.masking import masking
from netsim.results.writer import MemorySink
from netsim.scenario.load import load_scenario

ALL = SecureAggregation(
    threshold=2 / 3, partners=None, key_bits=256, share_bits=256, round_trip_s=0.02
)
SPARSE = SecureAggregation(
    threshold=0.5, partners=4, key_bits=256, share_bits=128, round_trip_s=0.02
)
MASKED: dict[str, Any] = {
    "upload.codec": "fixed_point",
    "upload.secure_aggregation.threshold": 0.6,
    "scheme.kind": "round_robin",
    "rounds": 3,
    "ues.count": 16,
    "round.deadline_s": 3.5,
    "round.compute_limit_s": None,
}


@pytest.mark.parametrize(
    ("members", "numbers", "factor"), [(2**10, 2**20, 1.73), (2**14, 2**24, 1.98)]
)
def test_an_upload_grows_as_in_the_abstract_of_the_paper(
    members: int, numbers: int, factor: float
) -> None:
    """16-bit numbers, a_K = a_S = 256 bit: 2 n a_K + (5 n - 4) a_S + m ceil(log2 R), down and up."""
    protocol = ALL.key_up_bits(members) + ALL.down_bits(members) + ALL.answer_bits(members)
    assert protocol == 2 * members * 256 + (5 * members - 4) * 256
    masked = numbers * (16 + room_for(np.ones(members, dtype=int)))
    assert (protocol + masked) / (16 * numbers) == pytest.approx(factor, abs=0.005)


def test_with_few_partners_bits_do_not_grow_with_the_members() -> None:
    few, many = SPARSE.key_up_bits(10), SPARSE.key_up_bits(10_000)
    assert few == many == 2 * 256 + 2 * 4 * 128
    assert SPARSE.answer_bits(10_000) == 4 * 128
    assert SPARSE.key_up_bits(3) == 2 * 256 + 2 * 2 * 128  # there are no more than two others


@pytest.mark.parametrize("weights", [[1, 1, 1], [5, 5, 5, 5], [2, 4, 6], [17, 30, 48], [7]])
@pytest.mark.parametrize("bits", [2, 8, 16])
def test_sums_fit_into_the_room_that_is_made_for_them(weights: list[int], bits: int) -> None:
    told = np.array(weights)
    greatest = (2**bits - 1) * (told // np.gcd.reduce(told)).sum()
    room = room_for(told)
    assert greatest < 2 ** (bits + room)
    assert (
        greatest >= 2 ** (bits + room - 1) - 2**room
    )  # and not into one bit less, but for rounding


def test_sums_of_codes_are_codes_of_sums() -> None:
    """As the gNB forms them: integers modulo R, masks that cancel, weights of samples."""
    codec, random = FixedPoint(bits=12, limit=0.5), np.random.default_rng(3)
    samples = np.array([16, 32, 48])
    modulus = 2 ** (codec.bits + room_for(samples))
    masks = random.integers(0, modulus, (3, 3, 100))
    total, decoded = np.zeros(100, dtype=np.int64), np.zeros(100)
    for one in range(3):
        x = random.normal(scale=0.1, size=100).astype(np.float32)
        encoded = codec.encode(x, random)
        code = np.packbits(  # 12-bit fields as integers
            np.hstack(
                [np.zeros((100, 4), np.uint8), np.unpackbits(encoded.data)[:1200].reshape(100, 12)]
            ),
            axis=1,
        ).astype(np.int64)
        level = code[:, 0] * 256 + code[:, 1]
        mask = sum(masks[one, other] - masks[other, one] for other in range(3) if other != one)
        total = (total + level * (samples[one] // 16) + mask) % modulus
        decoded += codec.decode(encoded, 100).astype(np.float64) * (samples[one] // 16)
    unit = codec.limit / codec.levels
    np.testing.assert_allclose((total - 6 * codec.levels) * unit, decoded, atol=1e-6)


def test_rounding_is_unbiased_and_has_the_variance_of_its_formula() -> None:
    codec, random = FixedPoint(bits=5, limit=1.0), np.random.default_rng(0)
    x = np.linspace(-1.2, 1.2, 13).astype(np.float32)
    kept = np.clip(x, -1, 1)
    found = np.array([codec.decode(codec.encode(x, random), len(x)) for _ in range(4000)])
    unit = 1.0 / 15
    p = kept / unit - np.floor(kept / unit)
    deviation = unit * np.sqrt(p * (1 - p))
    np.testing.assert_allclose(found.mean(axis=0), kept, atol=5 * unit / np.sqrt(4000) / 2 + 1e-6)
    np.testing.assert_allclose(found.std(axis=0), deviation, atol=0.05 * unit)


def recovers_by_hand(rule: SecureAggregation, answers: list[bool]) -> bool:
    """Every member, whether it answers or not, has enough partners that answer."""
    n, half = len(answers), (rule.partners or 0) // 2
    heard = [
        sum(answers[(one + step) % n] for step in range(-half, half + 1) if step)
        for one in range(n)
    ]
    return sum(answers) >= 2 and min(heard) >= rule.needed(n)


def test_a_sum_is_unmasked_where_all_secrets_can_be_put_together() -> None:
    assert ALL.recovers(np.array([True, True, False]))
    assert not ALL.recovers(np.array([True, False, False]))
    assert not ALL.recovers(np.array([True]))  # the sum would be the upload
    random = np.random.default_rng(1)
    outcomes = set()
    for _ in range(200):
        answers = random.random(9) < 0.6
        found = SPARSE.recovers(answers)
        assert found == recovers_by_hand(SPARSE, answers.tolist())
        outcomes.add(found)
    assert outcomes == {True, False}


def test_who_is_not_in_the_plan_any_more_has_fallen_out() -> None:
    one = MaskedSum(gnb=0, module=1, members=4, numbers=10, code_bits=16.0, room_bits=2)
    sums = MaskedSums.of(ALL, 1, [one], np.zeros(4, dtype=np.int64)).select(np.array([0, 2]))
    assert not sums.close(np.array([0, 1])).any()  # two of four; three are needed
    assert sums.arrived.tolist() == [2]


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> netsim.Run:
    scenario = load_scenario("quickstart", {"network_only": True, **MASKED})
    return netsim.run(scenario, out=tmp_path_factory.mktemp("runs") / "masked")


def test_some_sums_are_unmasked_and_the_uploads_of_others_are_lost(masked: netsim.Run) -> None:
    sums, uploads = masked.masked_sums.collect(), masked.uploads.collect()
    assert set(sums["unmasked"]) == {True, False}
    lost = sums.filter(~col("unmasked") & (col("arrived") > 0)).select("round", "module", "arrived")
    assert lost.height
    aborted = uploads.filter(col("outcome") == "aborted").group_by("round", "module").len("arrived")
    assert aborted.sort("round", "module").cast(pl.Int64).equals(lost.sort("round", "module"))
    rounds = masked.rounds.collect()
    on_time = sums.filter("unmasked").group_by("round").agg(col("arrived").sum())
    assert (
        rounds.join(on_time, on="round", how="left")
        .fill_null(0)
        .select((col("on_time") == col("arrived")).all())
        .item()
    )


def test_unmasking_takes_time_and_energy_after_the_uploads(masked: netsim.Run) -> None:
    sums, rounds = masked.masked_sums.collect(), masked.rounds.collect()
    spans = masked.spans.collect()
    for number in range(1, 4):
        took_s = sums.filter(col("round") == number)["unmasking_s"].max()
        uploads = masked.uploads.filter(col("round") == number).collect()
        closed_s = rounds.filter(col("round") == number)["end_s"].item()
        assert closed_s == pytest.approx(uploads["end_s"].max() + took_s + 0.01)
    answers = spans.filter(col("kind") == "uplink").filter(
        col("start_s") > col("start_s").min().over("round", "ue", "module")
    )
    arrived = sums.filter("unmasked")
    assert answers.height == arrived["arrived"].sum()
    assert answers["bits"].sum() == pytest.approx(
        (arrived["arrived"] * arrived["answer_bits"]).sum()
    )
    assert (answers["energy_j"] > 0).all()


def test_bits_go_up_and_down_as_the_sums_say(masked: netsim.Run, tmp_path: Path) -> None:
    """Beside the same run without masks."""
    plain = {k: v for k, v in MASKED.items() if not k.startswith("upload.secure")}
    scenario = load_scenario("quickstart", {"network_only": True, **plain})
    without = netsim.run(scenario, out=tmp_path / "plain")
    heard = [
        run.spans.filter((col("kind") == "broadcast") & (col("round") == 1)).collect()["bits"].sum()
        for run in (masked, without)
    ]
    first = masked.masked_sums.filter(col("round") == 1).collect()
    assert heard[0] - heard[1] == pytest.approx((first["members"] * first["down_bits"]).sum())
    sent = [
        run.uploads.filter(col("round") == 1).select("ue", "module", "payload_bits", "wait_s")
        for run in (masked, without)
    ]
    both = sent[0].join(sent[1], on=["ue", "module"], suffix="_plain").collect()
    assert both.height
    assert (both["payload_bits"] > both["payload_bits_plain"]).all()
    assert both["wait_s_plain"].min() == 0.0  # of who has computed last
    assert both["wait_s"].min() == pytest.approx(0.04)  # two round trips
    found = masking(masked)
    assert found is not None
    assert (found["sums"], found["unmasked"]) == (
        first.height * 3,
        masked.masked_sums.select(col("unmasked").sum()).collect().item(),
    )
    assert masking(without) is None


def test_runs_with_masks_balance_and_checks_notice_wrong_sums(masked: netsim.Run) -> None:
    checks = check_run(masked, bandwidth_hz=1e7, constant_rate=True)
    assert [check.name for check in checks if not check.passed] == []
    file = next((masked.path / "masked_sums").glob("*.parquet"))
    kept = file.read_bytes()
    for column, law in (
        ("arrived", "uploads on time = those in unmasked sums"),
        ("numbers", "masked upload = numbers x bits + keys, shares and answer"),
        ("needed", "enough have arrived where a sum is unmasked"),
    ):
        pl.read_parquet(file).with_columns(col(column) + 20).write_parquet(file)
        wrong = check_run(masked, bandwidth_hz=1e7, constant_rate=True)
        file.write_bytes(kept)
        assert law in [check.name for check in wrong if not check.passed]


def test_modules_whose_sums_are_lost_stay_as_they_are() -> None:
    """With a threshold that no sum reaches."""
    never = {**MASKED, "upload.secure_aggregation.threshold": 1.0, "radio.sinr_threshold_db": 60.0}
    scenario = load_scenario("quickstart", {"network_only": True, **never})
    parts = build_parts(scenario, Silence(), Loaded())
    simulation = build_simulation(parts, MemorySink(), Silence())
    simulation.run(parts.scheme)
    assert not simulation.course.made.any()


@pytest.mark.parametrize(
    ("chosen", "rule"),
    [
        ({"upload.codec": "none"}, "upload.codec: must be fixed_point"),
        ({"upload.codec": "top_k"}, "upload.codec: must be fixed_point"),
        ({"scheme.kind": "flexlora"}, "does not average"),
        ({"scheme.kind": "hetlora"}, "single UEs have learnt"),
        ({"scheme.kind": "oort"}, "single UEs have learnt"),
        ({"scheme.kind": "scaffold"}, "control variates"),
        ({"scheme.kind": "buffered_async"}, "never waits"),
        ({"round.late_uploads": "stale"}, "round.late_uploads must be drop"),
        ({"privacy.kind": "central"}, "privacy.kind = central must not be set"),
        ({"device.power": "states"}, "device.power must be transmit_only"),
        ({"device.battery_j": 10.0}, "device.battery_j must not be set"),
        ({"upload.error_feedback": True}, "upload.error_feedback must not be set"),
        ({"upload.secure_aggregation.partners": 3}, "multiple of 2"),
    ],
)
def test_what_needs_single_uploads_is_refused(chosen: dict[str, Any], rule: str) -> None:
    def build() -> None:
        build_parts(load_scenario("quickstart", {**MASKED, **chosen}), Silence(), Loaded())

    with pytest.raises(ScenarioError, match=rule):
        build()

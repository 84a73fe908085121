"""Power of states: TR 38.840's ratios, sums that agree, batteries that run out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from netsim import run
from netsim.device.battery import Batteries, empty_at_s
from netsim.device.circuits import circuit_times_s
from netsim.device.power import STATES, GnbPower, UePower
from netsim.results.checks import check_run
from netsim.scenario.model import Scenario

MakeScenario = Callable[..., Scenario]
SMALL: dict[str, Any] = {"rounds": 4, "ues.count": 10, "device.power": "states"}


class UploadRow:
    """One upload of UE 0, granted 20 s after a round's start."""

    ue = np.zeros(1, dtype=np.int64)
    leads = np.ones(1, dtype=bool)
    power_w = np.full(1, 0.2)
    opened_s = downloaded_s = computed_s = np.zeros(1)
    upload_start_s = np.full(1, 20.0)
    ready = np.ones(1, dtype=bool)
    end_s = np.full(1, np.nan)

    def __len__(self) -> int:
        return 1


def _drawn_w(dbm: float) -> float:
    power_w = np.array([10 ** (dbm / 10 - 3)])
    return float(STATES.drawn_w(power_w)[0])


def test_the_ratios_are_those_of_the_study() -> None:
    unit_w = STATES.idle_w  # deep sleep
    assert STATES.sleep_w / unit_w == pytest.approx(20)
    assert STATES.awake_w / unit_w == pytest.approx(100)
    assert STATES.receive_w / unit_w == pytest.approx(300)
    assert _drawn_w(0.0) / unit_w == pytest.approx(250)
    assert _drawn_w(10 * np.log10(200.0)) / unit_w == pytest.approx(700)


def test_defaults_of_the_scenario_are_those_of_the_model(network_scenario: MakeScenario) -> None:
    device = network_scenario().device
    for name in ("circuit_w", "receive_w", "awake_w", "sleep_w", "idle_w"):
        assert getattr(device, name) == pytest.approx(getattr(STATES, name), rel=1e-3)
    assert device.power == "transmit_only"


def test_circuits_are_on_while_any_upload_is() -> None:
    """By power while several are, and one upload alone answers for all of them."""
    found = circuit_times_s(
        ue=np.array([0, 1, 0, 0, 1]),
        power_w=np.array([0.15, 0.2, 0.05, 0.1, 0.1]),
        start_s=np.array([1.0, 0.0, 1.0, 9.0, 3.0]),
        end_s=np.array([3.0, 2.0, 7.0, 9.5, 3.0]),
    )
    assert found.tolist() == pytest.approx([1.5, 2.0, 0.5 + 4.0, 0.5, 0.0])
    assert UePower().drawn_w(np.array([0.2]), 0.5).tolist() == [0.2]


def test_circuits_are_paid_for_once(network_scenario: MakeScenario, tmp_path: Any) -> None:
    """Of UEs with several modules, whether these end in the same round or not."""
    given = {**SMALL, "scheme.kind": "model_switching", "scheme.max_modules": 3, "rounds": 6}
    given |= {"round.late_uploads": "stale", "round.deadline_s": 3.0}
    found = run(network_scenario(given), out=tmp_path / "run")
    uploads = found.uploads.collect()
    assert (uploads["round"] > uploads["begun"]).any()
    spans = found.spans.filter(pl.col("kind") == "uplink").collect().sort("ue", "start_s")
    until_s = pl.col("end_s").cum_max().shift(1, fill_value=0.0).over("ue")
    new_s = pl.col("end_s") - pl.max_horizontal(pl.min_horizontal(until_s, "end_s"), "start_s")
    on_s = spans.select(new_s).sum().item()
    radiated_j = uploads["power_w"] * (uploads["end_s"] - uploads["start_s"])
    assert on_s < 0.9 * (spans["end_s"] - spans["start_s"]).sum()
    expected_j = radiated_j.sum() / STATES.efficiency + 0.3652 * on_s
    assert uploads["energy_j"].sum() == pytest.approx(expected_j)


def test_waiting_begins_awake() -> None:
    waits = STATES.waiting_j(np.array([0.0, 0.05, 2.1]))
    expected = [0.0, 0.05 * STATES.awake_w, 0.1 * STATES.awake_w + 2.0 * STATES.sleep_w]
    assert waits.tolist() == pytest.approx(expected)


def test_a_battery_is_empty_in_the_activity_that_takes_the_last_of_it() -> None:
    edges_s = np.array([[1.0, 2.0, 4.0, 5.0]] * 4)
    power_w = np.array([[1.0, 2.0, 0.0]] * 4)
    found = empty_at_s(np.array([0.5, 2.0, 5.0, 6.0]), edges_s, power_w)
    assert found.tolist() == [1.5, 2.5, np.inf, np.inf]


def test_a_wait_is_paid_as_the_books_have_it() -> None:
    """20 s of waiting for a barrier, nearly all in DRX: 3 J last far longer."""
    rows = UploadRow()
    batteries = Batteries(np.array([3.0]))
    (last_s,) = batteries.last_s(rows, STATES, np.zeros(1))
    before_j = STATES.waiting_j(np.array([20.0]))[0]
    sending_w = STATES.drawn_w(rows.power_w)[0]
    assert last_s == pytest.approx(20.0 + (3.0 - before_j) / sending_w)


def test_a_gnb_pays_for_standing_and_for_sending() -> None:
    power = GnbPower(static_w=780.0, slope=4.7, radiated_w=40.0)
    assert power.energy_j(np.array([2.0]), np.array([0.5])).tolist() == [780.0 * 2 + 4.7 * 20.0]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"federation": "network", "topology.window_km": 3, "radio.fading": "block"},
        {"scheme.kind": "model_switching", "scheme.max_modules": 2, "radio.retransmissions": 1},
        {"device.battery_j": 4.0},
        {"downlink.w0_broadcast": "every_round", "round.alloc_start": "arrival"},
        {"round.late_uploads": "stale", "scheme.kind": "model_switching", "scheme.max_modules": 3},
        {"radio.preset": "nr-fr1-20mhz", "scheme.kind": "buffered_async"},
    ],
)
def test_accounts_of_states_balance(
    network_scenario: MakeScenario, tmp_path: Any, options: dict[str, Any]
) -> None:
    scenario = network_scenario({**SMALL, "device.gnb_power": "linear", **options})
    found = run(scenario, out=tmp_path / "run")
    failed = [
        c.name
        for c in check_run(found, bandwidth_hz=scenario.radio.bandwidth_hz, constant_rate=False)
        if not c.passed
    ]
    assert failed == []
    ledger = found.energy("ue").collect()
    sums = found.rounds.select(pl.sum_horizontal(pl.col("^(comp|up|rec|wait|idle).*_j$")).sum())
    before = found.spans.filter(pl.col("round") == 0).select(pl.col("energy_j").sum())
    total_j = sums.collect().item() + before.collect().item()
    assert ledger["energy_j"].sum() == pytest.approx(total_j)
    assert (ledger["idle_j"] > 0).sum() > 5
    assert (found.rounds.collect()["gnb_energy_j"] > 0).all()


def test_an_empty_battery_takes_a_ue_out(network_scenario: MakeScenario, tmp_path: Any) -> None:
    scenario = network_scenario({**SMALL, "device.battery_j": 4.0, "rounds": 6})
    found = run(scenario, out=tmp_path / "run")
    spent = found.energy("ue").collect()
    in_rounds = found.spans.filter(pl.col("round") > 0, pl.col("ue").is_not_null())
    each = in_rounds.group_by("ue").agg(pl.col("energy_j").sum()).collect()
    assert each["energy_j"].max() <= 4.0 * (1 + 1e-8)
    assert len(spent) == 10
    empty = found.rounds.collect()["empty_batteries"].to_list()
    assert empty == sorted(empty)
    assert empty[-1] > 3
    uploads = found.uploads.collect()
    assert (uploads["outcome"] == "aborted").any()
    alive = 10 - np.array([0, *empty[:-1]])
    assert (found.rounds.collect()["subscribed"].to_numpy() <= alive).all()


def test_a_battery_without_states_lasts_for_computing_and_sending(
    network_scenario: MakeScenario, tmp_path: Any
) -> None:
    scenario = network_scenario({"rounds": 3, "ues.count": 6, "device.battery_j": 0.5})
    found = run(scenario, out=tmp_path / "run")
    per_ue = found.spans.group_by("ue").agg(pl.col("energy_j").sum()).collect()
    assert per_ue["energy_j"].max() == pytest.approx(0.5, rel=1e-6)

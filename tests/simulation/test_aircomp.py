"""Runs whose uploads add up on the air: tables, planning, refusals, kills, numbers of workers."""

from __future__ import annotations

import hashlib
import signal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import netsim
from netsim.assembly import Loaded, build_parts, build_simulation
from netsim.errors import Interrupted, ScenarioError
from netsim.protocols import Progress, Silence, Tickets
from netsim.results.checks import check_run
from netsim.results.writer import MemorySink
from netsim.scenario.load import load_scenario
from netsim.schemes.base import scheme_names

LOADED = Loaded()
AIR: dict[str, Any] = {"uplink.access": "aircomp"}
QUIET: dict[str, Any] = {
    **AIR,
    "network_only": True,
    "rounds": 3,
    "ues.count": 30,
    "topology.window_km": 8,
    "data.train_samples": 400,
    "data.test_samples": 20,
    "data.samples_per_ue": 20,
}
SMALL: dict[str, Any] = {
    **AIR,
    "rounds": 4,
    "ues.count": 6,
    "topology.window_km": 8,
    "data.train_samples": 200,
    "data.test_samples": 20,
    "data.samples_per_ue": 20,
    "devices": [{"samples_min": 2, "samples_max": 3}],
    "learning.local_steps": 1,
    "learning.workers": 1,
    "scheme.kind": "fedlora",
    "scheme.rank": 4,
}


def tables(**more: Any) -> MemorySink:
    scenario = load_scenario("quickstart", {**QUIET, **more})
    parts, sink = build_parts(scenario, Silence(), LOADED), MemorySink()
    build_simulation(parts, sink, Silence()).run(parts.scheme)
    return sink


def test_airtime_does_not_depend_on_the_number_of_ues() -> None:
    found = {}
    for ues in (10, 60):
        sink = tables(**{"ues.count": ues, "scheme.kind": "fedlora", "uplink.truncation": 0.05})
        uploads = sink.frame("uploads").filter(~pl.col("truncated"))
        assert uploads["airtime_s"].to_list() == pytest.approx(
            (uploads["payload_bits"] / 64 / 1e7).to_list()
        )
        found[ues] = uploads["airtime_s"].mean()
    assert found[10] == pytest.approx(found[60])


def test_sinr_and_noise_of_the_tables_are_of_one_receive_power() -> None:
    """deviation of the sum = D_k / sqrt(SINR_k) for every upload, where numbers are alike."""
    sink = tables(**{"federation": "network", "ues.count": 80})
    uploads = sink.frame("uploads").join(sink.frame("ues").select("ue", "samples"), on="ue")
    sent = uploads.filter(~pl.col("truncated"))
    root = (10 ** (sent["sinr_db"] / 10)).sqrt()
    assert (sent["noise"] * root).to_list() == pytest.approx(sent["samples"].to_list())
    assert sent.select(pl.struct("gnb", "module").n_unique()).item() > 8


def test_who_is_truncated_is_on_record() -> None:
    sink = tables(**{"uplink.truncation": 0.4, "rounds": 6})
    uploads, rounds = sink.frame("uploads"), sink.frame("rounds")
    silent = uploads.filter("truncated")
    assert 0.2 < silent.height / uploads.height < 0.6
    assert set(silent["outcome"]) == {"outage"}
    assert silent["energy_j"].sum() + silent["power_w"].sum() + silent["airtime_s"].sum() == 0
    assert silent["sinr_db"].is_null().all()
    assert rounds["truncated"].sum() == silent.height == rounds["outage"].sum()
    spans = sink.frame("spans").filter(pl.col("kind") == "uplink")
    assert spans["energy_j"].sum() == pytest.approx(uploads["energy_j"].sum())
    sent = uploads.filter(~pl.col("truncated"))
    assert sent["power_w"].n_unique() == sent.height  # what each channel takes
    assert sent["power_w"].max() <= 0.2


def test_digital_access_has_no_truncation_and_no_noise() -> None:
    sink = tables(**{"uplink.access": "ofdma"})
    uploads = sink.frame("uploads")
    assert not uploads["truncated"].any()
    assert uploads["noise"].is_null().all()
    assert sink.frame("rounds")["truncated"].sum() == 0


def test_the_field_is_that_of_digital_uploads() -> None:
    """In equal shares, interference over the whole band is the sum over its parts."""
    alike = {"scheme.kind": "fedlora", "ues.count": 12, "rounds": 1, "uplink.truncation": 0.01}
    digital = tables(**alike | {"uplink.access": "ofdma", "uplink.truncation": None})
    air = tables(**alike).frame("uploads").filter(~pl.col("truncated"))
    uploads = digital.frame("uploads")
    parts = build_parts(load_scenario("quickstart", {**QUIET, **alike}), Silence(), LOADED)
    field = parts.radio.uplink
    fading, interference_w = field.draws(1, parts.links, 1)  # type: ignore[union-attr]
    noise_w = field.noise_psd_w_hz * 1e7
    mine = uploads["ue"].to_numpy()
    heard = 0.2 * parts.links.gain[mine] * fading[mine]
    assert 10 ** (uploads["sinr_db"].to_numpy() / 10) == pytest.approx(
        heard / (interference_w[mine] + noise_w / 12)
    )
    mine = air["ue"].to_numpy()
    heard = air["power_w"].to_numpy() * parts.links.gain[mine] * fading[mine]
    assert 10 ** (air["sinr_db"].to_numpy() / 10) == pytest.approx(
        heard / (interference_w.sum() + noise_w)
    )


def test_the_controller_lets_all_send_and_knows_who_may_be_silent() -> None:
    sink = tables(**{"rounds": 2, "scheme.kind": "max_power", "uplink.truncation": 0.3})
    rows = sink.frame("subscriptions")
    lam = rows["success_probability"]
    assert 0 < lam.min() < lam.max() <= 1  # type: ignore[operator]
    rounds = sink.frame("rounds")
    assert (rounds["subscribed"] == 30 - 0 * rounds["round"]).any()
    uploads = sink.frame("uploads").filter(pl.col("round") == 1)
    assert uploads.height == 30 - rounds["not_ready"][0]
    assert (uploads["outcome"] == "late").sum() == 0


def test_sums_that_take_too_long_are_not_begun_by_the_controller() -> None:
    """Equal shares begin them, and end at the deadline."""
    huge = {"rank": 8, "payload_bits_override": 1e10, "download_bits_override": 1e6}
    for kind, outcomes in (("max_power", set()), ("fedlora", {"late"})):
        sink = tables(
            **{"modules": [huge], "rounds": 1, "scheme.kind": kind, "uplink.truncation": 1e-6}
        )
        assert set(sink.frame("uploads")["outcome"]) == outcomes


RADIO = "uplink.access = aircomp needs"


@pytest.mark.parametrize(
    ("chosen", "rule"),
    [
        ({"radio.rate_model": "nr"}, rf"{RADIO} radio\.rate_model = shannon"),
        ({"radio.rate_model": "threshold"}, rf"{RADIO} radio\.rate_model = shannon"),
        ({"radio.retransmissions": 1}, rf"{RADIO} radio\.retransmissions = 0"),
        ({"radio.reallocation": "events"}, rf"{RADIO} radio\.reallocation = static"),
        ({"radio.interference": "network"}, rf"{RADIO} radio\.interference = field"),
        ({"radio.fading": "block"}, rf"{RADIO} radio\.fading = round"),
        ({"radio.power_control.alpha": 0.8}, rf"{RADIO} no radio\.power_control"),
        ({"radio.success_model": "ppp"}, rf"{RADIO} no radio\.success_model"),
        ({"radio.interferer_power": "equal"}, rf"{RADIO} radio\.interferer_power = fixed"),
        ({"formulas": "paper"}, rf"{RADIO} radio\.interferer_power = fixed"),
        ({"round.alloc_start": "arrival"}, rf"{RADIO} round\.alloc_start = barrier"),
        ({"round.late_uploads": "stale"}, rf"{RADIO} round\.late_uploads = drop"),
        ({"upload.codec": "sign"}, rf"{RADIO} upload\.codec = none"),
        ({"device.battery_j": 100.0}, rf"{RADIO} no device\.battery_j"),
        ({"record": True}, rf"{RADIO} record = false"),
        ({"mobility.kind": "random_waypoint"}, rf"{RADIO} mobility\.kind = static"),
        ({"learning.payload_bits_per_parameter": 16}, rf"{RADIO} learning\.payload_bits_per_param"),
        ({"flower": {}, "network_only": False}, r"uplink\.access = aircomp .* flower"),
        (
            {"uplink.access": "ofdma", "uplink.truncation": 0.2},
            r"uplink\.truncation needs uplink\.access = aircomp",
        ),
        ({"uplink.truncation": 1.0}, r"uplink\.truncation: input should be less than 1"),
        (
            {"scheme.kind": "fedlora", "scheme.bandwidth": "algorithm1"},
            r"scheme\.bandwidth: must be equal with uplink\.access = aircomp",
        ),
        ({"scheme.kind": "flexlora"}, r"scheme\.kind: does not go with uplink\.access = aircomp"),
        ({"scheme.kind": "scaffold"}, r"scheme\.kind: .*uplink\.access = aircomp: .*variates"),
        ({"scheme.kind": "split_lora"}, r"scheme\.kind: .*aircomp: it sends activations"),
        ({"scheme.kind": "buffered_async"}, r"scheme\.kind: .*aircomp: it is asynchronous"),
        ({"scheme.kind": "joint_scheduling"}, r"scheme\.kind: .*aircomp: it chooses by the rates"),
        (
            {"learning.control_variates": True, "scheme.kind": "fedlora"},
            r"learning\.control_variates: must be false with uplink\.access = aircomp",
        ),
    ],
    ids=lambda chosen: next(iter(chosen)) if isinstance(chosen, dict) else "",
)  # fmt: skip
def test_what_does_not_go_together_is_refused(chosen: dict[str, Any], rule: str) -> None:
    with pytest.raises(ScenarioError, match=rule):
        build_parts(load_scenario("quickstart", {**QUIET, **chosen}), Silence(), LOADED)


OTHERS = {
    "buffered_async", "fedcs", "fedex_lora", "fedsvd", "flexlora", "flora", "hetlora", "hierfavg",
    "jcpba", "joint_scheduling", "lora_fair", "oort", "power_of_choice", "scaffold", "slora",
    "split_lora", "success_selection",
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(set(scheme_names()) - OTHERS))
def test_schemes_that_average_add_up(kind: str) -> None:
    sink = tables(**{"scheme.kind": kind, "rounds": 2, "ues.count": 12})
    assert sink.frame("uploads")["noise"].is_not_null().all()


@pytest.mark.parametrize("kind", sorted(OTHERS))
def test_other_schemes_are_refused_by_name(kind: str) -> None:
    with pytest.raises(ScenarioError, match=rf"(?s)aircomp.*{kind}|{kind}.*aircomp|network_only"):
        tables(**{"scheme.kind": kind, "rounds": 2, "ues.count": 12})


class Stop(Silence):
    """Sends SIGTERM to this process at the end of round 2."""

    def round_closed(self, progress: Progress) -> None:
        if progress.round == 2:
            signal.raise_signal(signal.SIGTERM)


def digests(run: Path) -> dict[str, str]:
    found = {}
    for file in sorted(run.rglob("*")):
        if file.is_file() and file.name not in ("metadata.json", "scenario.toml"):
            found[str(file.relative_to(run))] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    """With two workers, as one that is not killed has them with one: tables and adapters."""
    alone = netsim.run(load_scenario("quickstart", SMALL), out=tmp_path / "alone", loaded=LOADED)
    two = load_scenario("quickstart", {**SMALL, "learning.workers": 2})
    with pytest.raises(Interrupted):
        netsim.run(two, out=tmp_path / "run", listener=Stop(), loaded=LOADED)
    netsim.resume(tmp_path / "run", loaded=LOADED)
    assert digests(tmp_path / "run") == digests(tmp_path / "alone")
    uploads = alone.uploads.collect()
    assert uploads["truncated"].any()
    scenario = load_scenario(tmp_path / "alone" / "scenario.toml")
    checks = check_run(
        alone,
        bandwidth_hz=scenario.radio.bandwidth_hz,
        constant_rate=scenario.constant_rate,
        superposed=True,
    )
    assert [check.name for check in checks if not check.passed] == []


def test_noise_of_a_run_enters_its_adapter(tmp_path: Path) -> None:
    """The same uploads, averaged without the channel, are that far away."""
    few = {**SMALL, "rounds": 1, "uplink.truncation": 0.2}
    noisy = build_parts(load_scenario("quickstart", few), Silence(), LOADED)
    sink = MemorySink()
    build_simulation(noisy, sink, Silence()).run(noisy.scheme)
    uploads = sink.frame("uploads").filter(pl.col("outcome") == "on_time")
    samples = sink.frame("ues")["samples"].to_numpy()[uploads["ue"].to_numpy()]

    exact = build_parts(load_scenario("quickstart", few), Silence(), LOADED).learner
    assert exact is not None
    assert noisy.learner is not None
    ue = uploads["ue"].to_numpy()
    exact.redeem(Tickets(1, ue, ue * 0, ue * 0), "average")
    added = noisy.learner.states[0] - exact.states[0]  # type: ignore[attr-defined]
    expected = uploads["noise"][0] / samples.sum()
    assert np.std(added) == pytest.approx(expected, rel=0.05)

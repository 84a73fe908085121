"""Runs over the link layer of NR."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import netsim
from netsim.assembly import build_parts
from netsim.course import Versions
from netsim.errors import ScenarioError
from netsim.protocols import RoundPlan, Silence
from netsim.radio.progress import Transmission
from netsim.results.checks import check_run
from netsim.simulation.air.network import NetworkUplink
from netsim.simulation.opening import open_round, ready_to_send
from netsim.simulation.state import RoundSpan
from netsim.simulation.uploads.advance import OnAir, advance
from netsim.simulation.uploads.band import StaticBand
from netsim.simulation.uploads.segments import SegmentLog, nothing_sent
from netsim.simulation.uploads.table import Uploads
from netsim.units import FloatArray, IntArray

SMALL: dict[str, Any] = {
    "network_only": True,
    "rounds": 3,
    "ues.count": 12,
    "data.train_samples": 400,
    "data.test_samples": 50,
    "scheme.kind": "fedlora",
}
PRESETS = ("nr-fr1-100mhz", "nr-fr1-20mhz", "nr-fr2-100mhz")


def _run(folder: Path, **change: Any) -> netsim.Run:
    return netsim.run(netsim.load_scenario("quickstart", {**SMALL, **change}), out=folder / "run")


@pytest.mark.parametrize("preset", PRESETS)
def test_bands_are_whole_resource_blocks(preset: str, tmp_path: Path) -> None:
    run = _run(tmp_path, **{"radio.preset": preset})
    scenario = netsim.load_scenario("quickstart", {**SMALL, "radio.preset": preset})
    blocks = {"nr-fr1-100mhz": 273, "nr-fr1-20mhz": 106, "nr-fr2-100mhz": 66}[preset]
    uploads = run.uploads.collect()
    found = uploads["bandwidth_hz"].to_numpy() * blocks / scenario.radio.bandwidth_hz
    np.testing.assert_allclose(found, np.rint(found), atol=1e-6)
    assert (np.rint(found) >= 1).all()
    assert (
        uploads.group_by("round").agg(pl.col("bandwidth_hz").sum())["bandwidth_hz"]
        <= scenario.radio.bandwidth_hz * (1 + 1e-9)
    ).all()
    checks = check_run(run, bandwidth_hz=scenario.radio.bandwidth_hz, constant_rate=False)
    assert [check.name for check in checks if not check.passed] == []


def test_uploads_take_longer_than_at_capacity(tmp_path: Path) -> None:
    """The same fading and the same shares, but for their rounding: NR needs more time."""
    channel = {
        "radio.fading": "block",
        "radio.bandwidth_hz": 20e6,
        "radio.carrier_hz": 1.8e9,
        "radio.noise_figure_db": 5.0,
        "round.deadline_s": 100.0,
        "radio.sinr_threshold_db": -12.0,
        "data.samples_per_ue": 30,
    }
    capacity = _run(tmp_path / "capacity", **channel).uploads.collect()
    nr = {**channel, "radio.rate_model": "nr", "radio.nr.subcarrier_spacing_khz": 15}
    found = _run(tmp_path / "nr", **nr).uploads.collect()
    both = capacity.join(found, on=["round", "ue", "module"])
    arrived = both.filter((pl.col("outcome") == "on_time") & (pl.col("outcome_right") == "on_time"))
    assert len(arrived) > 20
    longer = arrived["airtime_s_right"] / arrived["airtime_s"]
    assert longer.min() > 1.2
    assert 1.5 < longer.median() < 4


def test_more_uploads_than_blocks_wait(tmp_path: Path) -> None:
    """11 resource blocks for 12 UEs: one of them is not scheduled."""
    narrow = {"radio.rate_model": "nr", "radio.bandwidth_hz": 5e6, "rounds": 1}
    uploads = _run(tmp_path, **narrow, **{"radio.fading": "block"}).uploads.collect()
    assert len(uploads) == 11


@pytest.mark.parametrize("change", [{}, {"radio.fading": "round"}])
@pytest.mark.parametrize("mode", ["field", "network"])
def test_schemes_plan_over_nr(change: dict[str, Any], mode: str, tmp_path: Path) -> None:
    """Algorithm 2 plans with the rate of NR: what it admits ends in time, mostly."""
    nr = {
        "scheme.kind": "model_switching",
        "radio.preset": "nr-fr1-20mhz",
        "radio.interference": mode,
        "rounds": 1,
        **change,
    }
    uploads = _run(tmp_path, **nr).uploads.collect()
    assert len(uploads) > 5
    assert (uploads["outcome"] == "on_time").mean() > 0.5


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (
            {"radio.rate_model": "nr"},
            r"radio\.bandwidth_hz: .*subcarrier_spacing_khz = 15 must be one of 5, 10",
        ),
        ({"radio.preset": "nr-fr1-10mhz"}, r"radio\.preset: must be one of nr-fr1-100mhz"),
    ],
)
def test_what_nr_does_not_have_is_refused(
    change: dict[str, Any], rule: str, tmp_path: Path
) -> None:
    given = {"radio.bandwidth_hz": 11e6, "radio.nr.subcarrier_spacing_khz": 15, **change}
    with pytest.raises(ScenarioError, match=rule):
        _run(tmp_path, **given)


def test_preset_stands_below_other_overrides() -> None:
    radio = netsim.load_scenario(
        "quickstart", {"radio.preset": "nr-fr1-100mhz", "radio.nr.mcs_table": 3}
    ).radio
    assert radio.bandwidth_hz == 100e6
    assert radio.nr is not None
    assert (radio.nr.mcs_table, radio.nr.uplink_fraction) == (3, 0.2)


def test_correlated_fading_spreads_upload_times(tmp_path: Path) -> None:
    """Slow fading averages out less: the same mean rate, but airtimes differ more."""
    change = {
        "radio.fading": "block",
        "radio.ue_speed_m_s": 3.0,
        "ues.count": 20,
        "rounds": 2,
        "round.deadline_s": 60.0,
    }
    times = {}
    for correlation in ("none", "jakes"):
        given = {**change, "radio.block_correlation": correlation}
        uploads = _run(tmp_path / correlation, **given).uploads.collect()
        times[correlation] = uploads.sort("round", "ue")["airtime_s"].to_numpy()
    ratio = times["jakes"] / times["none"]
    assert np.median(ratio) == pytest.approx(1.0, abs=0.1)
    assert np.ptp(ratio) > 0.05
    with pytest.raises(
        ScenarioError, match=r"block_correlation = jakes needs radio\.fading = block"
    ):
        _run(tmp_path / "refused", **{"radio.block_correlation": "jakes"})


@pytest.mark.parametrize("mode", ["field", "network"])
def test_sampled_errors_change_uploads_little_and_not_on_average(mode: str, tmp_path: Path) -> None:
    change = {
        "radio.preset": "nr-fr1-20mhz",
        "radio.interference": mode,
        "round.deadline_s": 60.0,
        "ues.count": 30,
    }
    times = {}
    for errors in ("expected", "sampled"):
        given = {**change, "radio.nr.errors": errors, "rounds": 6}
        uploads = _run(tmp_path / errors, **given).uploads.collect().sort("round", "ue")
        assert (uploads["outcome"] == "on_time").mean() > 0.8
        times[errors] = uploads["airtime_s"].to_numpy()
    ratio = times["sampled"] / times["expected"]
    assert np.median(ratio) == pytest.approx(1.0, abs=0.02)
    assert 0.001 < np.std(ratio) < 0.5
    with pytest.raises(ScenarioError, match=r"nr\.errors = sampled needs radio\.fading = block"):
        _run(
            tmp_path / "refused",
            **{**change, "radio.nr.errors": "sampled", "radio.fading": "round"},
        )


def test_grants_and_the_last_block_take_time(tmp_path: Path) -> None:
    """4 slots of 0.5 ms, and a round trip of 10 slots (one of five is the uplink's) with 10%."""
    change = {"radio.preset": "nr-fr1-100mhz", "round.alloc_start": "arrival", "rounds": 4}
    waits = {}
    for errors in ("expected", "sampled"):
        given = {**change, "radio.nr.errors": errors, "ues.count": 40}
        waits[errors] = _run(tmp_path / errors, **given).uploads.collect()["wait_s"].to_numpy()
    np.testing.assert_allclose(waits["expected"], 2e-3 + 0.1 * 5e-3, atol=1e-9)
    assert set(np.round(waits["sampled"], 9).tolist()) == {2e-3, 7e-3}
    assert waits["sampled"].mean() == pytest.approx(2.5e-3, abs=0.6e-3)
    without = {**change, "radio.nr.grant_delay_slots": 0, "radio.nr.target_error": 1e-6}
    found = _run(tmp_path / "none", **without).uploads.collect()["wait_s"].to_numpy()
    np.testing.assert_allclose(found, 0.0, atol=1e-7)


def test_uploads_of_a_ue_are_late_each_by_itself(tmp_path: Path) -> None:
    """Drawn errors delay the last block of one upload, and not of the UE's others with it."""
    several = {
        "radio.preset": "nr-fr1-100mhz",
        "radio.nr.errors": "sampled",
        "round.alloc_start": "arrival",
        "scheme.kind": "random",
        "scheme.modules_per_ue": 3,
        "rounds": 2,
    }
    uploads = _run(tmp_path, **several).uploads.collect()
    kinds = pl.col("wait_s").round(7).n_unique()
    assert uploads.group_by("round", "ue").agg(kinds)["wait_s"].max() == 2


@pytest.mark.parametrize("mode", ["field", "network"])
def test_a_grant_after_the_deadline_is_late_and_no_outage(mode: str, tmp_path: Path) -> None:
    """Nothing was sent, so no SINR was too low."""
    change = {"radio.preset": "nr-fr1-20mhz", "radio.nr.grant_delay_slots": 10_000, "rounds": 1}
    uploads = _run(tmp_path, **change, **{"radio.interference": mode}).uploads.collect()
    assert set(uploads["outcome"]) == {"late"}
    assert uploads["airtime_s"].max() == 0


def test_ten_pieces_carry_what_one_does() -> None:
    """Link adaptation goes on where an upload is followed further, as after a reallocation."""
    change = {"radio.preset": "nr-fr1-20mhz", "radio.ue_speed_m_s": 30.0}
    parts = build_parts(netsim.load_scenario("quickstart", {**SMALL, **change}), Silence())
    links, none_made = parts.links, np.zeros(8, dtype=np.int64)
    ues = np.arange(len(links))
    plan = RoundPlan(
        ue=ues,
        module=np.zeros_like(ues),
        share=np.full(len(ues), 1 / len(ues)),
        power_w=np.full(len(ues), 0.2),
    )
    sent = {}
    for pieces in (1, 10):
        versions = Versions(none_made, none_made)
        uploads = open_round(parts.setting, links, plan, versions, number=1, start_s=0.0).uploads
        ready_to_send(uploads)
        uploads.start_s[:], uploads.left_bits[:] = 0.333, 1e12
        on_air = OnAir(
            uploads=uploads,
            air=parts.radio.uplink.open(RoundSpan(1, 0.0, 20.0, 20.0), links, None),
            band=StaticBand(),
            log=SegmentLog(nothing_sent(uploads)),
            retransmissions=0,
        )
        for until_s in np.linspace(0.333, 5.333, pieces + 1)[1:].tolist():
            advance(on_air, uploads.live, until_s)
        sent[pieces] = 1e12 - uploads.left_bits
    assert (sent[1] > 0).all()
    np.testing.assert_allclose(sent[10], sent[1], rtol=5e-3)
    assert sent[10].sum() == pytest.approx(sent[1].sum(), rel=1e-3)


def test_what_is_learnt_outlasts_rounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all cells simulated, too, where a round has an air of its own."""
    known: list[FloatArray] = []  # of uploads that sent in earlier rounds, when one opens
    open_air = NetworkUplink.open

    def opened(uplink: NetworkUplink, *given: Any) -> Any:
        air = open_air(uplink, *given)
        transmit, calls = air.transmit, itertools.count()

        def watched(uploads: Uploads, rows: IntArray, stop_s: FloatArray) -> Transmission:
            if next(calls) == 0:
                known.append(uploads.learnt[uploads.airtime_s > 0])
            return transmit(uploads, rows, stop_s)

        monkeypatch.setattr(air, "transmit", watched)
        return air

    monkeypatch.setattr(NetworkUplink, "open", opened)
    change = {"radio.interference": "network", "scheme.kind": "buffered_async", "rounds": 6}
    _run(tmp_path, **change, **{"radio.preset": "nr-fr1-20mhz"})
    margins = np.concatenate(known)
    assert len(margins) > 2
    assert np.isfinite(margins).all()

"""All cells simulated: interference of actual uploads, idle cells, and federation over the
backhaul.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from netsim import rng
from netsim.assembly import build_parts, build_simulation
from netsim.errors import InputError
from netsim.protocols import Silence
from netsim.radio.interference import SiteField
from netsim.records import TABLES
from netsim.results.writer import MemorySink
from netsim.scenario.model import Scenario
from netsim.simulation.air.field import FieldUplink
from netsim.simulation.air.network import NetworkUplink
from netsim.topology.association import nearest_site
from netsim.units import to_db

Simulate = Callable[..., MemorySink]
NETWORK: dict[str, Any] = {
    "federation": "network",
    "radio.interference": "network",
    "topology.window_km": 4,
    "ues.count": 40,
    "rounds": 3,
}
TWO_SITES = "site,x_m,y_m\na,0,0\nb,900,0\n"


def _pair(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "two.csv"
    path.write_text(TWO_SITES)
    return {"topology.kind": "file", "topology.path": str(path)}


def test_one_ue_in_each_of_two_cells_by_hand(
    network_scenario: Callable[..., Scenario], tmp_path: Path
) -> None:
    # a tiny payload, so that both are on the air for a part of one block only
    tiny = {f"modules.{i}.payload_bits_override": 8.0 for i in range(4)}
    options = {
        **NETWORK,
        **_pair(tmp_path),
        "ues.count": 2,
        "rounds": 1,
        "round.deadline_s": 8.0,
        **tiny,
        "devices.0.cpu_hz_min": 2e9,
        "devices.0.cpu_hz_max": 2e9,
    }
    scenario, parts = None, None
    for seed in range(20):  # a drop with one UE in each cell
        scenario = network_scenario({**options, "seed": seed})
        parts = build_parts(scenario, Silence())
        if sorted(parts.links.gnb.tolist()) == [0, 1]:
            break
    assert parts is not None
    assert scenario is not None
    sink = MemorySink()
    build_simulation(parts, sink, Silence()).run(parts.scheme)
    uploads, gain = sink.frame("uploads").sort("ue"), parts.links.site_gain
    assert gain is not None
    h = np.column_stack(
        [
            rng.stream(scenario.seed, "network_fading", 1, 1, s).standard_exponential((2, 1))[:, 0]
            for s in (0, 1)
        ]
    )
    power, noise = uploads["power_w"].to_numpy(), parts.radio.uplink.noise_psd_w_hz * 1e7
    for ue, site in enumerate(parts.links.gnb.tolist()):
        alone = power[ue] * gain[ue, site] * h[ue, site]
        other = power[1 - ue] * gain[1 - ue, site] * h[1 - ue, site]
        both = uploads["start_s"][0] == uploads["start_s"][1]
        low = alone / (noise + other)
        found = 10 ** (uploads["sinr_db"][ue] / 10)
        # the other is counted for the part of the block in which it may be on the air
        assert low * (1 - 1e-9) <= found <= alone / noise * (1 + 1e-9)
        if both:
            assert found < alone / noise


def test_without_other_cells_only_noise_disturbs(
    network_scenario: Callable[..., Scenario], tmp_path: Path
) -> None:
    path = tmp_path / "one.csv"
    path.write_text("site,x_m,y_m\na,0,0\n")
    options = {
        **NETWORK,
        "topology.kind": "file",
        "topology.path": str(path),
        "ues.count": 12,
        "rounds": 1,
    }
    parts = build_parts(network_scenario(options), Silence())
    sink = MemorySink()
    build_simulation(parts, sink, Silence()).run(parts.scheme)
    uploads = sink.frame("uploads")
    ue = uploads["ue"].to_numpy()
    h = rng.stream(parts.scenario.seed, "network_fading", 1, 1, 0).standard_exponential((12, 1))[
        ue, 0
    ]
    noise = parts.radio.uplink.noise_psd_w_hz * uploads["bandwidth_hz"].to_numpy()
    expected = to_db(uploads["power_w"].to_numpy() * parts.links.gain[ue] * h / noise)
    assert np.allclose(uploads["sinr_db"], expected)
    # and the lambda planned with is exact there
    lam = parts.radio.success_of(parts.links).probability(
        ue, uploads["bandwidth_hz"].to_numpy(), np.full(len(ue), 0.2)
    )
    theta = parts.radio.uplink.model.threshold
    assert np.allclose(lam, np.exp(-theta * noise / (0.2 * parts.links.gain[ue])))


@pytest.mark.parametrize("fading", ["round", "block"])
def test_loaded_idle_cells_disturb(simulate: Simulate, fading: str) -> None:
    alone = {"radio.interference": "network", "radio.fading": fading, "rounds": 2, "ues.count": 8}
    quiet = simulate(alone).frame("uploads").select("round", "ue", "sinr_db")
    loud = (
        simulate({**alone, "radio.background_ues": 8})
        .frame("uploads")
        .select("round", "ue", "sinr_db")
    )
    both = quiet.join(loud, on=["round", "ue"], suffix="_loud")
    assert len(both) == len(quiet)
    assert (both["sinr_db_loud"] < both["sinr_db"]).mean() > 0.9
    assert (both["sinr_db"] - both["sinr_db_loud"]).median() > 3


def test_lambda_of_a_loaded_network_is_the_frequency_of_success(
    network_scenario: Callable[..., Scenario],
) -> None:
    """One learning cell, the others loaded with as many UEs on equal shares; nobody is late."""
    options = {
        "radio.interference": "network",
        "radio.background_ues": 12,
        "ues.count": 12,
        "rounds": 60,
        "round.deadline_s": 9.0,
        "round.compute_limit_s": 2.4,
        "topology.window_km": 3,
        "radio.sinr_threshold_db": 0.0,
    }
    parts = build_parts(network_scenario(options), Silence())
    sink = MemorySink()
    build_simulation(parts, sink, Silence()).run(parts.scheme)
    uploads = sink.frame("uploads")
    ue, band = uploads["ue"].to_numpy(), uploads["bandwidth_hz"].to_numpy()
    lam = parts.radio.success_of(parts.links).probability(ue, band, uploads["power_w"].to_numpy())
    met = (uploads["outcome"] != "outage").to_numpy()
    # interferers of one round are shared by the UEs of the cell only through their places
    assert met.mean() == pytest.approx(
        lam.mean(), abs=5 * np.sqrt((lam * (1 - lam)).sum()) / len(lam)
    )
    assert 0.2 < lam.mean() < 0.95


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"radio.fading": "block", "radio.background_ues": 2, "topology.boundary": "torus"},
        {
            "round.alloc_start": "arrival",
            "radio.reallocation": "events",
            "radio.retransmissions": 2,
        },
    ],
)
def test_order_of_ties_changes_no_record(simulate: Simulate, options: dict[str, Any]) -> None:
    same = {
        f"devices.{i}.{key}": value
        for i in range(3)
        for key, value in (
            ("cpu_hz_min", 1.5e9),
            ("cpu_hz_max", 1.5e9),
            ("samples_min", 16),
            ("samples_max", 16),
        )
    }
    plain = simulate({**NETWORK, **same, **options})
    shuffled = simulate({**NETWORK, **same, **options}, tie_seed=3)
    for table in TABLES:
        assert_frame_equal(plain.frame(table), shuffled.frame(table))


def test_more_ues_and_rounds_leave_the_others(simulate: Simulate) -> None:
    few, many = simulate(NETWORK), simulate({**NETWORK, "ues.count": 60})
    assert_frame_equal(few.frame("ues"), many.frame("ues").filter(pl.col("ue") < 40))
    long = simulate({**NETWORK, "rounds": 5})
    for table in ("uploads", "rounds", "spans"):
        assert_frame_equal(few.frame(table), long.frame(table).filter(pl.col("round") <= 3))
    draws = [rng.stream(1, "network_fading", 4, 1, 7).standard_exponential((k, 1)) for k in (5, 50)]
    assert np.array_equal(draws[0], draws[1][:5])


def test_a_guard_zone_has_no_ues(simulate: Simulate) -> None:
    sink = simulate(
        {**NETWORK, "topology.window_km": 6, "topology.boundary": "guard", "topology.guard_km": 1.5}
    )
    ues = sink.frame("ues")
    assert (ues["x_m"].abs() <= 1500).all()
    assert (ues["y_m"].abs() <= 1500).all()
    served = set(ues["gnb"].to_list())
    assert len(served) < len(sink.frame("sites"))
    assert set(sink.frame("rounds")["gnb"].to_list()) == served


def test_the_strongest_gnb_has_the_best_gain(network_scenario: Callable[..., Scenario]) -> None:
    shadowed = {
        **NETWORK,
        "topology.association": "strongest",
        "radio.pathloss.shadowing_std_db": 8.0,
    }
    links = build_parts(network_scenario(shadowed), Silence()).links
    assert links.site_gain is not None
    assert (links.gain == links.site_gain.max(axis=1)).all()
    nearest = build_parts(
        network_scenario({**shadowed, "topology.association": "nearest"}), Silence()
    ).links
    assert (links.gnb != nearest.gnb).any()


def test_lambda_counts_on_neighbours_that_fall_silent(
    network_scenario: Callable[..., Scenario],
) -> None:
    """They begin later, too: gNBs wait for the modules and for their own last UE. Uploads are judged
    by what their whole airtime heard."""
    options = {
        **NETWORK,
        "rounds": 20,
        "topology.window_km": 3,
        "radio.sinr_threshold_db": 0.0,
        "round.deadline_s": 9.0,
    }
    parts = build_parts(network_scenario(options), Silence())
    sink = MemorySink()
    build_simulation(parts, sink, Silence()).run(parts.scheme)
    uploads = sink.frame("uploads")
    rows = [uploads[name].to_numpy() for name in ("ue", "bandwidth_hz", "power_w")]
    planned = parts.radio.success_of(parts.links).probability(*rows).mean()
    assert isinstance(parts.radio.uplink, NetworkUplink)
    loaded = replace(parts.links, heard_gain=parts.links.site_gain)
    full = parts.radio.success_of(loaded).probability(*rows).mean()
    met = (uploads["outcome"] != "outage").mean()
    assert full + 0.15 < met
    assert planned == pytest.approx(met, abs=0.03)
    outage = uploads["outcome"] == "outage"
    assert (uploads.filter(outage)["sinr_db"] < 0).all()
    assert (uploads.filter(~outage)["sinr_db"] >= 0).all()


def test_a_cell_that_learns_alone_is_where_its_gnb_is_the_strongest(
    network_scenario: Callable[..., Scenario],
) -> None:
    shadowed = {
        "topology.association": "strongest",
        "topology.window_km": 4,
        "radio.pathloss.shadowing_std_db": 8.0,
        "ues.count": 40,
    }
    parts = build_parts(network_scenario(shadowed), Silence())
    landscape = parts.radio.landscape
    site = landscape.deployment.learning_site
    assert (parts.links.gnb == site).all()
    assert (landscape.serving(parts.links.position_m) == site).all()
    nearest = nearest_site(parts.links.position_m, landscape.deployment.positions_m)
    assert (nearest != site).any()
    # so are the cells of the interferers: what reaches the gNB comes from UEs that others serve
    assert isinstance(parts.radio.uplink, FieldUplink)
    field = parts.radio.uplink.interferers
    assert isinstance(field, SiteField)
    own = np.einsum("iim->im", field.places.gain)
    hit = (own[:, None] >= field.places.gain.transpose(1, 0, 2)).all(axis=(1, 2))
    assert hit.mean() > 0.9
    fewer = build_parts(network_scenario({**shadowed, "ues.count": 10}), Silence())
    assert (fewer.links.position_m == parts.links.position_m[:10]).all()


# -- federation ----------------------------------------------------------------------------------


def test_every_gnb_has_its_own_clock_and_the_core_waits(simulate: Simulate) -> None:
    slow = {**NETWORK, "topology.backhaul.kind": "tree", "topology.backhaul.rate_bps": 2e7}
    sink = simulate({**slow, "radio.interference": "field"})
    rounds, spans, uploads = sink.frame("rounds"), sink.frame("spans"), sink.frame("uploads")
    first = rounds.filter(pl.col("round") == 1)
    assert first["start_s"].n_unique() > 1
    assert (first["deadline_s"] - first["start_s"]).to_list() == pytest.approx([5.0] * len(first))
    backhaul = spans.filter(pl.col("kind") == "backhaul")
    core = sink.frame("sites").filter("core")["gnb"].item()
    assert core not in backhaul["gnb"].to_list()
    merged = spans.filter((pl.col("kind") == "aggregate") & (pl.col("gnb") == core)).group_by(
        "round"
    )
    end = dict(merged.agg(pl.col("end_s").max()).iter_rows())
    for number in (1, 2, 3):
        arrival = backhaul.filter(pl.col("round") == number)["end_s"].max()
        assert end[number] == pytest.approx(arrival + 0.01)
    assert (
        uploads.filter(pl.col("outcome") == "on_time", pl.col("gnb") != core)["backhaul_s"] > 0
    ).all()
    # stored and forwarded: at least the bits over the slowest link
    assert (backhaul["end_s"] - backhaul["start_s"] >= backhaul["bits"] / 2e7 - 1e-9).all()


def test_network_needs_a_connected_backhaul(
    network_scenario: Callable[..., Scenario], tmp_path: Path
) -> None:
    scenario = network_scenario({**NETWORK, **_pair(tmp_path), "topology.backhaul.kind": "file"})
    with pytest.raises(
        InputError, match=r"two\.csv: disconnected: 1 of 2 sites have no path to the core"
    ):
        build_parts(scenario, Silence())


def test_core_must_be_a_site(network_scenario: Callable[..., Scenario]) -> None:
    scenario = network_scenario({**NETWORK, "topology.backhaul.core": 999})
    with pytest.raises(
        InputError, match=r"topology\.backhaul\.core: must name one of the \d+ sites \(found 999\)"
    ):
        build_parts(scenario, Silence())


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (
            {"radio.success_model": "ppp", "topology.kind": "hex"},
            "success_model = ppp needs topology.kind = ppp",
        ),
        (
            {"radio.success_model": "ppp", "radio.pathloss.kind": "uma"},
            "success_model = ppp needs topology.kind = ppp",
        ),
        ({"radio.success_model": "topology"}, "success_model = topology needs real sites"),
        (
            {"radio.success_model": "ppp", "radio.interference": "network"},
            "success_model = ppp needs radio.interference = field",
        ),
        (
            {"radio.success_model": "paper", "radio.fading": "block"},
            "success_model = paper needs radio.fading = round",
        ),
        (
            {"radio.retransmissions": 1, "radio.fading": "block"},
            "retransmissions needs radio.fading = round",
        ),
        ({"radio.background_ues": 3}, "background_ues needs radio.interference = network"),
        (
            {"radio.interferer_power": "fixed", "radio.interference": "network"},
            "interferer_power needs radio.interference",
        ),
        (
            {"topology.boundary": "guard", "topology.guard_km": 1.0},
            "boundary = guard needs federation = network",
        ),
        (
            {"topology.boundary": "torus", "topology.kind": "hex"},
            "boundary = torus needs topology.kind = ppp",
        ),
        (
            {
                "radio.fading": "block",
                "round.deadline_s": float("inf"),
                "round.compute_limit_s": None,
            },
            "must be finite",
        ),
        ({"topology.backhaul.kind": "file"}, "needs topology.kind = file"),
        ({"radio.pathloss.exponent": 1.9}, "must be above 2"),
        ({"radio.pathloss.kind": "none"}, "must be one of .*uma"),
        ({"radio.pathloss.kind": "uma", "radio.carrier_hz": 1e8}, "must lie in 5e\\+08"),
    ],
)
def test_what_does_not_fit_is_said(
    network_scenario: Callable[..., Scenario], options: dict[str, Any], rule: str
) -> None:
    with pytest.raises(InputError, match=rule):
        build_parts(network_scenario(options), Silence())


def test_a_perfect_channel_cannot_be_known_in_a_network(simulate: Simulate) -> None:
    with pytest.raises(
        InputError, match=r"radio\.interference: must be field for this scheme\.kind"
    ):
        simulate({**NETWORK, "scheme.kind": "model_switching", "scheme.csi": "perfect"})

"""Recorded runs replayed from the outside, and traces that just work: what a user types, what comes
out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal as about_equal

from netsim.results.reader import Run, open_run

same = partial(about_equal, check_exact=True)  # to the last bit
SMALL = (
    "--network-only",
    "--quiet",
    "--set",
    "data.train_samples=400",
    "--set",
    "data.test_samples=50",
)
WALK = (
    "mobility.kind=random_waypoint",
    "mobility.min_speed_m_s=20",
    "mobility.max_speed_m_s=40",
    "mobility.hysteresis_db=0",
    "federation=network",
    "topology.window_km=6",
)
CASES = {
    "quickstart": (),
    "cell": (*WALK, "federation=cell"),
    "field": WALK,
    "finish_old": (
        *WALK,
        "radio.fading=block",
        "radio.bandwidth_hz=2e6",
        "mobility.handover=finish_old",
    ),
    "strongest": (
        *WALK,
        "radio.pathloss.kind=uma",
        "topology.association=strongest",
        "topology.window_km=3",
    ),
    "network": (*WALK, "radio.interference=network", "topology.window_km=3"),
    "blocks": (
        "radio.interference=network",
        "radio.fading=block",
        "topology.window_km=2",
        "topology.boundary=torus",
        "federation=network",
        "round.deadline_s=3",
    ),
    "events": (
        *WALK,
        "radio.reallocation=events",
        "radio.retransmissions=2",
        "topology.kind=hex",
        "radio.bandwidth_hz=3e6",
    ),
    "resume": (
        *WALK,
        "radio.reallocation=events",
        "mobility.handover=resume",
        "radio.bandwidth_hz=3e6",
    ),
}

Command = Callable[..., Any]


@pytest.fixture
def made(command: Command) -> Callable[..., Run]:
    """`netsim run SOURCE --out OUT` with settings."""

    def run(
        out: str, *settings: str, source: str = "quickstart", more: tuple[str, ...] = ()
    ) -> Run:
        sets = [word for setting in settings for word in ("--set", setting)]
        code, _, complaint = command("run", source, *SMALL, *sets, *more, "--out", out)
        assert code == 0, complaint
        return open_run(out)

    return run


@pytest.mark.parametrize("case", CASES)
def test_a_recorded_run_replays_under_any_seed(
    case: str, made: Callable[..., Run], command: Command
) -> None:
    settings = ("scheme.kind=round_robin", "ues.count=12", "rounds=4", *CASES[case])
    first = made("a", *settings, "record=true")
    assert command("validate", "a")[0] == 0
    whole = made("b", source="a")
    for table in ("uploads", "spans", "rounds", "subscriptions", "handovers", "ues"):
        same(first.table(table).collect(), whole.table(table).collect())
    other = made("c", source="a", more=("--seed", "99"))
    assert other.metadata["seed"] == 99
    assert other.metadata["world"] == first.metadata["world"] == {"ground_seed": 7, "air_seed": 7}
    same(first.uploads.collect(), other.uploads.collect())
    free = made("f", *settings, more=("--seed", "99"))
    assert not first.uploads.collect()["sinr_db"].equals(free.uploads.collect()["sinr_db"])


def test_the_record_of_a_replay_is_of_the_first_world(made: Callable[..., Run]) -> None:
    settings = ("scheme.kind=round_robin", "ues.count=12", "rounds=2", *CASES["network"])
    first = made("a", *settings, "record=true")
    again = made("b", "record=true", source="a", more=("--seed", "5"))
    replayed = made("c", source="b", more=("--seed", "6"))
    for one in (again, replayed):
        same(first.uploads.collect(), one.uploads.collect())


def test_another_scheme_meets_the_same_radio(made: Callable[..., Run]) -> None:
    first = made(
        "a", "scheme.kind=round_robin", "ues.count=12", "rounds=6", "record=true", *CASES["field"]
    )
    other = made("b", "scheme.kind=proportional_fair", "rounds=5", source="a", more=("--seed", "3"))
    sent = _met(other, first)
    assert len(sent) > 10
    noise_w = 10 ** (-162 / 10 - 3) * sent["bandwidth_hz"]
    sinr = sent["power_w"] * sent["gain"] / (sent["interference_w"] + noise_w)
    assert np.allclose(10 * np.log10(sinr), sent["sinr_db"], rtol=0, atol=1e-9)
    opened = other.rounds.group_by("round").agg(pl.col("start_s").min().alias("open_s")).collect()
    places = first.mobility.sort("time_s").collect()
    there = _last(sent.drop("time_s").join(opened, on="round"), places, "open_s", "ue")
    at = there.join(first.sites.collect(), on="gnb", suffix="_site")
    distance = np.hypot(at["x_m"] - at["x_m_site"], at["y_m"] - at["y_m_site"])
    assert np.allclose(np.maximum(distance, 1.0), at["distance_m"])
    # pairs: at the same sample of the same link, with the same band and power, the same SINR to the
    # bit
    fedlora = made("c", "scheme.kind=fedlora", source="a", more=("--seed", "8"))
    pair = ["ue", "gnb", "time_s", "bandwidth_hz", "power_w"]
    both = _met(first, first).join(_met(fedlora, first), on=pair, suffix="_b")
    assert len(both) > 10
    assert both["sinr_db"].equals(both["sinr_db_b"])
    assert not both["payload_bits"].equals(both["payload_bits_b"])


def _met(run: Run, recorded: Run) -> pl.DataFrame:
    """First attempts of uploads with the sample of their link that the recorded run has for their
    start.
    """
    channel = recorded.table("channel").filter(pl.col("attempt") == 1).sort("time_s").collect()
    uploads = run.uploads.filter(pl.col("attempts") == 1).collect()
    return _last(uploads, channel, "start_s", "ue", "gnb")


def _last(rows: pl.DataFrame, samples: pl.DataFrame, at: str, *by: str) -> pl.DataFrame:
    """Each row with the last of the samples up to its time."""
    return rows.sort(at).join_asof(
        samples, left_on=at, right_on="time_s", by=by, suffix="_then", check_sortedness=False
    )


def test_places_alone_bring_their_sites_but_not_the_air(made: Callable[..., Run]) -> None:
    first = made(
        "a", "scheme.kind=round_robin", "ues.count=8", "rounds=2", "record=true", *CASES["field"]
    )
    settings = (
        "scheme.kind=round_robin",
        "rounds=2",
        "federation=network",
        "topology.window_km=6",
        "mobility.kind=replay",
        "mobility.path=a/mobility",
    )
    other = made("b", *settings, more=("--seed", "9"))
    for table, columns in (("sites", ["x_m", "y_m"]), ("ues", ["x_m", "y_m", "cpu_hz", "gnb"])):
        same(
            first.table(table).select(columns).collect(),
            other.table(table).select(columns).collect(),
        )
    assert other.metadata["world"] == {"ground_seed": 7, "air_seed": 9}
    assert not first.uploads.collect()["sinr_db"].equals(other.uploads.collect()["sinr_db"])


def test_a_converted_record_is_one_still(made: Callable[..., Run], command: Command) -> None:
    first = made("a", "scheme.kind=round_robin", "ues.count=8", "rounds=2", "record=true")
    assert command("trace", "convert", "a/mobility", "places.csv")[0] == 0
    assert command("trace", "convert", "a/channel", "channel.parquet")[0] == 0
    settings = (
        "scheme.kind=round_robin",
        "rounds=2",
        "mobility.kind=replay",
        "mobility.path=places.csv",
        'channel=[{path="channel.parquet"}]',
    )
    other = made("b", *settings, more=("--seed", "9"))
    same(first.uploads.collect(), other.uploads.collect())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "plain"), "plain: was not recorded (record = true)"),
        (
            ("run", "quickstart", "--set", "mobility.kind=replay"),
            "mobility.path: replay needs the trace's path",
        ),
        (
            ("run", "a", "--set", 'channel=[{path="b/channel"}]', "--network-only"),
            "must be of one world",
        ),
        (
            (
                "run",
                "quickstart",
                "--set",
                "mobility.kind=replay",
                "--set",
                "mobility.path=bad/mobility",
            ),
            "metadata.json: world must give ground_seed and air_seed",
        ),
    ],
)
def test_what_cannot_be_replayed(
    words: tuple[str, ...], message: str, made: Callable[..., Run], command: Command
) -> None:
    tiny = ("ues.count=3", "rounds=1", "scheme.kind=round_robin")
    if words[1] == "plain":
        made("plain", *tiny)
    if words[1] == "a":
        made("a", *tiny, "record=true")
        made("b", *tiny, "record=true", more=("--seed", "8"))
    if "bad/mobility" in words[-1]:
        path = made("bad", *tiny, "record=true").path / "metadata.json"
        path.write_text(path.read_text().replace('"air_seed": 7', '"air_seed": "seven"'))
    code, _, complaint = command(*words, "--out", "new")
    assert (code, len(complaint.splitlines())) == (2, 1)
    assert message in complaint


# -- traces that just work -----------------------------------------------------------------------


def _moves(path: Path | str) -> tuple[str, ...]:
    return ("mobility.kind=replay", f"mobility.path={path}", "scheme.kind=round_robin")


def test_every_real_file_of_places_replays_on_the_quickstart(
    real: Path, made: Callable[..., Run], command: Command
) -> None:
    from netsim.traces import open_trace

    places = [p for p in sorted(real.iterdir()) if "mobility" in open_trace(p).tables]
    assert len(places) == 10
    for path in places:
        run = made(path.name, *_moves(path), "rounds=8")
        sent = run.uploads.collect()["ue"].n_unique()
        if (
            path.name == "irish5g_download_driving.csv"
        ):  # one car on 10 km of road, seldom in the one cell
            assert sent == 0
            run = made("all", *_moves(path), "federation=network", "rounds=8")
            sent = run.uploads.collect()["ue"].n_unique()
        assert sent > 0, path.name
        assert command("validate", str(run.path))[0] == 0


@pytest.mark.parametrize("offset", [(0.0, -226.0, -226.0), (25_200.0, -7e5, 5.9e6)])
def test_a_trace_from_elsewhere_starts_at_once_and_among_the_sites(
    offset: tuple[float, float, float],
    samples: Path,
    made: Callable[..., Run],
    tmp_path: Path,
    command: Command,
) -> None:
    from netsim.traces import read_mobility

    time_s, x, y = offset
    rows = read_mobility(samples / "grid.fcd.xml").with_columns(
        pl.col("time_s") + time_s, pl.col("x_m") + x, pl.col("y_m") + y
    )
    rows.collect().write_csv(tmp_path / "far.csv")
    run = made("a", *_moves("far.csv"), "rounds=999")
    ues = run.ues.collect()
    assert (
        ues["name"].to_list()
        == rows.select(pl.col("node").unique(maintain_order=True)).collect()["node"].to_list()
    )
    assert ues["x_m"].null_count() < len(ues) == 20
    assert run.uploads.collect()["ue"].n_unique() > 3
    assert (run.metadata["stop_reason"], run.metadata["rounds"] < 999) == ("trace_end", True)
    assert (
        max(map(abs, run.mobility.select(pl.col("x_m", "y_m").abs().max()).collect().row(0))) < 350
    )
    code, said, _ = command(
        "validate", "quickstart", "--set", "mobility.kind=replay", "--set", "mobility.path=far.csv"
    )
    assert code == 0
    assert f"{time_s:g} s" in said
    assert ("places moved by" in said) == (x == -7e5)
    code, said, _ = command("trace", "inspect", "far.csv")
    assert f"{time_s:g} s, unless mobility.begin_s is given" in said


def test_more_ues_than_nodes_is_one_clear_error(samples: Path, command: Command) -> None:
    sets = [
        word
        for setting in (*_moves(samples / "walks.movements"), "network_only=true", "ues.count=11")
        for word in ("--set", setting)
    ]
    code, _, complaint = command("run", *sets)
    assert code == 2
    assert (
        "ues.count: must be at most the 10 nodes of the trace; leave it out to take them all (found 11)"
        in complaint
    )

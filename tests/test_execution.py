"""Runs that are interrupted: what is left of them, and where they end when resumed."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import netsim
from netsim.assembly import Loaded
from netsim.errors import DataError, Interrupted, OutputError
from netsim.protocols import Progress, Silence
from netsim.results.checkpoint import VERSION
from netsim.results.run_folder import locked
from netsim.scenario.load import load_scenario, to_toml
from netsim.scenario.model import Scenario
from netsim.schemes.base import scheme_class, scheme_names
from netsim.schemes.one_adapter import OneAdapter

Make = Callable[..., Scenario]
LEARNING = {
    "rounds": 3,
    "ues.count": 4,
    "data.train_samples": 200,
    "data.test_samples": 20,
    "data.samples_per_ue": 20,
}


LOADED = Loaded()  # data and model, read once


class Signals(Silence):
    """Sends a signal to this process in a round, and remembers what it was told."""

    def __init__(self, at: int | None = None, number: signal.Signals = signal.SIGTERM) -> None:
        super().__init__()
        self.at, self.number = at, number
        self.rounds: list[int] = []
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def round_closed(self, progress: Progress) -> None:
        self.rounds.append(progress.round)
        if progress.round == self.at:
            signal.raise_signal(self.number)


def _digests(run: Path) -> dict[str, str]:
    files = [
        file for file in sorted(run.rglob("*")) if file.is_file() and file.name != "metadata.json"
    ]
    assert files
    return {str(f.relative_to(run)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def _interrupted(
    scenario: Scenario, folder: Path, at: int, number: signal.Signals = signal.SIGTERM
) -> Path:
    with pytest.raises(Interrupted, match=f"after round {at}; to go on: netsim resume"):
        netsim.run(scenario, out=folder, listener=Signals(at, number), loaded=LOADED)
    assert netsim.open_run(folder).metadata["status"] == "interrupted"
    return folder


def _same_after_interrupt(scenario: Scenario, folder: Path, at: int) -> None:
    netsim.run(scenario, out=folder / "alone", loaded=LOADED)
    _interrupted(scenario, folder / "run", at)
    heard = Signals()
    netsim.resume(folder / "run", heard, LOADED)
    assert heard.rounds == list(range(at + 1, scenario.rounds + 1))
    assert _digests(folder / "run") == _digests(folder / "alone")


NETWORK_ONLY = [  # those on one adapter are interrupted while they learn: schemes/test_lora_schemes.py
    kind
    for kind in scheme_names()
    if not scheme_class(kind)().needs_learning and not issubclass(scheme_class(kind), OneAdapter)
]


@pytest.mark.parametrize("kind", NETWORK_ONLY)
def test_every_scheme_goes_on_as_if_nothing_had_been(
    kind: str, network_scenario: Make, tmp_path: Path
) -> None:
    # a part may not hold what comes after an interrupted round: the part in progress is written
    # again
    _same_after_interrupt(network_scenario({"scheme.kind": kind, "rounds": 5}), tmp_path, 2)


@pytest.mark.parametrize(
    "options",
    [
        {
            "federation": "network",
            "radio.interference": "network",
            "topology.window_km": 3,
            "topology.boundary": "torus",
            "radio.fading": "block",
        },
        {
            "round.alloc_start": "arrival",
            "radio.retransmissions": 1,
            "downlink.w0_broadcast": "every_round",
        },
        {"radio.reallocation": "events", "round.aggregation_s": 0.1, "formulas": "paper"},
    ],
    ids=["network", "arrival", "paper"],
)
@pytest.mark.parametrize("at", [0, 3])
def test_every_way_of_going_on(
    options: Mapping[str, Any], at: int, network_scenario: Make, tmp_path: Path
) -> None:
    _same_after_interrupt(network_scenario({**options, "rounds": 4 if at else 2}), tmp_path, at)


STALE = {
    "round.late_uploads": "stale",
    "round.alloc_start": "arrival",
    "round.deadline_s": 1.0,
    "round.compute_limit_s": None,
    "ues.count": 30,
    "radio.bandwidth_hz": 3e6,
}
CELLS = {"federation": "network", "radio.interference": "network", "topology.window_km": 3}


@pytest.mark.parametrize(
    "options",
    [
        {**STALE, "radio.retransmissions": 2, "radio.sinr_threshold_db": 0.0},
        {**STALE, "radio.fading": "block"},
        {**STALE, **CELLS, "radio.retransmissions": 1, "radio.sinr_threshold_db": 0.0},
        {**STALE, **CELLS, "radio.fading": "block", "radio.background_ues": 2},
        {**STALE, "scheme.kind": "flexlora", "round.alloc_start": "barrier"},
        {**CELLS, "scheme.kind": "buffered_async", "scheme.concurrency": 3, "scheme.buffer": 2},
    ],
    ids=["field", "field-blocks", "network", "network-blocks", "ranks", "async"],
)
def test_uploads_under_way_go_on(
    options: Mapping[str, Any], network_scenario: Make, tmp_path: Path
) -> None:
    _same_after_interrupt(network_scenario({**options, "rounds": 5}), tmp_path, 3)
    rounds = netsim.open_run(tmp_path / "run").rounds.filter(pl.col("round") == 3).collect()
    assert rounds["carried"].sum() > 0


def test_what_an_upload_under_way_was_trained_on_goes_on(tmp_path: Path) -> None:
    """The versions that uploads in flight start from are in the checkpoint, too."""
    stale = {**LEARNING, **STALE, "ues.count": 6, "rounds": 5, "scheme.kind": "fedlora"}
    _same_after_interrupt(load_scenario("quickstart", stale), tmp_path, 3)
    uploads = (
        netsim.open_run(tmp_path / "run").uploads.filter(pl.col("outcome") == "on_time").collect()
    )
    assert uploads.filter((pl.col("begun") <= 3) & (pl.col("round") > 3))["staleness"].max() > 0


WALK = {
    "topology.kind": "hex",
    "federation": "network",
    "mobility.kind": "random_waypoint",
    "mobility.min_speed_m_s": 20.0,
    "mobility.max_speed_m_s": 40.0,
}


@pytest.mark.parametrize(
    "options",
    [
        {
            **WALK,
            "mobility.hysteresis_db": 1.0,
            "mobility.time_to_trigger_s": 6.0,
            "mobility.step_s": 0.3,
        },
        {**WALK, "record": True, "mobility.handover": "resume", "radio.reallocation": "events"},
    ],
    ids=["trigger", "recorded"],
)
def test_ues_under_way_go_on(
    options: Mapping[str, Any], network_scenario: Make, tmp_path: Path
) -> None:
    """A time to trigger longer than a round begins before the checkpoint and ends after it."""
    _same_after_interrupt(network_scenario({**options, "rounds": 8}), tmp_path, 5)
    handovers = netsim.open_run(tmp_path / "run").handovers.collect()
    closed_s = (
        netsim.open_run(tmp_path / "run")
        .rounds.filter(pl.col("round") == 5)
        .collect()["end_s"]
        .max()
    )
    assert (handovers["time_s"] > closed_s).any()


def test_ues_that_come_and_go_go_on(network_scenario: Make, samples: Path, tmp_path: Path) -> None:
    trace = {
        "mobility.kind": "replay",
        "mobility.path": str(samples / "grid.fcd.xml"),
        "topology.kind": "hex",
        "topology.density_per_km2": 10,
        "topology.window_km": 2,
        "federation": "network",
    }
    few = {
        "ues.count": 20,
        "rounds": 6,
        "model.foundation_bits_override": 1e8,
        "radio.bandwidth_hz": 3e5,
    }
    for at in (1, 3):
        _same_after_interrupt(network_scenario({**trace, **few}), tmp_path / str(at), at)
    spans = netsim.open_run(tmp_path / "1" / "run").spans
    assert len(
        spans.filter(
            (pl.col("kind") == "broadcast") & (pl.col("bits") == 1e8) & (pl.col("round") > 3)
        ).collect()
    )


def test_learning_goes_on_with_all_its_memory(tmp_path: Path) -> None:
    hetlora = {
        "scheme.kind": "hetlora",
        "learning.local_steps": 2,
    }  # ranks are pruned from round to round
    _same_after_interrupt(load_scenario("quickstart", {**LEARNING, **hetlora}), tmp_path, 2)
    assert any(name.endswith(".safetensors") for name in _digests(tmp_path / "run"))


def test_stop_rules_remember(network_scenario: Make, tmp_path: Path) -> None:
    spent = netsim.run(network_scenario({"rounds": 6}), out=tmp_path / "all").rounds.collect()
    energy_j = float((spent["compute_energy_j"] + spent["uplink_energy_j"]).head(4).sum())
    limited = network_scenario({"rounds": 6, "stop.energy_j": energy_j * 0.999})
    run = netsim.resume(_interrupted(limited, tmp_path / "run", 3))
    assert (run.metadata["stop_reason"], run.metadata["rounds"]) == ("energy_j", 4)


def test_a_second_signal_does_not_wait(network_scenario: Make, tmp_path: Path) -> None:
    """The round is not over: nothing of it is kept, and the checkpoint before it counts."""
    scenario = network_scenario({"rounds": 6, "checkpoint_every": 2})

    class Twice(Signals):
        def round_closed(self, progress: Progress) -> None:
            super().round_closed(progress)
            if progress.round == self.at:
                signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted, match="after round 3"):
        netsim.run(scenario, out=tmp_path / "run", listener=Twice(3))
    assert signal.getsignal(signal.SIGTERM) is before
    assert [p.name for p in (tmp_path / "run" / "checkpoint").iterdir()] == ["00000002"]
    assert netsim.open_run(tmp_path / "run").rounds.collect()["round"].max() == 3
    heard = Signals()
    netsim.resume(tmp_path / "run", heard)
    assert heard.rounds == [3, 4, 5, 6]
    netsim.run(scenario, out=tmp_path / "alone")
    assert _digests(tmp_path / "run") == _digests(tmp_path / "alone")


def test_an_ignored_signal_stays_ignored(network_scenario: Make, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        assert (
            netsim.run(network_scenario(), out=tmp_path / "run", listener=Signals(2)).metadata[
                "rounds"
            ]
            == 4
        )
    finally:
        signal.signal(signal.SIGTERM, before)


# -- what is there to go on with -----------------------------------------------------------------


@pytest.fixture
def stopped(network_scenario: Make, tmp_path: Path) -> Path:
    """A run of 5 rounds with the checkpoints of rounds 2 and 3."""
    return _interrupted(network_scenario({"rounds": 5, "checkpoint_every": 1}), tmp_path / "run", 3)


SPOILT_STATES: dict[str, tuple[dict[str, Any], str]] = {
    "netsim": ({"run": {"netsim": "0.0.1"}}, "must be made by this netsim"),
    "course": ({"course": {"netsim": "0.0.1"}}, "it does not hold what a run saves (KeyError)"),
    "time": ({"time_s": 1e12}, "the end of round 3 in the tables (found 1000000000000.0)"),
    "no time": ({"time_s": float("nan")}, "the end of round 3 in the tables (found nan)"),
}


@pytest.mark.parametrize("harm", ["flip", "version", "cut", *SPOILT_STATES])
def test_what_cannot_be_used_is_told_of_and_the_one_before_is_taken(
    harm: str, stopped: Path, tmp_path: Path
) -> None:
    scenario = load_scenario(stopped / "scenario.toml")
    newest = stopped / "checkpoint" / "00000003"
    if harm == "version":
        _edit(newest / "manifest.json", version=VERSION + 1)
        reason = f"must be of version {VERSION} (found {VERSION + 1})"
    elif harm in SPOILT_STATES:
        state = json.loads((newest / "state.json").read_text())
        change, reason = SPOILT_STATES[harm]
        state |= change
        (newest / "state.json").write_text(json.dumps(state))
        manifest = json.loads((newest / "manifest.json").read_text())
        content = (newest / "state.json").read_bytes()
        manifest["files"]["state.json"] = {
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        _edit(newest / "manifest.json", **manifest)
    else:
        content = bytearray((newest / "state.json").read_bytes())
        content[40] ^= 1
        (newest / "state.json").write_bytes(content if harm == "flip" else content[:40])
        reason = "is not what was written"
    heard = Signals()
    netsim.resume(stopped, heard)
    assert heard.rounds == [3, 4, 5]
    (warning,) = [text for text in heard.warnings if "checkpoint" in text]
    assert "00000003" in warning
    assert reason in warning
    assert "going on from round 2" in warning
    netsim.run(scenario, out=tmp_path / "alone")
    assert _digests(stopped) == _digests(tmp_path / "alone")


def test_if_none_can_be_used_all_reasons_are_given_and_nothing_is_lost(stopped: Path) -> None:
    for number in (2, 3):
        _edit(stopped / "checkpoint" / f"0000000{number}" / "manifest.json", version=7)
    before = netsim.open_run(stopped).uploads.collect()
    with pytest.raises(DataError, match=r"no checkpoint can be used: .*00000003.*7.*00000002.*7"):
        netsim.resume(stopped)
    assert netsim.open_run(stopped).metadata["status"] == "interrupted"  # as it was
    assert netsim.open_run(stopped).uploads.collect().equals(before)


def test_a_table_that_was_cut_is_an_error(stopped: Path) -> None:
    (stopped / "uploads" / "part-000000.parquet").unlink()
    with pytest.raises(DataError, match="uploads"):
        netsim.resume(stopped)


def test_another_scenario_is_refused(stopped: Path) -> None:
    scenario = load_scenario(stopped / "scenario.toml", {"round.deadline_s": 4.0})
    (stopped / "scenario.toml").write_text(to_toml(scenario))
    with pytest.raises(DataError, match=r"from this scenario\.toml"):
        netsim.resume(stopped)


def test_without_a_checkpoint_a_run_starts_again(stopped: Path, tmp_path: Path) -> None:
    netsim.run(load_scenario(stopped / "scenario.toml"), out=tmp_path / "alone")
    shutil.rmtree(stopped / "checkpoint")
    (stopped / "uploads" / "part-000007.parquet").write_bytes(b"of a later round")
    (stopped / "notes.txt").write_text("the user's own")
    heard = Signals()
    netsim.resume(stopped, heard)
    assert heard.rounds == [0, 1, 2, 3, 4, 5]
    assert (stopped / "notes.txt").read_text() == "the user's own"
    (stopped / "notes.txt").unlink()
    assert _digests(stopped) == _digests(tmp_path / "alone")
    finished = (stopped / "metadata.json").read_text()
    (stopped / "checkpoint" / "00000005").mkdir(parents=True)  # killed while it was removed
    assert netsim.resume(stopped).metadata["status"] == "done"
    assert (stopped / "metadata.json").read_text() == finished
    assert not (stopped / "checkpoint").exists()


def test_a_run_that_had_just_begun(network_scenario: Make, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "scenario.toml.tmp").write_text("half")  # killed here, there is nothing to go on with
    with pytest.raises(DataError, match="is not a run folder"):
        netsim.resume(folder)
    netsim.run(network_scenario({"rounds": 1}), out=folder)
    for path in folder.iterdir():
        if path.name != "scenario.toml":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (folder / "metadata.json.tmp").write_text("{")
    assert netsim.resume(folder).metadata["status"] == "done"
    assert not (folder / "metadata.json.tmp").exists()


@pytest.mark.parametrize("missing", ["metadata.json", "scenario.toml"])
def test_no_run_folder_is_one_error(missing: str, stopped: Path) -> None:
    (stopped / missing).unlink()
    with pytest.raises(DataError, match=f"run folder: it has no {missing}"):
        netsim.resume(stopped)


def test_two_processes_do_not_work_on_one_run(
    stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fcntl")
    monkeypatch.setattr("netsim.results.run_folder.LET_GO_S", 0.1)
    before = _digests(stopped)
    with locked(stopped / "scenario.toml"), pytest.raises(OutputError, match="another process"):
        netsim.resume(stopped)
    assert _digests(stopped) == before


def _edit(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("netsim", "must be made by this netsim: it was made by netsim 0.0.1, this is "),
        ("scenario", "must be made from this scenario.toml, which has changed since"),
    ],
)
def test_a_refused_resume_says_what_differs(key: str, rule: str, stopped: Path) -> None:
    for checkpoint in (stopped / "checkpoint").iterdir():
        state = json.loads((checkpoint / "state.json").read_text())
        state["run"][key] = "0.0.1"
        (checkpoint / "state.json").write_text(json.dumps(state))
        content = (checkpoint / "state.json").read_bytes()
        manifest = json.loads((checkpoint / "manifest.json").read_text())
        manifest["files"]["state.json"] = {
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        _edit(checkpoint / "manifest.json", **manifest)
    before = (stopped / "metadata.json").read_bytes()
    with pytest.raises(DataError, match=rule):
        netsim.resume(stopped)
    assert (stopped / "metadata.json").read_bytes() == before


def test_warnings_reach_python_and_the_metadata(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, network_scenario: Make
) -> None:
    crowded = {"rounds": 1, "data.train_samples": 200, "data.samples_per_ue": 200}
    run = netsim.run(network_scenario(crowded), out=tmp_path / "run")
    (text,) = run.metadata["warnings"]
    assert "rows are held" in text
    assert [record.message for record in caplog.records if record.name == "netsim"] == [text]

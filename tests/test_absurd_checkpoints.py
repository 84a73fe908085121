"""Checkpoints that are whole, but whose times, steps or places no run can come to: refused, not waited for."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netsim
from netsim.cli.main import main
from netsim.errors import DataError
from netsim.execution.plausible import check_plausible
from netsim.results.checkpoint import Checkpoint
from netsim.results.state_file import read_state, write_state

CELLS = {
    "network_only": True,
    "rounds": 4,
    "checkpoint_every": 1,
    "federation": "network",
    "ues.count": 5,
    "topology.window_km": 3,
    "data.train_samples": 60,
    "data.test_samples": 10,
    "data.samples_per_ue": 10,
}
KINDS = {
    "moving": {"mobility.kind": "random_waypoint", "record": True},
    "late": {"scheme.kind": "buffered_async", "scheme.buffer": 2},
}
STEPS = 50


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes a run that was stopped after two rounds, once for each kind."""
    home = tmp_path_factory.mktemp("stopped")

    def make(kind: str) -> Path:
        if not (home / kind).exists():
            scenario = netsim.load_scenario("quickstart", {**CELLS, **KINDS[kind]})
            with netsim.Session(scenario, out=home / kind) as session:
                for _ in range(2):
                    session.step(session.scheme.plan(session.observe()))
        return home / kind

    return make


def _newest(run: Path) -> Path:
    return max((run / "checkpoint").iterdir())


def _found(run: Path) -> Checkpoint:
    newest = _newest(run)
    return Checkpoint(newest, int(newest.name), read_state(newest))


def _places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, Any, str]]:
    """(owner, key, name) of every number and array."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(value, dict | list):
            yield from _places(value, (*path, key))
        elif isinstance(value, int | float | np.ndarray):
            yield tree, key, ".".join(str(part) for part in (*path, key))


def _set(owner: Any, key: Any, value: float) -> None:
    """One number, the first of an array."""
    if isinstance(owner[key], np.ndarray):
        owner[key].reshape(-1)[0] = value
    else:
        owner[key] = value


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_run_saves_is_plausible(kind: str, stopped: Callable[[str], Path]) -> None:
    check_plausible(_found(stopped(kind)), STEPS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [-1.0, -1e308, 1e18, 1e308])
def test_absurd_times_of_any_name_are_refused(
    kind: str, value: float, stopped: Callable[[str], Path]
) -> None:
    names = [
        name
        for owner, key, name in _places(_found(stopped(kind)).state)
        if name.endswith("_s") and np.size(owner[key]) and name != "time_s"  # the tables tell it
    ]
    assert len(names) > 5
    for name in names:
        found = _found(stopped(kind))
        owner, key = next((o, k) for o, k, n in _places(found.state) if n == name)
        _set(owner, key, value)
        with pytest.raises(DataError, match="times in 0"):
            check_plausible(found, STEPS)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("roaming.seen_step", -(10**12), r"must lie in 0\.\.50"),
        ("roaming.journey.first", 10**12, r"must lie in 0\.\.50"),
        ("tables.logbook.step", -1, r"must lie in 0\.\.50"),
        ("tables.logbook.since_s", np.nan, "none of them NaN"),
        ("roaming.arrived_s", np.inf, "must be finite times"),
        ("roaming.heard_s", np.nan, "none of them NaN"),
        ("roaming.journey.samples.0.position_m", np.nan, "must be finite"),
        ("course.round", 1, "must be the checkpoint's, 2"),
        ("course.energy_j", np.inf, "finite and not negative"),
    ],
)
def test_absurd_numbers_are_refused(
    name: str, value: float, rule: str, stopped: Callable[[str], Path]
) -> None:
    found = _found(stopped("moving"))
    owner, key = next((o, k) for o, k, n in _places(found.state) if n == name)
    _set(owner, key, value)
    with pytest.raises(DataError, match=rule):
        check_plausible(found, STEPS)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("payload_bits", np.inf, "must be below 1e"),
        ("payload_bits", -1.0, "must not be negative"),
        ("left_bits", np.nan, "none of them NaN"),
        ("share", 1e4, "must be at most 1"),
        ("power_w", np.nan, "none of them NaN"),
        ("power_w", 1e308, "must be below 1e"),
        ("band", -1.0, "must not be negative"),
        ("sinr", np.inf, "must be below 1e"),
        ("work", np.inf, "must be below 1e"),
    ],
)
def test_absurd_uploads_under_way_are_refused(
    name: str, value: float, rule: str, stopped: Callable[[str], Path]
) -> None:
    found = _found(stopped("late"))
    found.state["under_way"]["uploads"][name][0] = value
    with pytest.raises(DataError, match=rf"under_way\.uploads\.{name}: .*{rule}"):
        check_plausible(found, STEPS)


def test_resume_says_what_is_absurd_and_takes_the_one_before(
    stopped: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "run"
    shutil.copytree(stopped("moving"), run)
    newest = _newest(run)
    state = read_state(newest)
    state["roaming"]["seen_step"] = -(10**12)  # a billion steps to look at, and more
    write_state(newest, state)
    manifest = json.loads((newest / "manifest.json").read_text(encoding="utf-8"))
    for name, entry in manifest["files"].items():
        content = (newest / name).read_bytes()
        entry |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (newest / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["netsim", "resume", str(run), "--quiet"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert not ended.value.code, said
    assert "00000002: roaming.seen_step: must lie in 0.." in said
    assert "going on from round 1" in said

"""Checkpoints: what goes in comes out, the one before serves where the last is no good, nothing is
believed.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netsim.errors import DataError, RunError, ScenarioError
from netsim.results.checkpoint import (
    Checkpoint,
    Pace,
    save_checkpoint,
    use_checkpoint,
)


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """The newest checkpoint that is whole."""
    return use_checkpoint(folder, lambda found: found)


STATE: dict[str, Any] = {
    "round": 7,
    "time_s": 0.1 + 0.2,
    "huge": 2**80,
    "odd": [float("inf"), -0.0, None, True, "ü"],
    "scheme": {
        "dual": np.arange(6.0).reshape(2, 3) / 3,
        "picked": np.array([True, False]),
        "nothing": {},
    },
    "busy": [{"end_s": np.float64(1.5), "rows": np.array([], dtype=np.int64)}],
    "scalar": np.array(3, dtype=np.int32),
    "big_endian": np.arange(3, dtype=">f8"),
}


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return (
            isinstance(b, np.ndarray)
            and a.dtype == b.dtype
            and a.shape == b.shape
            and a.tobytes() == b.tobytes()
        )
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return repr(a) == repr(b) or a == b


def _add(folder: Path) -> None:
    (folder / "learner.safetensors").write_bytes(b"weights")


def test_state_comes_back_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    assert load_checkpoint(folder) is None
    save_checkpoint(folder, 7, STATE, _add)
    found = load_checkpoint(folder)
    assert found is not None
    assert (found.round, found.refused) == (7, ())
    assert _same(found.state, STATE)
    assert (found.path / "learner.safetensors").read_bytes() == b"weights"


def test_the_last_and_the_one_before_are_kept(tmp_path: Path) -> None:
    for number in (5, 10, 15, 20):
        save_checkpoint(tmp_path, number, {"round": number})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["00000015", "00000020"]
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found.state == {"round": 20}


def _manifest(path: Path, **changed: Any) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps({**manifest, **changed}))


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))


HARM: dict[str, tuple[Callable[[Path], object], str]] = {
    "another version": (lambda p: _manifest(p, version=1), r"must be of version 2 \(found 1\)"),
    "another round": (lambda p: _manifest(p, round=3), "must be of the round it is named after"),
    "a flipped bit in the state": (
        lambda p: _flip(p / "state.json"),
        "state.json: is not what was written",
    ),
    "a flipped bit in the arrays": (
        lambda p: _flip(p / "arrays.npz"),
        "arrays.npz: is not what was written",
    ),
    "a flipped bit in the learner": (
        lambda p: _flip(p / "learner.safetensors"),
        "is not what was written",
    ),
    "a cut file": (lambda p: os.truncate(p / "arrays.npz", 10), "is not what was written"),
    "a lost file": (lambda p: (p / "learner.safetensors").unlink(), "files and manifest differ"),
    "a file too many": (lambda p: (p / "x").write_text(""), "files and manifest differ"),
    "no manifest": (lambda p: (p / "manifest.json").unlink(), "cannot be read"),
    "half a manifest": (lambda p: os.truncate(p / "manifest.json", 40), "not JSON"),
    "a list as manifest": (
        lambda p: (p / "manifest.json").write_text("[]"),
        "must be a JSON object",
    ),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_bad_one_is_told_and_the_one_before_is_taken(harm: str, tmp_path: Path) -> None:
    for number in (5, 10):
        save_checkpoint(tmp_path, number, STATE, _add)
    change, reason = HARM[harm]
    change(tmp_path / "00000010")
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found.round == 5
    assert _same(found.state, STATE)
    (refused,) = found.refused
    assert "00000010" in refused
    assert reason.replace("\\", "") in refused
    change(tmp_path / "00000005")
    with pytest.raises(DataError, match=r"no checkpoint can be used: .*00000010.*00000005"):
        load_checkpoint(tmp_path)


def _resealed(path: Path) -> None:
    """A manifest that fits files that somebody has exchanged."""
    from hashlib import sha256

    files = [f for f in sorted(path.iterdir()) if f.name != "manifest.json"]
    told = {
        f.name: {"bytes": f.stat().st_size, "sha256": sha256(f.read_bytes()).hexdigest()}
        for f in files
    }
    _manifest(path, files=told)


@pytest.mark.parametrize("trick", ["pickle", "giant", "compressed", "missing", "elsewhere"])
def test_a_forged_one_neither_runs_nor_expands(trick: str, tmp_path: Path) -> None:
    save_checkpoint(tmp_path, 5, {"a": np.arange(4.0)})
    path = tmp_path / "00000005"
    header = np.lib.format.magic(1, 0)
    giant = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776,), }"
    giant = header + len(giant).to_bytes(2, "little") + giant
    with zipfile.ZipFile(path / "arrays.npz", "w") as archive:
        if trick == "pickle":
            with archive.open("a0.npy", "w") as file:
                np.lib.format.write_array(
                    file, np.array([tmp_path], dtype=object), allow_pickle=True
                )
        elif trick == "giant":
            archive.writestr("a0.npy", giant + bytes(64))
        elif trick == "compressed":
            with archive.open(zipfile.ZipInfo("x"), "w"):
                pass
            entry = zipfile.ZipInfo("a0.npy")
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as file:
                np.lib.format.write_array(file, np.zeros(10**6))
        elif trick == "missing":
            archive.writestr("b.npy", b"")
    if trick == "elsewhere":
        (path / "arrays.npz").unlink()
        (path / "arrays.npz").symlink_to("/etc/hostname")
    _resealed(path)
    with pytest.raises(DataError, match="no checkpoint can be used"):
        load_checkpoint(tmp_path)


def test_what_a_killed_process_left_is_not_read_and_goes(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, 5, {"round": 5})
    shutil.copytree(tmp_path / "00000005", tmp_path / ".new-00000010")
    (tmp_path / ".new-00000010" / "manifest.json").unlink()
    shutil.copytree(tmp_path / "00000005", tmp_path / ".old-00000001")
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found.round == 5
    save_checkpoint(tmp_path, 10, {"round": 10})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["00000005", "00000010"]


def test_a_refused_one_is_made_again(tmp_path: Path) -> None:
    for number in (5, 10):
        save_checkpoint(tmp_path, number, {"round": number})
    _flip(tmp_path / "00000010" / "state.json")
    save_checkpoint(tmp_path, 10, {"again": True})
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found.state == {"again": True}


@pytest.mark.parametrize("cut", ["state", "add", "rename"])
def test_an_error_on_the_way_leaves_the_one_before(
    cut: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(tmp_path, 5, {"round": 5})

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        if cut == "state":
            patched.setattr(np.lib.format, "write_array", full)
        elif cut == "rename":
            patched.setattr(Path, "replace", full)
        with pytest.raises(RunError, match="00000010: cannot be written: No space left on device"):
            save_checkpoint(tmp_path, 10, {"a": np.zeros(3)}, full if cut == "add" else None)
    assert [p.name for p in tmp_path.iterdir()] == ["00000005"]
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found.round == 5


@pytest.mark.parametrize(
    "value",
    [np.array([object()]), {"$array": "a0"}, {1: 2}, {"x": {1, 2}}, np.array(["text"])],
    ids=["object", "reserved", "number as key", "set", "text"],
)
def test_only_numbers_and_json_values_are_held(value: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="checkpoint"):
        save_checkpoint(tmp_path, 1, {"value": value})


def test_what_refuses_one_is_given_the_one_before(tmp_path: Path) -> None:
    for number in (5, 10):
        save_checkpoint(tmp_path, number, {"round": number})

    def only_the_first(found: Checkpoint) -> int:
        if found.round == 10:
            raise ScenarioError("does not fit", where=found.path)
        return len(found.refused)

    assert use_checkpoint(tmp_path, only_the_first) == 1
    with pytest.raises(DataError, match=r"KeyError.*KeyError"):
        use_checkpoint(tmp_path, lambda found: found.state["absent"])
    assert use_checkpoint(tmp_path / "none", lambda found: found) is None


def test_pace_by_rounds_and_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    assert [r for r in range(8) if Pace(3).due(r)] == [3, 6]
    pace = Pace(None)
    now = 109.9
    assert not pace.due(1)
    now = 110.0
    assert pace.due(0)
    now = 112.0
    pace.made(110.0)  # it took 2 s, so at most one in 40 s
    now = 151.9
    assert not pace.due(2)
    now = 152.0
    assert pace.due(3)

"""Options of the studies, and sweeps that go on."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

TINY: dict[str, Any] = {
    "network_only": True,
    "scheme.kind": "round_robin",
    "rounds": 2,
    "ues.count": 4,
    "topology.window_km": 6,
    "data.train_samples": 200,
    "data.test_samples": 20,
}


@pytest.fixture
def study_module(scripts: None) -> ModuleType:
    import study

    return study


def test_command_tells_what_matters_and_no_folder(study_module: ModuleType, tmp_path: Path) -> None:
    words = [
        "--size",
        "full",
        "--jobs",
        "3",
        "--out",
        str(tmp_path),
        "--model",
        str(tmp_path / "minilm"),
    ]
    asked = study_module.options(
        words, "some/where/fig9.py", "text", ("small", "full"), learns=True
    )
    assert asked.command == "python analysis/fig9.py --size full --model minilm"
    assert asked.learned == {"model.path": str(tmp_path / "minilm")}
    assert asked.results == study_module.HERE
    small = study_module.options(["--out", str(tmp_path)], "fig9.py", "text", ("small", "full"))
    assert small.results == tmp_path


def test_sweep_goes_on_with_what_is_there(
    study_module: ModuleType,
    sweeps_here: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = study_module.options(["--jobs", "1", "--out", str(tmp_path)], "fig9.py", "", ("small",))
    study_module.sweep(asked, "quickstart", {"ues.count": [4]}, range(1), TINY, part="a")
    written = {f: f.stat().st_mtime_ns for f in tmp_path.rglob("*.parquet")}
    again = study_module.sweep(asked, "quickstart", {"ues.count": [4, 5]}, range(1), TINY, part="a")
    assert again.runs["status"].to_list() == ["done", "done"]
    assert written
    assert all(f.stat().st_mtime_ns == then for f, then in written.items())
    assert "1 of 1 runs" in capsys.readouterr().err


def test_what_cannot_be_is_one_message(
    study_module: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = study_module.options(["--jobs", "0", "--out", str(tmp_path)], "fig9.py", "", ("small",))
    with pytest.raises(SystemExit) as ended:
        study_module.sweep(asked, "quickstart", {}, range(1), TINY)
    assert ended.value.code == 2
    assert capsys.readouterr().err == "fig9: --jobs: must be at least 1 (found 0)\n"


def test_failed_runs_end_the_study(
    study_module: ModuleType, sweeps_here: None, tmp_path: Path
) -> None:
    words = ["--jobs", "1", "--out", str(tmp_path / "out")]
    asked = study_module.options(words, "fig9.py", "", ("small",))
    empty = tmp_path / "empty.csv"
    empty.touch()
    fixed = {**TINY, "mobility.kind": "replay", "mobility.path": str(empty)}
    with pytest.raises(SystemExit, match=r"1 runs failed .*seed-0"):
        study_module.sweep(asked, "quickstart", {}, range(1), fixed)


def test_interrupted_study_says_how_to_go_on(
    study_module: ModuleType,
    sweeps_here: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = study_module.options(["--jobs", "1", "--out", str(tmp_path)], "fig9.py", "", ("small",))

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(study_module.Teller, "run_ended", interrupt)
        with pytest.raises(SystemExit) as ended:
            study_module.sweep(asked, "quickstart", {"ues.count": [4, 5]}, range(1), TINY)
    assert ended.value.code == 130
    assert capsys.readouterr().err.endswith("fig9: interrupted; the same command goes on\n")
    again = study_module.sweep(asked, "quickstart", {"ues.count": [4, 5]}, range(1), TINY)
    assert again.runs["status"].to_list() == ["done", "done"]

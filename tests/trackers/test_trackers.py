"""Trackers are told what a run's tables say, and are never its end; the real ones where installed."""

from __future__ import annotations

import importlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import netsim
from netsim.cli.main import main
from netsim.errors import InputError
from netsim.protocols import Progress
from netsim.trackers import TRACKERS
from netsim.trackers.tracked import values

SMALL = {
    "network_only": True,
    "scheme.kind": "round_robin",
    "rounds": 3,
    "ues.count": 5,
    "data.train_samples": 200,
}


@dataclass
class Notes:
    """Writes down what it is told; raises in the method that `fails`."""

    fails: str = ""
    begun: list[tuple[Path, dict[str, Any]]] = field(default_factory=list)
    logged: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def begin(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._fail_in("begin")
        self.begun.append((folder, dict(settings)))

    def log(self, round: int, values: Mapping[str, float]) -> None:
        self._fail_in("log")
        self.logged.append((round, dict(values)))

    def end(self, status: str) -> None:
        self._fail_in("end")
        self.ended.append(status)

    def _fail_in(self, method: str) -> None:
        if method == self.fails:
            raise OSError("no space left")


def test_it_is_told_what_the_tables_say(tmp_path: Path) -> None:
    notes = Notes()
    run = netsim.run("quickstart", SMALL, out=tmp_path / "run", log=notes)
    ((folder, settings),) = notes.begun
    assert folder == run.path
    assert settings["ues.count"] == 5
    assert notes.ended == ["done"]
    counts = ("on_time", "late", "outage")
    rounds = run.rounds.group_by("round").agg(pl.col(*counts).sum(), pl.col("end_s").max())
    (before, _), *logged = notes.logged
    assert before == 0
    for row, (round, told) in zip(
        rounds.sort("round").collect().iter_rows(named=True), logged, strict=True
    ):
        assert row["round"] == round
        assert row["end_s"] == told["time_s"]
        assert {name: row[name] for name in counts} == {name: told[name] for name in counts}
        assert "accuracy" not in told  # nothing is learned


def test_what_was_not_measured_is_not_told() -> None:
    learned = Progress(3, 4.5, 6.0, 7, 1, 2, 0, train_loss=None, loss=0.5, accuracy=0.75)
    told = values(learned)
    assert (told["accuracy"], told["loss"], told["energy_j"]) == (0.75, 0.5, 6.0)
    assert "train_loss" not in told


def test_a_log_changes_no_byte_and_what_fails_is_left_alone(tmp_path: Path) -> None:
    plain = netsim.run("quickstart", SMALL, out=tmp_path / "plain")
    notes = [Notes(fails=method) for method in ("begin", "log", "end")]
    noted = netsim.run("quickstart", SMALL, out=tmp_path / "noted", log=notes)
    for file in plain.path.rglob("*.parquet"):
        other = noted.path / file.relative_to(plain.path)
        assert file.read_bytes() == other.read_bytes()
    assert noted.metadata["status"] == "done"
    told = [text for text in noted.metadata["warnings"] if "Notes fails" in text]
    assert told == ["Notes fails and is told no more: OSError: no space left"]
    first, second, third = notes
    assert (first.begun, first.logged, first.ended) == ([], [], [])
    assert (second.logged, second.ended) == ([], [])
    assert [round for round, _ in third.logged] == [0, 1, 2, 3]


def test_it_learns_how_the_run_ended(tmp_path: Path) -> None:
    class Stops(Notes):
        def log(self, round: int, values: Mapping[str, float]) -> None:
            super().log(round, values)
            if round == 2:
                raise KeyboardInterrupt

    stopped = Stops()
    with pytest.raises(KeyboardInterrupt):
        netsim.run("quickstart", SMALL, out=tmp_path / "run", log=stopped)
    assert stopped.ended == ["interrupted"]
    again = Notes()
    assert netsim.resume(tmp_path / "run", log=again).metadata["status"] == "done"
    assert again.logged[-1][0] == 3
    assert again.ended == ["done"]
    nothing = Notes()
    with pytest.raises(InputError):
        netsim.run(
            "quickstart", {**SMALL, "scheme.kind": "hetlora"}, out=tmp_path / "x", log=nothing
        )
    assert (nothing.begun, nothing.ended) == ([], [])


@pytest.mark.parametrize(
    ("log", "rule"),
    [
        ("mlfow", "must be one of mlflow, wandb, trackio; did you mean mlflow?"),
        (
            [3],
            "int is no Tracker: it lacks begin.folder, settings., log.round, values., end.status.",
        ),
    ],
)
def test_bad_logs_leave_nothing(log: Any, rule: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rule):
        netsim.run("quickstart", SMALL, out=tmp_path / "run", log=log)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", TRACKERS)
def test_without_the_package_the_extra_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where a folder has the name of the package, as W&B's own `wandb` has."""
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    places = [place for place in sys.path if not (Path(place) / name / "__init__.py").is_file()]
    monkeypatch.setattr("sys.path", [str(tmp_path), *places])
    for known in [module for module in sys.modules if module.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, known)
    module = TRACKERS[name].partition(":")[0]
    monkeypatch.delitem(sys.modules, module, raising=False)
    importlib.invalidate_caches()
    monkeypatch.setattr("sys.argv", ["netsim", "run", "--log", name, "--out", "run"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"needs the extra '{name}': pip install 'netsim-fedlora[{name}]'" in said
    assert not (tmp_path / "run").exists()


def test_mlflow_keeps_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow", reason="needs the extra mlflow: pip install '.[mlflow]'")
    from mlflow.tracking import MlflowClient

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'kept.db'}")
    run = netsim.run("quickstart", SMALL, out=tmp_path / "run", log="mlflow")
    client = MlflowClient(f"sqlite:///{tmp_path / 'kept.db'}")
    experiment = client.get_experiment_by_name("netsim")
    assert experiment is not None
    (kept,) = client.search_runs([experiment.experiment_id])
    assert (kept.info.run_name, kept.info.status) == ("run", "FINISHED")
    assert kept.data.params["ues.count"] == "5"
    steps = client.get_metric_history(kept.info.run_id, "time_s")
    ends = run.rounds.group_by("round").agg(pl.col("end_s").max()).sort("round").collect()
    assert [(m.step, m.value) for m in steps][1:] == list(ends.iter_rows())


def logged_by_itself(name: str, home: Path, **variables: str) -> None:
    """A run in a process of its own: these packages read their variables once, and end with it."""
    small = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}".lower())]
    done = subprocess.run(
        [sys.executable, "-m", "netsim", "run", *small, "--out", "run", "--log", name, "--quiet"],
        cwd=home,
        env={key: value for key, value in os.environ.items() if key != "WANDB_MODE"} | variables,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "run\n"), done.stderr
    assert "is told no more" not in done.stderr


def test_wandb_keeps_the_run_offline(tmp_path: Path) -> None:
    pytest.importorskip("wandb.sdk", reason="needs the extra wandb: pip install '.[wandb]'")
    logged_by_itself("wandb", tmp_path)
    (file,) = (tmp_path / "wandb").glob("offline-run-*/*.wandb")
    assert b"on_time" in file.read_bytes()


def test_trackio_keeps_the_run(tmp_path: Path) -> None:
    pytest.importorskip("trackio", reason="needs the extra trackio: pip install '.[trackio]'")
    logged_by_itself("trackio", tmp_path, TRACKIO_DIR=str(tmp_path / "kept"))
    with sqlite3.connect(tmp_path / "kept" / "netsim.db") as store:
        steps = store.execute("select step from metrics order by step").fetchall()
    assert [step for (step,) in steps] == [0, 1, 2, 3]

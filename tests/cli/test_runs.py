"""Runs found again: `netsim list`, `netsim diff`, `netsim init`, bundled scenarios by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netsim.assembly.loaded import Loaded
from netsim.execution import run
from netsim.protocols import Silence
from netsim.scenario.load import bundled_names, load_scenario, to_toml
from netsim.sweeps.job import execute
from netsim.sweeps.study import open_study

Command = Callable[..., Any]
TINY = {"network_only": True, "rounds": 2, "ues.count": 5, "data.train_samples": 200}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs `a`, `b` and `deep/c`, which was killed."""
    home = tmp_path_factory.mktemp("runs")
    run(load_scenario("quickstart", TINY), out=home / "runs" / "a")
    changed = {**TINY, "scheme.kind": "fedlora", "round.deadline_s": 3.5}
    run(load_scenario("quickstart", changed), out=home / "runs" / "b", seed=3)
    killed = run(load_scenario("quickstart", TINY), out=home / "runs" / "deep" / "c").path
    about = json.loads((killed / "metadata.json").read_text())
    (killed / "metadata.json").write_text(json.dumps({**about, "status": "running"}))
    return home


@pytest.fixture
def home(folder: Path) -> Path:
    """Commands work in that folder."""
    return folder


def test_runs_are_listed_with_what_was_changed(command: Command) -> None:
    lines = command("list").stdout.splitlines()
    rows = {line.split()[0]: line for line in lines if line.split()}
    assert rows["a"].split()[1:5] == ["done", "quickstart", "model_switching", "7"]
    assert "fedlora" in rows["b"]
    assert "round.deadline_s=3.5" in rows["b"]
    assert rows["deep/c"].split()[1] == "killed"
    assert "ues.count=5" in rows["a"]


def test_runs_of_a_file_of_ones_own_tell_what_was_overridden(
    command: Command, folder: Path
) -> None:
    assert command("init", "own.toml").returncode == 0
    file = folder / "own.toml"
    file.write_text(file.read_text().replace('name = "quickstart"', 'name = "own"'))
    tiny = [word for key, value in TINY.items() for word in ("--set", f"{key}={value}".lower())]
    for name, more in (
        ("1", ["--set", "modules.*.rank=4"]),
        ("2", ["--set", "seed=5", "--set", "round.deadline_s=6"]),
    ):
        assert command("run", "own.toml", *more, *tiny, "--out", f"own/{name}").returncode == 0
    study = open_study(
        file, {"round.deadline_s": [5, 6]}, [0], fixed=TINY, out=folder / "own" / "s"
    )
    for job in study.jobs:
        execute(study.folder.path, job.id, to_toml(job.scenario), Silence(), Loaded())
    lines = command("list", "own").stdout.splitlines()
    first, second, five, six = [line for line in lines if " own " in line]
    assert "modules.0.rank=4, modules.1.rank=4" in first
    assert "round.deadline_s=6" in second
    assert "modules" not in second  # what only the first was given is not the second's change
    assert "deadline_s" not in five.partition(" own ")[2]  # the scenario has it so
    assert six.split()[-1] == "round.deadline_s=6"


def test_a_damaged_run_is_listed_as_such(command: Command, folder: Path) -> None:
    (folder / "other" / "x").mkdir(parents=True, exist_ok=True)
    (folder / "other" / "x" / "metadata.json").write_text("{")
    (folder / "other" / "x" / "scenario.toml").write_text("")
    assert "damaged" in command("list", "other").stdout
    assert command("list", "gone").returncode == 2


def test_differences_are_keys_and_values(command: Command) -> None:
    said = command("diff", "runs/a", "runs/b").stdout
    rows = {line.split()[0]: line.split()[1:] for line in said.splitlines() if line.split()}
    assert rows["round.deadline_s"] == ["5", "3.5"]
    assert rows["seed"] == ["7", "3"]
    assert rows["scheme.kind"] == ["model_switching", "fedlora"]
    assert "radio.bandwidth_hz" not in rows
    assert command("diff", "runs/a", "runs/a").stdout == "no key differs\n"
    assert "ues.count" in command("diff", "quickstart", "runs/a").stdout


@pytest.mark.parametrize("name", bundled_names())
def test_a_scenario_of_ones_own_starts_from_a_bundled_one(
    name: str, command: Command, folder: Path
) -> None:
    made = command("init", f"mine/{name}.toml", "--from", name)
    assert made.returncode == 0
    assert f"netsim run mine/{name}.toml" in made.stdout
    assert load_scenario(folder / "mine" / f"{name}.toml") == load_scenario(name)
    again = command("init", f"mine/{name}.toml")
    assert again.returncode == 2
    assert "is there already" in again.stderr


def test_what_needs_no_file_beside_it_is_bundled(command: Command) -> None:
    assert {"quickstart", "paper"} <= set(bundled_names())
    missed = command("init", "x.toml", "--from", "papr")
    assert missed.returncode == 2
    assert "did you mean paper?" in missed.stderr

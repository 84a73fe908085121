"""A newcomer's walk, README in hand: every command of it works, each question takes two commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import netsim

Command = Callable[..., Any]
ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TINY = ["--network-only", "--set", "rounds=2", "--set", "data.train_samples=200"]
FEW = ["--set", "ues.count=6"]
pytestmark = pytest.mark.usefixtures("sweeps_here")

NOT_HERE = (  # commands that need what a test does not have, or that have tests of their own
    "path/to/SST-2",
    "scheme.kind=nearest",
    "netsim verify",
    "pip install",
)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the whole walk takes place."""
    home = tmp_path_factory.mktemp("walk")
    (home / "topologies").symlink_to(ROOT / "topologies")
    (home / "traces").symlink_to(ROOT / "traces")
    return home


@pytest.fixture
def home(walked: Path) -> Path:
    """Commands work in that folder."""
    return walked


def _commands() -> list[list[str]]:
    """The words of every netsim command in README's blocks of shell."""
    found = []
    for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            known = not any(missing in line for missing in NOT_HERE)
            if words and words[0] == "netsim" and known:
                found.append(words[1:])
    return found


def _small(words: list[str]) -> list[str]:
    """The same command, over in a second."""
    if words[0] == "run":
        prune = ["--set", "scheme.prune=false"] if "scheme.kind=hetlora" in words else []
        few = [] if any(word.startswith("topologies/") for word in words) else FEW
        network = [] if "--network-only" in words else TINY[:1]
        return [*words, *network, *TINY[1:], *few, *prune]
    if words[0] == "sweep":
        small = [word.replace("0:8", "0:2") for word in words]
        return [*small, *TINY[1:], *FEW, "--jobs", "1"]
    return words


def test_every_command_of_the_readme_works(command: Command, walked: Path) -> None:
    commands = _commands()
    assert len(commands) > 15
    for _ in range(2):  # two runs of that name, for `netsim diff`
        assert command(*_small(["run"]), "--seed", "7").returncode == 0
    for words in commands:
        if words[0] == "init":
            (walked / words[1]).unlink(missing_ok=True)
        done = command(*_small(words))
        assert done.returncode == 0, f"{shlex.join(words)}: {done.stderr}"
    assert (walked / "density.html").exists() or (walked / "density").is_dir()


def test_does_double_density_help_with_my_trace(command: Command, walked: Path) -> None:
    asked = (
        "--set mobility.kind=replay --set mobility.path=traces/grid.fcd.xml "
        "--set topology.window_km=2 --over topology.density_per_km2=1,2 --seeds 0:2 --out trace"
    )
    small = ["--network-only", "--set", "rounds=2", "--set", "data.train_samples=400"]
    done = command("sweep", "quickstart", *shlex.split(asked), *small, "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert "next: netsim report trace" in done.stdout
    assert command("report", "trace").returncode == 0
    assert "What each step did" in (walked / "trace.html").read_text(encoding="utf-8")


def test_deadline_of_1_or_5_seconds(command: Command) -> None:
    asked = ["sweep", "quickstart", "--over", "round.deadline_s=1,5", "--seeds", "0:2", *TINY, *FEW]
    refused = command(*asked, "--out", "deadline", "--jobs", "1")
    assert refused.returncode == 2
    helps = re.search(r"--set (round.compute_limit_s=[\d.]+)", refused.stderr)
    assert helps is not None
    done = command(*asked, "--set", helps[1], "--out", "deadline", "--jobs", "1")
    assert done.returncode == 0
    steps = netsim.open_sweep("deadline").differences("on_time_share")
    assert steps.select("from", "to", "pairs").rows() == [(1.0, 5.0, 2)]


def test_latency_by_distance_is_one_figure(command: Command, walked: Path) -> None:
    assert command("run", *TINY, "--out", "far").returncode == 0
    assert command("plot", "far", "--figure", "latency_by_distance").returncode == 0
    assert (walked / "far-latency_by_distance.svg").exists()


def test_who_holds_up_my_rounds_and_why(command: Command, walked: Path) -> None:
    assert command("run", *TINY, *FEW, "--out", "held").returncode == 0
    assert command("report", "held").returncode == 0
    assert "Who held the rounds up" in (walked / "held.html").read_text(encoding="utf-8")
    path = netsim.open_run("held").critical_path().collect()  # the same, round by round
    assert path["sending_ue"].len() == 2


def test_joules_to_an_accuracy_of_two_schemes_with_intervals(
    command: Command, walked: Path
) -> None:
    kinds = ["--over", "scheme.kind=fedlora,model_switching", "--seeds", "0:2"]
    small = ["--set", "rounds=1", "--set", "data.train_samples=300", *FEW, "--jobs", "1"]
    done = command("sweep", "quickstart", *kinds, *small, "--out", "joules")
    assert done.returncode == 0, done.stderr
    told = command("report", "joules", "--accuracy", "0.3")
    assert told.returncode == 0, told.stderr
    assert "energy to accuracy 0.3" in (walked / "joules.html").read_text(encoding="utf-8")
    study = netsim.open_sweep("joules")  # the same in three lines
    joules = study.response("energy_to_accuracy_j", accuracy=0.3)
    assert joules.columns[:4] == ["scheme.kind", "mean", "low", "high"]
    assert joules["seeds"].to_list() == [2, 2]
    steps = study.differences("energy_to_accuracy_j", "scheme.kind", accuracy=0.3)
    assert steps.select("from", "to").rows() == [("fedlora", "model_switching")]


def test_the_exports_of_a_run_twice(command: Command) -> None:
    assert command("run", *TINY, *FEW, "--out", "out").returncode == 0
    for _ in range(2):  # the second replaces the first
        for kind in ("csv", "perfetto", "tensorboard"):
            done = command("export", kind, "out")
            assert done.returncode == 0, done.stderr
    refused = command("export", "adapters", "out")
    assert refused.returncode == 2
    assert "has no adapters: it is network-only" in refused.stderr


def test_five_lines_of_python_do_the_same(walked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(walked)
    tiny = {"network_only": True, "rounds": 2, "ues.count": 6, "data.train_samples": 200}
    run = netsim.run("quickstart", tiny, out="python")
    page = netsim.report(run)
    tables = netsim.export(run, "csv")
    study = netsim.sweep(
        "quickstart", {"rounds": [1, 2]}, range(2), overrides=tiny, out="many", jobs=1
    )
    netsim.plot(study, "response", "many.svg", metric="energy_j")
    assert (page.name, tables.name) == ("python.html", "python-csv")
    assert netsim.report(study).name == "many.html"

"""`netsim report` and `netsim export` as a user types them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netsim.cli.console import sparkline
from netsim.execution import run
from netsim.scenario.model import Scenario

Command = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, make_network: Callable[..., Scenario]) -> Path:
    """A folder with two runs, `a` and `b`."""
    home = tmp_path_factory.mktemp("runs")
    run(make_network(), out=home / "a")
    run(make_network({"scheme.kind": "fedlora"}), out=home / "b")
    return home


@pytest.fixture
def home(folder: Path) -> Path:
    """Commands work in that folder."""
    return folder


@pytest.mark.parametrize(
    ("arguments", "made"),
    [
        (("report", "a"), "a.html"),
        (("report", "a", "b"), "a-compared.html"),
        (("report", "a/", "--out", "pages/own.html"), "pages/own.html"),
        (("export", "perfetto", "a"), "a.perfetto.json.gz"),
        (("export", "csv", "a"), "a-csv/uploads.csv"),
        (("export", "csv", "b", "--out", "own"), "own/spans.csv"),
        (("export", "tensorboard", "a"), "a-tensorboard/events.out.tfevents.0.netsim"),
    ],
)
def test_what_is_written_and_where(
    arguments: tuple[str, ...], made: str, command: Command, folder: Path
) -> None:
    code, said, errors = command(*arguments)
    assert (code, errors) == (0, "")
    assert said.startswith(made.split("/")[0])
    assert (folder / made).stat().st_size > 0
    assert {p.name for p in (folder / "a").iterdir()} == {
        "metadata.json",
        "scenario.toml",
        "spans",
        "uploads",
        "rounds",
        "subscriptions",
        "ues",
        "sites",
    }


def test_from_within_the_run_folder(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder / "b")
    assert command("report", ".")[0] == 0
    assert (folder / "b.html").exists()


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("report", "nothing"), "nothing: does not exist"),
        (("report", "a", "--out", "a/metadata.json/page.html"), "cannot be written"),
        (("report", "a", "--out", "."), "must be a file"),
        (("report", "a", "--rounds", "5:3"), "rounds ascend"),
        (("report", "a", "--rounds", "1:30000000000"), "rounds ascend"),
        (("report", *["a"] * 13), "a report compares 1 to 12 runs"),
        (("export", "perfetto", "."), "is not a run folder"),
        (("export", "csv", "a", "--out", "a"), "a: the output folder must be new or empty"),
        (("export", "adapters", "a"), "a: has no adapters"),
    ],
)
def test_bad_input_is_one_message(arguments: tuple[str, ...], rule: str, command: Command) -> None:
    code, _, errors = command(*arguments)
    assert code == 2
    assert rule in errors
    assert len(errors.splitlines()) == 1


def test_sparkline_goes_from_least_to_greatest() -> None:
    assert sparkline([0.0, 1.0, 0.5]) == "▁█▅"
    assert sparkline([2.0, 2.0]) == "▁▁"
    long = sparkline([float(i) for i in range(1000)], width=20)
    assert len(long) == 20
    assert list(long) == sorted(long)


def test_a_figure_is_asked_for_by_name(command: Command, folder: Path) -> None:
    listed = command("plot", "a")
    assert listed.returncode == 0
    assert "latency_by_distance" in listed.stdout
    drawn = command("plot", "a", "--figure", "timeline", "--round", "2")
    assert (drawn.returncode, drawn.stdout) == (0, "a-timeline.svg\n")
    assert (folder / "a-timeline.svg").stat().st_size > 0
    assert command("plot", "a", "--figure", "timeline", "--out", "x.doc").returncode == 2

"""`netsim init --scheme` and shell completion, as a user meets them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from forking import PYTEST, ForkServer

from netsim.cli.completion import scenario_keys
from netsim.results.reader import open_run

Command = Callable[..., Any]


def test_a_new_scheme_passes_its_test_and_runs(
    command: Command,
    home: Path,
    install: Callable[[Path], None],
    forks: ForkServer,
) -> None:
    assert command("init", "far_first", "--scheme").returncode == 0
    tested = forks.start("far_first", script=PYTEST, folder=home)
    said, _ = tested.communicate()
    assert tested.returncode == 0, said
    assert "1 passed" in said
    install(home / "far_first")
    done = command(
        *("run", "far_first/scenario.toml", "--network-only", "--set", "rounds=2", "--out", "r")
    )
    assert done.returncode == 0, done.stderr
    assert open_run(home / "r").subscriptions.collect()["ue"].n_unique() == 10


def test_a_scheme_has_a_scenario_of_its_own(command: Command, home: Path) -> None:
    done = command("init", "far_first", "--scheme", "--from", "paper")
    assert done.returncode == 2
    assert "--from: is of a scenario" in done.stderr
    assert not (home / "far_first").exists()


def test_a_scenario_gets_its_ending(command: Command, home: Path) -> None:
    assert command("init", "mine").returncode == 0
    assert (home / "mine.toml").is_file()


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("Far-First", "Python name"),
        ("taken", "there already"),
        ("class", "word or module of Python"),
        ("numpy", "package that is installed"),
        ("pydantic", "package that is installed"),
        ("netsim", "package that is installed"),
        ("random", "word or module of Python"),
        ("greedy", "or a scheme"),
        (".", "must be the name of a new"),
    ],
)
def test_a_package_needs_a_free_python_name(
    command: Command, home: Path, name: str, rule: str
) -> None:
    (home / "taken").mkdir()
    done = command("init", name, "--scheme")
    assert done.returncode == 2
    assert rule in done.stderr


def test_keys_are_completed() -> None:
    assert "radio.bandwidth_hz=" in scenario_keys("radio.b")
    assert scenario_keys("nothing") == []


def test_the_shell_completes_keys(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("_NETSIM_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "netsim run --set radio.band")
    monkeypatch.setenv("COMP_CWORD", "3")
    assert command().stdout.strip() == "radio.bandwidth_hz="
    monkeypatch.delenv("_NETSIM_COMPLETE")
    monkeypatch.setenv("HOME", str(tmp_path))
    done = command("--install-completion", "bash")
    assert done.returncode == 0, done.stderr
    assert "_NETSIM_COMPLETE" in (tmp_path / ".bash_completions" / "netsim.sh").read_text()

"""`netsim resume` as a user meets it: what it says, where it ends, its exit codes."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import netsim
from netsim.cli.progress import TerminalListener
from netsim.protocols import Progress
from netsim.results.run_folder import RunFolder

TINY = (
    "--network-only",
    "--set",
    "rounds=4",
    "--set",
    "ues.count=5",
    "--set",
    "checkpoint_every=1",
    "--set",
    "data.train_samples=200",
)

Command = Callable[..., Any]


@pytest.fixture
def interrupted(command: Command, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A run in folder `r` that was asked to end in round 2."""
    told = TerminalListener.round_closed

    def round_closed(listener: Any, progress: Progress) -> None:
        told(listener, progress)
        if progress.round == 2:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patched:
        patched.setattr(TerminalListener, "round_closed", round_closed)
        return command("run", *TINY, "--out", "r")


def test_an_interrupted_run_says_how_to_go_on(interrupted: Any, command: Command) -> None:
    assert interrupted.returncode == 130
    said = interrupted.stderr.splitlines()
    assert said[-1] == "netsim: interrupted after round 2; to go on: netsim resume r"
    done = command("resume", "r")
    assert done.returncode == 0
    rounds = [line.split()[1] for line in done.stderr.splitlines() if line.startswith("round ")]
    assert rounds == ["3/4", "4/4"]
    assert "ended after" in done.stdout
    again = command("resume", "r")
    assert (again.returncode, again.stdout) == (0, "r is finished: nothing to do\n")


@pytest.mark.parametrize("quiet", [(), ("--quiet",)])
def test_a_damaged_checkpoint_is_told_of(
    quiet: tuple[str, ...], interrupted: Any, command: Command, tmp_path: Path
) -> None:
    manifest = tmp_path / "r" / "checkpoint" / "00000002" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "version": 99}))
    done = command("resume", "r", *quiet)
    assert done.returncode == 0
    warnings = [line for line in (done.stdout + done.stderr).splitlines() if "warning" in line]
    told = "must be of version 2 (found 99); going on from round 1"
    assert sum(told in line for line in warnings) == 1
    assert not quiet or done.stdout == "r\n"
    assert netsim.open_run(tmp_path / "r").metadata["status"] == "done"


def test_bad_folders_are_one_message(interrupted: Any, command: Command, tmp_path: Path) -> None:
    for number in ("00000001", "00000002"):
        (tmp_path / "r" / "checkpoint" / number / "state.json").write_text("{}")
    for folder, rule in (
        ("r", "no checkpoint can be used"),
        ("none", "does not exist"),
        (".", "metadata.json"),
    ):
        done = command("resume", folder)
        assert done.returncode == 2
        assert rule in done.stderr.splitlines()[-1]


def test_a_run_that_did_not_end_says_so_when_validated(
    interrupted: Any, command: Command, tmp_path: Path
) -> None:
    """An interrupted run balances; one that was killed, or that goes on, is not judged."""
    checked = command("validate", "r")
    assert checked.returncode == 0
    assert "r: interrupted: the rounds so far" in checked.stdout
    _tell(tmp_path / "r", status="failed", error="RunError: the disk is full")
    assert "r: failed: RunError: the disk is full" in command("validate", "r").stdout
    assert "RunError: the disk is full" in _page(command, tmp_path)
    _tell(tmp_path / "r", status="running")
    killed = command("validate", "r")
    assert (killed.returncode, killed.stdout) == (1, "")
    assert "was killed before it could close its tables; to go on: netsim resume r" in killed.stderr
    with RunFolder(tmp_path / "r").claim():
        running = command("validate", "r")
    assert (running.returncode, running.stdout) == (1, "")
    assert "is still running" in running.stderr


def test_a_run_without_rounds_is_not_judged(
    interrupted: Any, command: Command, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "r" / "rounds")
    _tell(tmp_path / "r", status="failed", error="RunError: no space")
    checked = command("validate", "r")
    assert checked.returncode == 1
    assert "failed before its first round ended: RunError: no space" in checked.stderr


@pytest.mark.parametrize("harm", ["deleted", "renamed"])
def test_a_folder_that_goes_while_its_run_goes_on_is_an_error(
    harm: str, command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = TerminalListener.round_closed

    def round_closed(listener: Any, progress: Progress) -> None:
        told(listener, progress)
        if progress.round == 2 and harm == "deleted":
            shutil.rmtree(tmp_path / "r")
        elif progress.round == 2:
            (tmp_path / "r").rename(tmp_path / "moved")

    monkeypatch.setattr(TerminalListener, "round_closed", round_closed)
    done = command("run", *TINY, "--out", "r", "--set", "checkpoint_every=100")
    assert done.returncode == 1
    assert "cannot be written: No such file or directory" in done.stderr
    assert not (tmp_path / "r").exists()


def _tell(folder: Path, **about: str) -> None:
    known = json.loads((folder / "metadata.json").read_text())
    (folder / "metadata.json").write_text(json.dumps(known | about))


def _page(command: Command, home: Path) -> str:
    assert command("report", "r").returncode == 0
    return (home / "r.html").read_text(encoding="utf-8")

"""Bad input: exit code 2, one message that names place, value and rule, no traceback, nothing
lost.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LEARN = ["--set", "rounds=1", "--set", "ues.count=3"]


Command = Callable[..., Any]


def _tsv(folder: Path, train: str, dev: str = "sentence\tlabel\nfine\t1\nbad\t0\n") -> str:
    folder.mkdir()
    (folder / "train.tsv").write_text(train)
    (folder / "dev.tsv").write_text(dev)
    return f"data.path={folder}"


def _check(done: Any, *fragments: str) -> None:
    assert done.returncode == 2, done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line]
    assert len(lines) == 1, done.stderr
    for fragment in fragments:
        assert fragment in lines[0]


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        (["missing.toml"], ["missing.toml", "no such file"]),
        (
            ["--set", "radio.bandwith_hz=1e6"],
            ["radio.bandwith_hz", "unknown key", "did you mean bandwidth_hz"],
        ),
        (["--set", "radio.bandwidth_hz=-1"], ["radio.bandwidth_hz", "-1", "greater than 0"]),
        (["--set", "round.deadline_s=nan"], ["deadline_s", "nan"]),
        (["--set", "rounds"], ["a.b=value", "rounds"]),
        (["--set", "scheme.kind=none"], ["scheme.kind", "fedlora", "none"]),
        (["--set", "scheme.rankk=3"], ["scheme.rankk", "unknown parameter"]),
        (
            ["--network-only", "--set", "stop.target_accuracy=0.9"],
            ["stop.target_accuracy", "depends on learning"],
        ),
        (["--network-only", "--set", "model.path=."], ["payload_bits_override", "network-only"]),
        (["--set", "data.path=nowhere"], ["data.path", "nowhere", "existing file or folder"]),
        (["--set", "model.path=nowhere"], ["nowhere", "folder"]),
        (
            ["--set", "learning.evaluate_on=validation", "--set", "data.validation_fraction=0"],
            ["data.validation_fraction", "above 0", "learning.evaluate_on = validation"],
        ),
    ],
)
def test_one_message(arguments: list[str], fragments: list[str], command: Command) -> None:
    _check(command("run", *arguments), *fragments)


@pytest.mark.parametrize(
    ("train", "fragments"),
    [
        ("", ["train.tsv"]),
        ("sentence\tlabel\n", ["train.tsv"]),
        ("sentence\tlabel\ngood\t1\nbroken row\nbad\t0\n", ["train.tsv", "line 3"]),
        ("sentence\tlabel\ngood\t1\nbad\t\n", ["train.tsv", "line 3"]),
        ("sentence\ngood\n", ["train.tsv", "label"]),
    ],
)
def test_bad_data_files(train: str, fragments: list[str], tmp_path: Path, command: Command) -> None:
    done = command("run", *LEARN, "--set", _tsv(tmp_path / "data", train))
    _check(done, *fragments)


def test_taken_output_folder(tmp_path: Path, command: Command) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    _check(command("run", "--out", "mine"), "mine", "new or empty")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_validate_of_no_run_folder(tmp_path: Path, command: Command) -> None:
    _check(command("validate", "."), "is not a run folder")


def test_bad_input_leaves_no_folder(tmp_path: Path, command: Command) -> None:
    """Neither what shows when the scenario loads, nor what shows when its files are read."""
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    for key, value in (("data.path", "nowhere"), ("data.path", "bad.csv"), ("scheme.kind", "x")):
        done = command("run", *LEARN, "--out", "r", "--set", f"{key}={value}")
        _check(done, key if value == "x" else value)
        assert not (tmp_path / "r").exists()

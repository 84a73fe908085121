"""Where output cannot go: devices and pipes stay what they are, and nothing waits for a reader."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

import netsim
from netsim.cli.main import main

SMALL = {
    "network_only": True,
    "rounds": 1,
    "ues.count": 3,
    "data.train_samples": 60,
    "data.test_samples": 10,
    "data.samples_per_ue": 10,
}
TRACE = "time_s,node,x_m,y_m\n0,a,1,2\n1,a,2,3\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run."""
    folder = tmp_path_factory.mktemp("odd") / "run"
    netsim.run("quickstart", SMALL, out=folder)
    return folder


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
@pytest.mark.parametrize(
    "words",
    [
        ("report", "RUN", "--out", "PIPE.html"),
        ("export", "perfetto", "RUN", "--out", "PIPE.json"),
        ("topology", "make", "line", "--out", "PIPE.csv", "--sites", "3"),
        ("trace", "convert", "t.csv", "PIPE.parquet"),
    ],
)
def test_a_pipe_is_not_replaced(
    words: tuple[str, ...],
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(TRACE)
    (pipe,) = (word for word in words if word.startswith("PIPE"))
    os.mkfifo(pipe)
    named = [str(run) if word == "RUN" else word for word in words]
    monkeypatch.setattr(sys, "argv", ["netsim", *named])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said == f"netsim: {pipe}: must be a new or a plain file, not a pipe or a device\n"
    assert stat.S_ISFIFO(Path(pipe).stat().st_mode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_init_says_that_it_is_the_output_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["netsim", "init", str(tmp_path / "s.toml")])
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said == "netsim: the output cannot be written: No space left on device\n"
    assert (tmp_path / "s.toml").is_file()

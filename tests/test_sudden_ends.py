"""Runs that end without a word, killed or on a disk that is full or cannot be written, and are
resumed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from forking import ForkServer

import netsim
from netsim.errors import Interrupted
from netsim.protocols import Progress, Silence
from netsim.scenario.load import load_scenario, to_toml
from netsim.scenario.model import Scenario

Make = Callable[..., Scenario]
LEARNING = {
    "rounds": 6,
    "checkpoint_every": 1,
    "ues.count": 4,
    "data.train_samples": 200,
    "data.test_samples": 20,
    "data.samples_per_ue": 20,
}


class Until(Silence):
    """Interrupts a run at the end of a round."""

    def __init__(self, last: int) -> None:
        self.last = last

    def round_closed(self, progress: Progress) -> None:
        if progress.round == self.last:
            raise KeyboardInterrupt


def _digests(run: Path) -> dict[str, str]:
    files = [
        file for file in sorted(run.rglob("*")) if file.is_file() and file.name != "metadata.json"
    ]
    assert files
    return {str(f.relative_to(run)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


# -- kill -9 -------------------------------------------------------------------------------------


def _killed(forks: ForkServer, scenario: Scenario, folder: Path, after_s: float) -> None:
    """A run in a process of its own, killed `after_s` from its first round on or in the middle of
    it.
    """
    file = folder.with_suffix(".toml")
    file.write_text(to_toml(scenario))
    process = forks.start("run", str(file), "--out", str(folder), folder=folder.parent)
    for line in process.stderr:
        if line.startswith("round 0"):
            break
    time.sleep(after_s)
    process.kill()
    process.communicate()


def test_killed_at_random_moments(
    network_scenario: Make, forks: ForkServer, tmp_path: Path
) -> None:
    scenario = network_scenario({"rounds": 25, "checkpoint_every": 1})
    begun = time.monotonic()
    netsim.run(scenario, out=tmp_path / "alone")
    length_s, expected = time.monotonic() - begun, _digests(tmp_path / "alone")
    for number, part in enumerate(np.random.default_rng(9).uniform(0, 0.9, 5)):
        run = tmp_path / f"run{number}"
        _killed(forks, scenario, run, part * length_s)
        netsim.resume(run)
        assert _digests(run) == expected


def test_a_learning_run_killed_at_a_random_moment(forks: ForkServer, tmp_path: Path) -> None:
    scenario = load_scenario("quickstart", LEARNING)
    begun = time.monotonic()
    netsim.run(scenario, out=tmp_path / "alone")
    length_s, expected = time.monotonic() - begun, _digests(tmp_path / "alone")
    assert "adapters/0/adapter_model.safetensors" in expected
    moment_s = float(np.random.default_rng(5).uniform(0, 0.9)) * length_s
    _killed(forks, scenario, tmp_path / "run", moment_s)
    netsim.resume(tmp_path / "run")
    assert _digests(tmp_path / "run") == expected


# -- disks ---------------------------------------------------------------------------------------

FULL = """
mount -t tmpfs -o size=400k none small || exit 77
"$PYTHON" -m netsim.cli.main run long.toml --out small/run > said 2> error
echo $? > code
cp -r small/run left
"""
READ_ONLY = """
mount -t tmpfs -o size=4m none small || exit 77
cp -r run small/run && mount -o remount,ro small || exit 77
"$PYTHON" -m netsim.cli.main run long.toml --out small/new > said 2> error; echo $? > code
"$PYTHON" -m netsim.cli.main resume small/run > said2 2> error2; echo $? > code2
cp -r small/run left
"""


def _in_own_mounts(script: str, folder: Path) -> None:
    """Run a shell script that may mount, in `folder`."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        pytest.skip("needs Linux and unshare (util-linux) to mount a small disk")
    (folder / "small").mkdir()
    environment = {**os.environ, "PYTHON": sys.executable}
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"needs the right to mount a small disk: {done.stderr.strip()}")


def test_a_full_disk_is_one_error_and_earlier_rounds_stay(
    network_scenario: Make, tmp_path: Path
) -> None:
    scenario = network_scenario({"rounds": 4000, "ues.count": 40})
    (tmp_path / "long.toml").write_text(to_toml(scenario))
    _in_own_mounts(FULL, tmp_path)
    assert (tmp_path / "code").read_text() == "1\n"
    error = (tmp_path / "error").read_text().splitlines()[-1]
    assert error.startswith("netsim: small/run/")
    assert error.endswith("No space left on device")
    run = netsim.open_run(tmp_path / "left")
    assert run.metadata["status"] == "failed"
    assert "No space left" in run.metadata["error"]
    rounds = run.rounds.collect()["round"]
    assert rounds.to_list() == list(range(1, 100))  # the first part is whole
    shutil.rmtree(tmp_path / "left" / "checkpoint", ignore_errors=True)
    with pytest.raises(Interrupted):  # there is space again
        netsim.resume(tmp_path / "left", Until(101))
    again = netsim.open_run(tmp_path / "left").uploads.filter(pl.col("round") < 100).collect()
    assert again.equals(run.uploads.filter(pl.col("round") < 100).collect())


def test_a_disk_that_cannot_be_written_is_one_error(network_scenario: Make, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        netsim.run(
            network_scenario({"rounds": 5, "checkpoint_every": 1}),
            out=tmp_path / "run",
            listener=Until(3),
        )
    shutil.copy(tmp_path / "run" / "scenario.toml", tmp_path / "long.toml")
    _in_own_mounts(READ_ONLY, tmp_path)
    assert (tmp_path / "code").read_text() == "2\n"
    assert (
        tmp_path / "error"
    ).read_text() == "netsim: small/new: cannot be written: Read-only file system\n"
    assert (tmp_path / "code2").read_text() == "1\n"
    error = (tmp_path / "error2").read_text().splitlines()[-1]
    assert error == "netsim: small/run/metadata.json: cannot be written: Read-only file system"
    assert netsim.open_run(tmp_path / "left").rounds.collect()["round"].to_list() == [1, 2, 3]

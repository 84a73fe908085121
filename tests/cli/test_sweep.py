"""`netsim sweep` as a user meets it: one command, its answer with intervals, its errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netsim.results.intervals import plus_minus
from netsim.results.sweep import open_sweep

TINY = (
    "--network-only",
    "--set",
    "rounds=2",
    "--set",
    "ues.count=6",
    "--set",
    "data.train_samples=400",
    "--out",
    "s",
    "--jobs",
    "1",
)

Command = Callable[..., Any]


def test_one_command_answers_with_intervals(
    command: Command, tmp_path: Path, sweeps_here: None
) -> None:
    asked = (
        *TINY,
        "--over",
        "topology.density_per_km2=1,2",
        "--over",
        "scheme.kind=round_robin,hetlora",
        "--seeds",
        "0:3",
    )
    done = command("sweep", *asked)
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    (row,) = [line for line in lines if line.split()[:2] == ["round_robin", "2"]]
    mean = open_sweep(tmp_path / "s").response("energy_j").row(3, named=True)
    assert row.split()[2] == "3"
    assert plus_minus(mean["mean"], (mean["high"] - mean["low"]) / 2) in row
    (step,) = [line for line in lines if line.split()[:4] == ["round_robin", "1", "->", "2"]]
    apart = (
        open_sweep(tmp_path / "s")
        .differences("energy_j", "topology.density_per_km2")
        .row(1, named=True)
    )
    half_width = (apart["high"] - apart["low"]) / 2
    assert plus_minus(apart["mean"], half_width, sign="+") in step
    assert "12 runs: 6 done now, 0 done before, 6 failed" in done.stdout
    failures = [
        line for line in lines if line.startswith("failed: s/runs/kind-hetlora_density_per_km2-")
    ]
    assert len(failures) == 6
    assert all("scheme.kind" in line and "hetlora" in line for line in failures)
    again = command("sweep", *asked)
    assert "12 runs: 0 done now, 6 done before, 6 failed" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        (["--over", "topology.density_per_km2"], ["--over", "a.b=v1,v2"]),
        (["--over", "topology.density_per_km2=1,-1"], ["density_per_km2", "-1", "greater than 0"]),
        (["--over", "rounds=1", "--over", "rounds=2"], ["--over", "rounds", "given twice"]),
        (["--seeds", "5:1"], ["--seeds", "ascending"]),
        (["--set", "seed=4"], ["--set seed", "--seeds"]),
        (["--backend", "cloud"], ["--backend", "local, ray", "cloud"]),
        (["--jobs", "0"], ["--jobs", "at least 1"]),
        (["--backend", "ray", "--address", "127.0.0.1:1"], ["--address", "127.0.0.1:1", "refused"]),
        (["gone.toml"], ["gone.toml", "no such file"]),
        (["--out", "mine"], ["mine", "sweep folder"]),
    ],
)
def test_one_message(
    arguments: list[str], fragments: list[str], command: Command, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    if "ray" in arguments:
        pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    seeds = [] if "--seeds" in arguments or "--over" in arguments else ["--seeds", "0:2"]
    done = command("sweep", *arguments, *seeds)
    assert done.returncode == 2, done.stderr + done.stdout
    (line,) = [line for line in done.stderr.splitlines() if line]
    for fragment in fragments:
        assert fragment in line


def test_a_sweep_of_nothing_says_how_to_vary(command: Command) -> None:
    bare = command("sweep")
    assert bare.returncode in (0, 2)
    assert "--over" in bare.stdout + bare.stderr
    named = command("sweep", "quickstart", "--network-only")
    assert named.returncode == 2
    assert "give --over a.b=v1,v2,... or --seeds 0:8" in named.stderr

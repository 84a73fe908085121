"""`netsim topology` from the outside: files out, facts in, clear errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def _netsim(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "netsim.cli.main", "topology", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        (
            "a.graphml",
            [
                "ppp",
                "--density-per-km2",
                "2",
                "--window-km",
                "5",
                "--seed",
                "3",
                "--backhaul",
                "tree",
            ],
        ),
        ("b.json", ["hex", "--sites", "19", "--backhaul", "star"]),
        ("c.geojson", ["line", "--sites", "9", "--backhaul", "mesh", "--origin", "52.5,13.4"]),
        ("d.csv", ["ppp"]),
    ],
)
def test_make_and_show(name: str, options: list[str], tmp_path: Path) -> None:
    made = _netsim("make", *options, "--out", tmp_path / name)
    assert made.returncode == 0, made.stderr
    shown = _netsim("show", tmp_path / name)
    assert shown.returncode == 0, shown.stderr
    for word in (
        "sites",
        "density",
        "cell area",
        "backhaul",
        "joins all sites" if "--backhaul" in options else "none",
    ):
        assert word in shown.stdout
    assert any("\u2800" < c <= "\u28ff" for c in shown.stdout)


def test_convert_between_formats(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("site,lat,lon\na,52.5,13.4\nb,52.6,13.5\n")
    made = _netsim(
        "make",
        "file",
        "--from",
        tmp_path / "s.csv",
        "--backhaul",
        "star",
        "--out",
        tmp_path / "s.graphml",
    )
    assert made.returncode == 0, made.stderr
    assert "52.55" in _netsim("show", tmp_path / "s.graphml").stdout  # the origin is kept


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["make", "ring", "--out", "x.json"], "kind: must be one of ppp, hex, line"),
        (["make", "ppp", "--out", "x.txt"], "the suffix must be one of"),
        (
            ["make", "ppp", "--out", "x.json", "--backhaul", "ring"],
            "must be one of star, tree, mesh",
        ),
        (["make", "ppp", "--out", "x.json", "--origin", "95,1"], "must be LAT,LON in degrees"),
        (["make", "file", "--out", "x.json"], "--from FILE is given exactly for kind file"),
        (
            ["make", "line", "--out", "x.json", "--backhaul", "star", "--rate-gbps", "0"],
            "--rate-gbps",
        ),
        (["show", "none.json"], "none.json: no such site file"),
    ],
)
def test_bad_input(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = _netsim(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr

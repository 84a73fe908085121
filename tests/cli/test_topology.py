"""`netsim topology` from the outside: files out, facts in, clear errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]


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
def test_make_and_show(name: str, options: list[str], command: Command) -> None:
    made = command("topology", "make", *options, "--out", name)
    assert made.returncode == 0, made.stderr
    shown = command("topology", "show", name)
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


def test_convert_between_formats(command: Command, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("site,lat,lon\na,52.5,13.4\nb,52.6,13.5\n")
    made = command(
        "topology",
        "make",
        "file",
        "--from",
        "s.csv",
        "--backhaul",
        "star",
        "--out",
        "s.graphml",
    )
    assert made.returncode == 0, made.stderr
    assert "52.55" in command("topology", "show", "s.graphml").stdout  # the origin is kept


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
def test_bad_input(arguments: list[str], message: str, command: Command) -> None:
    done = command("topology", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1

"""`netsim trace` from the outside: facts, other formats, one clear error."""

from __future__ import annotations

from pathlib import Path

import pytest

from netsim.cli.main import main


def _netsim(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr("sys.argv", ["netsim", "trace", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code if isinstance(ended.value.code, int) else 0


def test_inspect_says_what_is_in_it(
    samples: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _netsim(monkeypatch, "inspect", samples / "grid.fcd.xml") == 0
    said = capsys.readouterr().out
    for words in (
        "format",
        "sumo",
        "942",
        "20: 0, p0, 1, 2, ... 16",
        "0 .. 79 s",
        "1 / 1 / 1 / 1 / 1 s",
        "-1.6 .. 451.6",
        "note: samples of persons and containers, taken as nodes: 180",
    ):
        assert words in said


@pytest.mark.parametrize(
    "name",
    [
        "grid-geo.fcd.xml",
        "grid.channel.parquet",
        "walkers.rates.csv",
        "walks.params",
        "walker-a.up",
        "grid.ns_movements",
    ],
)
def test_every_sample_needs_no_option(
    name: str, samples: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _netsim(monkeypatch, "inspect", samples / name) == 0
    assert "format" in capsys.readouterr().out


def test_an_unknown_csv_is_read_by_its_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text(
        "Device;Timestamp;Longitude;Latitude\nx;2024-05-01 12:00:00;7.1;50.1\nx;2024-05-01 12:00:09;7.1;50.2\n"
    )
    assert _netsim(monkeypatch, "inspect", tmp_path / "a.csv") == 0
    said = capsys.readouterr().out
    for words in (
        "1: x",
        "0 .. 9 s",
        "50.100000 .. 50.200000",
        "2024-05-01T12:00:00",
        "steps faster than 100 m/s",
    ):
        assert words in said


def test_convert_and_inspect(
    samples: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert (
        _netsim(monkeypatch, "convert", samples / "grid.fcd.xml", tmp_path / "a.ns_movements.gz")
        == 0
    )
    assert "mobility of" in capsys.readouterr().out
    assert _netsim(monkeypatch, "inspect", tmp_path / "a.ns_movements.gz") == 0
    assert "ns2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["inspect", "none.xml"], "none.xml: no such file"),
        (["inspect", "a.csv"], "a.csv: no row has a place"),
        (["inspect", "a.csv", "--format", "word"], "format must be one of"),
        (["convert", "b.csv", "a.doc"], "a.doc: the name must end with one of"),
        (["convert", "a.csv", "a.csv"], "must be another file"),
        (["convert", "b.csv", "c.parquet", "--table", "channel"], "holds no channel table"),
        (
            ["convert", "b.csv", "c.parquet", "--table", "weather"],
            "holds a mobility or channel or throughput table",
        ),
    ],
)
def test_bad_input(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("time_s,node,x_m,y_m\n0,a,nan,2\n")
    (tmp_path / "b.csv").write_text("time_s,node,x_m,y_m\n0,a,1,2\n")
    assert _netsim(monkeypatch, *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1

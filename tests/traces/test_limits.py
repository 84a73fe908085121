"""Nothing small becomes large, and nothing large is held: limits on depth, line, cell and count."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from netsim.errors import DataError
from netsim.topology import files as site_files
from netsim.topology import site_table
from netsim.topology.files import read_sites
from netsim.traces import fading, files, mahimahi, open_trace
from netsim.traces.tables import scan
from netsim.traces.tables.dialect import MOST_COLUMNS

MIB = 2**20


def _packed(path: Path, text: bytes) -> Path:
    path.write_bytes(gzip.compress(text, 9))
    return path


def _refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        open_trace(path)
    return str(caught.value)


def test_elements_within_each_other(tmp_path: Path) -> None:
    gpx = _packed(tmp_path / "a.gpx.gz", b"<gpx>" + b"<a>" * 5000)
    assert "has more than 1000 elements within each other" in _refusal(gpx)
    evading = b'<a b="/>">' * (9 * MIB // 10)
    fcd = _packed(tmp_path / "a.xml.gz", b"<fcd-export>" + evading)
    assert "has more than 1000 elements within each other" in _refusal(fcd)


def test_a_long_name(tmp_path: Path) -> None:
    text = b"<gpx><trk><name>" + b"x" * 100_000 + b"</name></trk></gpx>"
    path = _packed(tmp_path / "a.gpx.gz", text)
    assert "the text of an element may have at most 65536 characters" in _refusal(path)


def test_long_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MAX_LINE", 3 * MIB)
    monkeypatch.setattr(files, "MAX_LINE", 3 * MIB)
    table = tmp_path / "a.csv"
    table.write_bytes(b"time,id,x,y\n0,a,1,2\n1,a," + b"1" * (4 * MIB) + b",2\n")
    assert "a line may have at most 3145728 bytes" in _refusal(table)
    motion = tmp_path / "a.movements"
    motion.write_bytes(b"1 2 3 " * (4 * MIB // 6))
    assert "a line may have at most 3145728 bytes" in _refusal(motion)


def test_many_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",".join(["time", "x", "y", *(f"c{k}" for k in range(MOST_COLUMNS))]) + "\n1\n")
    assert f"a table may have at most {MOST_COLUMNS} columns" in _refusal(path)


def test_packed_files_that_grow_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FREE_BYTES", MIB)
    path = _packed(tmp_path / "a.tcl.gz", b"$node_(0) set X_ 1.0\n" * (2 * MIB // 21))
    assert "unpacks to more than 200 times its size" in _refusal(path)
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros((9, 1, 9, 1, 90, 90), dtype=np.complex64))
    assert "unpacks to more than 200 times its size" in _refusal(tmp_path / "a.npz")


def test_many_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fading, "MOST_GAINS", 5)
    monkeypatch.setattr(mahimahi, "MOST_LINES", 5)
    (tmp_path / "a.fad").write_text("1 2 3\n4 5 6\n")
    assert "may have at most 5 gains" in _refusal(tmp_path / "a.fad")
    (tmp_path / "a.up").write_text("1\n2\n3\n4\n5\n6\n")
    assert "may have at most 5 opportunities" in _refusal(tmp_path / "a.up")


def test_many_sites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_table, "MOST_ROWS", 3)
    path = tmp_path / "a.csv"
    path.write_text("site,x,y\n" + "".join(f"{k},{k * 100},0\n" for k in range(5)))
    with pytest.raises(DataError, match=r"may have at most 3 sites \(found 5\)"):
        read_sites(path)
    monkeypatch.setattr(site_files, "MAX_BYTES", 1000)
    nodes = [{"id": k, "x_m": k, "y_m": 0} for k in range(99)]
    (tmp_path / "a.json").write_text(json.dumps({"nodes": nodes, "edges": []}))
    with pytest.raises(DataError, match="may have at most 1000 bytes"):
        read_sites(tmp_path / "a.json")
    (tmp_path / "b.json").write_text("[" * 900)
    with pytest.raises(DataError, match="not JSON"):
        read_sites(tmp_path / "b.json")


def test_many_sites_in_one_place(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("site,x,y\n" + "".join(f"{k},7,7\n" for k in range(300)))
    with pytest.raises(DataError, match="sites lie within 1 m of more than 100 others each"):
        read_sites(path)


def test_damaged_gzip_of_sites(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(b'{"nodes": []}' * 99))
    whole[12] ^= 0xFF
    for content in (bytes(whole), bytes(whole[:-9]), b"\x1f\x8b\x08", b"not packed"):
        path = tmp_path / "a.csv.gz"
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.csv\.gz") as caught:
            read_sites(path)
        assert len(str(caught.value).splitlines()) == 1

"""BonnMotion's lines: the plane and space, and who says which."""

from __future__ import annotations

from pathlib import Path

import pytest

from netsim.errors import DataError
from netsim.traces import open_trace, read_mobility


def _write(tmp_path: Path, text: str, params: str | None = None) -> Path:
    path = tmp_path / "a.movements"
    path.write_text(text)
    if params is not None:
        (tmp_path / "a.params").write_text(params)
    return path


def test_lines_are_nodes_and_equal_points_are_pauses(tmp_path: Path) -> None:
    path = _write(
        tmp_path, "0.0 1 2 5.0 3 4 9 3 4\n\n# a comment\n1 7 8\n", "model=RandomWaypoint\ndim=3\n"
    )
    assert read_mobility(path).collect().rows() == [
        (0.0, "0", 1.0, 2.0),
        (5.0, "0", 3.0, 4.0),
        (9.0, "0", 3.0, 4.0),
        (1.0, "1", 7.0, 8.0),
    ]
    assert read_mobility(tmp_path / "a.params").collect().equals(read_mobility(path).collect())


def test_space_is_seen_from_the_times(tmp_path: Path) -> None:
    path = _write(tmp_path, "0 1 2 3 1 9 2 3 2 1 2 3\n")
    assert read_mobility(path).collect().rows() == [
        (0.0, "0", 1.0, 2.0, 3.0),
        (1.0, "0", 9.0, 2.0, 3.0),
        (2.0, "0", 1.0, 2.0, 3.0),
    ]


BOTH = "0 1 2 3 4 5 6 7 8 9 10 11\n"


def test_what_fits_both_is_asked_or_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="say --format bonnmotion:2 or bonnmotion:3"):
        open_trace(_write(tmp_path, BOTH))
    assert len(read_mobility(tmp_path / "a.movements", "bonnmotion:2").collect()) == 4
    assert len(read_mobility(tmp_path / "a.movements", "bonnmotion:3").collect()) == 3
    for params, points in (("J=3D\n", 3), ("J=2D\nz=9\n", 4), ("x=5\nz=9\n", 3), ("x=5\n", 4)):
        assert len(read_mobility(_write(tmp_path, BOTH, params)).collect()) == points


def test_the_status_of_disaster_area_is_left_out(tmp_path: Path) -> None:
    trace = open_trace(_write(tmp_path, "0 1 2 0 1 3 4 1\n", "model=DisasterArea\n"))
    assert trace.table("mobility").collect().rows() == [(0.0, "0", 1.0, 2.0), (1.0, "0", 3.0, 4.0)]
    assert trace.notes


def test_params_without_movements(tmp_path: Path) -> None:
    (tmp_path / "b.params").write_text("x=1\n")
    with pytest.raises(DataError, match=r"no \.movements beside it"):
        open_trace(tmp_path / "b.params")

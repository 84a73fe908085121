"""Scenarios of DeepMIMO 4, laid out as its own loader takes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from netsim.errors import DataError
from netsim.traces import open_trace

SETS = {
    "txrx_set_0": {"id": 0, "is_tx": False, "is_rx": True},
    "txrx_set_1": {"id": 1, "is_tx": True, "is_rx": True},
}


def _scenario(folder: Path, scenes: tuple[str, ...] = ("",), form: str = "npz") -> Path:
    """Two gNBs (set 1), which receive too, and three users (set 0)."""
    for number, scene in enumerate(scenes):
        inner = folder / scene
        inner.mkdir(parents=True, exist_ok=True)
        for tx in (0, 1):
            for rx, count in ((0, 3), (1, 2)):
                code = f"t001_tx{tx:03}_r{rx:03}"
                power = np.full((count, 2), -90.0 - tx - 10 * number, dtype=np.float32)
                power[0, 1] = np.nan
                place = np.arange(3.0 * count).reshape(count, 3) + number
                _save(inner / f"power_{code}", power, form)
                _save(inner / f"rx_pos_{code}", place, form)
                _save(inner / f"delay_{code}", power, form)
    parameters = {"scene": {"num_scenes": len(scenes)}, "txrx_sets": SETS, "rt": float("nan")}
    (folder / "params.json").write_text(json.dumps(parameters))
    return folder


def _save(path: Path, array: np.ndarray, form: str) -> None:
    if form == "npz":
        np.savez_compressed(f"{path}.npz", **{path.name.split("_t0")[0]: array})
    else:
        np.save(f"{path}.npy", array)


@pytest.mark.parametrize("form", ["npz", "npy"])
def test_users_and_not_the_gnbs_that_receive_too(form: str, tmp_path: Path) -> None:
    trace = open_trace(_scenario(tmp_path / "city", form=form))
    table = trace.table("channel").collect()
    assert table["ue"].unique(maintain_order=True).to_list() == ["r000_0", "r000_1", "r000_2"]
    assert table["gnb"].unique(maintain_order=True).to_list() == ["t001_tx000", "t001_tx001"]
    assert table["gain"].to_list()[:2] == pytest.approx([1e-9, 2e-9])
    assert trace.table("mobility").collect()["x_m"].to_list() == [0.0, 3.0, 6.0]
    assert trace.notes == {
        "receivers that are transmitters too (r001), left out": 1,
        "matrices that are not used (delay)": 1,
    }
    assert trace.remarks() == ["receivers that are transmitters too (r001), left out: 1"]
    one = open_trace(tmp_path / "city" / f"power_t001_tx000_r000.{form}")
    assert one.table("channel").collect().equals(table)


def test_scenes_over_time(tmp_path: Path) -> None:
    folder = _scenario(tmp_path / "city", ("scene_001", "scene_002", "scene_003"))
    trace = open_trace(folder, "deepmimo:0.5")
    user = trace.table("mobility").collect().filter(node="r000_1")
    assert user.select("time_s", "x_m").rows() == [(0.0, 3.0), (0.5, 4.0), (1.0, 5.0)]
    assert trace.table("channel").collect()["time_s"].n_unique() == 3
    alone = open_trace(folder / "scene_002")  # its scenario's parameters lie above
    assert "receivers that are transmitters too (r001), left out" in alone.notes
    (folder / "scene_003").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"params\.json tells of 3 scenes \(found '2 folders'\)"):
        open_trace(folder, "deepmimo:0.5")


def test_an_order_that_is_not_deepmimo_s_own_is_noted(tmp_path: Path) -> None:
    folder = _scenario(tmp_path / "city", ("scene_2", "scene_10"))
    notes = open_trace(folder, "deepmimo:1").notes
    assert "scenes are in the order of their numbers; DeepMIMO goes by their names" in notes


def test_receivers_without_a_place(tmp_path: Path) -> None:
    folder = _scenario(tmp_path / "city")
    place = np.array([[0.0, 0, 1], [np.nan] * 3, [2, 2, 1]])
    for tx in (0, 1):
        np.savez(folder / f"rx_pos_t001_tx{tx:03}_r000.npz", rx_pos=place)
    trace = open_trace(folder)
    assert trace.table("mobility").collect()["node"].to_list() == ["r000_0", "r000_2"]
    assert trace.notes["receivers without a place, left out of mobility"] == 1


def test_what_is_no_scenario_of_version_4(tmp_path: Path) -> None:
    (tmp_path / "BS1_UE_0-1024.mat").write_bytes(b"MATLAB 5.0")
    with pytest.raises(DataError, match="DeepMIMO 3, which is not read"):
        open_trace(tmp_path)
    np.savez(tmp_path / "city.npz", a=np.zeros(2))
    packed = (tmp_path / "city.npz").rename(tmp_path / "city.zip")
    with pytest.raises(DataError, match="unpack it first"):
        open_trace(packed)


@pytest.mark.parametrize(
    ("power", "message"),
    [
        ({"power": np.zeros(3)}, r"must be a matrix of numbers \[receiver, path\]"),
        ({"power": np.full((3, 1), 200.0)}, r"must be dB up to 100 \(found 200\.0\)"),
        ({"power": np.zeros((3, 1)), "q": np.zeros(1)}, "must hold one matrix"),
    ],
)
def test_matrices_that_cannot_be(
    power: dict[str, np.ndarray], message: str, tmp_path: Path
) -> None:
    folder = _scenario(tmp_path / "city")
    np.savez(folder / "power_t001_tx000_r000.npz", **power)
    with pytest.raises(DataError, match=message):
        open_trace(folder)

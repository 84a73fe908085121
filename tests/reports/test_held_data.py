"""What the page is given of the UEs' data."""

from __future__ import annotations

from pathlib import Path

import netsim
from netsim.reports.columns import PageBudget
from netsim.reports.held_data import held_data, own_rows

WORLD = {
    "rounds": 1,
    "ues.count": 10,
    "data.train_samples": 600,
    "data.test_samples": 60,
    "data.samples_per_ue": 30,
}


def run(folder: Path, **overrides: object) -> netsim.Run:
    return netsim.run(netsim.load_scenario("quickstart", {**WORLD, **overrides}), out=folder)


def test_what_ues_hold(tmp_path: Path) -> None:
    found = held_data(run(tmp_path / "a", network_only=True), PageBudget())
    assert found["ue"] == list(range(10))
    assert [sum(counts) for counts in found["label_histogram"]] == [30] * 10
    assert found["reuse"] == "No row is held twice."
    few = held_data(
        run(tmp_path / "b", network_only=True, **{"data.train_samples": 20}), PageBudget(ues=4)
    )
    assert few["note"] == "4 of 10 UEs, evenly spaced"
    assert "10 UEs hold rows that others hold too" in few["reuse"]
    assert "hold a row more than once" in few["reuse"]


def test_accuracy_on_own_rows(tmp_path: Path) -> None:
    shifted = run(tmp_path / "a", **{"data.partition.concept_share": 0.5})
    found = own_rows(shifted, PageBudget())
    assert sorted(found["curves"]) == ["averaged_logits", "best", "ensemble"]
    assert found["curves"]["best"]["round"] == [0, 1]
    assert len(found["last"]["ensemble"]) == 10
    assert own_rows(run(tmp_path / "b", network_only=True), PageBudget()) == {}

"""What a notebook shows of a scenario, a run and a sweep, and which keys Tab completes."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

import netsim
from netsim.cards import card
from netsim.errors import ScenarioError

SMALL = {"network_only": True, "rounds": 2, "ues.count": 6, "data.train_samples": 200}


def parsed(html: str) -> ElementTree.Element:
    assert "<script" not in html
    return ElementTree.fromstring(html)


def test_text_is_escaped_and_curves_are_drawn() -> None:
    html = card("<b>", [("a & b", '"<i>')], [0.5, 1.0], note="</div>")
    found = parsed(html)
    assert found.find("b").text == "<b>"  # type: ignore[union-attr]
    points = found.find("svg/polyline").get("points")  # type: ignore[union-attr]
    assert points == "0.0,20.0 220.0,0.0"


def test_a_run_says_what_it_came_to(learned: Path) -> None:
    html = netsim.open_run(learned)._repr_html_()
    text = "".join(parsed(html).itertext())
    for part in ("quickstart, model_switching", "done", "uploads", "accuracy"):
        assert part in text
    assert "<svg" in html


def test_a_sweep_says_what_it_varies(tmp_path: Path, sweeps_here: None) -> None:
    study = netsim.sweep(
        "quickstart",
        {"round.deadline_s": [4.0, 5.0]},
        range(1),
        overrides=SMALL,
        jobs=1,
        out=tmp_path / "study",
    )
    text = "".join(parsed(study._repr_html_()).itertext())
    assert "round.deadline_s" in text
    assert "4.0, 5.0" in text
    assert "2 done" in text


def test_a_scenario_shows_what_was_changed_and_completes_its_keys() -> None:
    scenario = netsim.load_scenario("quickstart", {**SMALL, "radio.bandwidth_hz": 2e7})
    text = "".join(parsed(scenario._repr_html_()).itertext())
    assert "radio.bandwidth_hz" in text
    assert "round.aggregation_s" not in text
    keys = scenario._ipython_key_completions_()
    assert "devices.1.name" in keys
    assert scenario["devices.1.name"] == "midrange"
    assert scenario["radio.bandwidth_hz"] == 2e7
    with pytest.raises(ScenarioError, match=r"did you mean radio\.bandwidth_hz"):
        scenario["radio.bandwith_hz"]

"""A run that is stepped by hand is the run that `netsim.run` makes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netsim
from netsim.scenario.model import Scenario

Make = Callable[..., Scenario]

STALE = {
    "round.late_uploads": "stale",
    "round.alloc_start": "arrival",
    "round.deadline_s": 1.0,
    "round.compute_limit_s": None,
    "ues.count": 20,
    "radio.bandwidth_hz": 3e6,
}
LEARNING = {
    "network_only": False,
    "scheme.kind": "hetlora",
    "rounds": 2,
    "ues.count": 6,
    "data.train_samples": 200,
    "data.test_samples": 40,
    "data.samples_per_ue": 20,
}


def digests(folder: Path) -> dict[str, str]:
    files = [f for f in sorted(folder.rglob("*")) if f.is_file() and f.name != "metadata.json"]
    assert files
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def stepped(session: netsim.Session) -> netsim.Run:
    """Through the scenario's own scheme, to the end."""
    with session:
        while not session.done:
            session.step(session.scheme.plan(session.observe()))
    return session.close()


@pytest.mark.parametrize(
    "options",
    [{}, STALE, {"federation": "network", "topology.window_km": 3}, LEARNING],
    ids=["cell", "stale", "cells", "learning"],
)
def test_stepping_gives_the_bytes_of_a_run(
    options: Mapping[str, Any], network_scenario: Make, tmp_path: Path
) -> None:
    scenario = network_scenario(options)
    run = netsim.run(scenario, out=tmp_path / "run")
    mine = stepped(netsim.Session(scenario, out=tmp_path / "mine"))
    assert mine.metadata["status"] == "done"
    assert mine.metadata["records"] == run.metadata["records"]
    assert digests(tmp_path / "mine") == digests(tmp_path / "run")


@pytest.mark.parametrize("options", [{}, STALE], ids=["barrier", "stale"])
def test_a_closed_session_goes_on(
    options: Mapping[str, Any], network_scenario: Make, tmp_path: Path
) -> None:
    scenario = network_scenario({**options, "rounds": 5})
    netsim.run(scenario, out=tmp_path / "run")
    session = netsim.Session(scenario, out=tmp_path / "mine")
    for _ in range(3):
        session.step(session.scheme.plan(session.observe()))
    assert session.close().metadata["status"] == "interrupted"
    again = netsim.Session.resume(tmp_path / "mine")
    assert again.observe().round == 4
    assert stepped(again).metadata["status"] == "done"
    assert digests(tmp_path / "mine") == digests(tmp_path / "run")


def test_the_plan_is_the_callers(network_scenario: Make, tmp_path: Path) -> None:
    """Half of the UEs at half of the power: what the scenario's scheme says is only a proposal."""
    session = netsim.Session(network_scenario(), out=tmp_path / "run")
    seen = session.observe()
    ue = np.flatnonzero(seen.available)[::2]
    plan = netsim.RoundPlan(
        ue=ue,
        module=np.zeros_like(ue),
        share=np.full(len(ue), 1 / len(ue)),
        power_w=np.full(len(ue), seen.max_power_w / 2),
    )
    outcome = session.step(plan)
    assert outcome.plan.ue.tolist() == ue.tolist()
    assert session.observe().previous is outcome
    uploads = session.close().uploads.collect()
    assert uploads["ue"].to_list() == ue.tolist()
    assert (uploads["power_w"] == seen.max_power_w / 2).all()


def test_an_infeasible_plan_fails_the_run(network_scenario: Make, tmp_path: Path) -> None:
    session = netsim.Session(network_scenario(), out=tmp_path / "run")
    session.step(session.scheme.plan(session.observe()))
    plan = session.scheme.plan(session.observe())
    too_much = replace(plan, share=plan.share * 2)
    rule = "shares of a gNB must sum to at most 1"
    with pytest.raises(netsim.RunError, match=rule), session:
        session.step(too_much)
    run = netsim.open_run(tmp_path / "run")
    assert run.metadata["status"] == "failed"
    assert run.rounds.collect()["round"].max() == 1


def test_a_session_that_is_over(network_scenario: Make, tmp_path: Path) -> None:
    session = netsim.Session(network_scenario({"rounds": 1}), out=tmp_path / "run")
    plan = session.scheme.plan(session.observe())
    session.step(plan)
    assert session.done
    with pytest.raises(netsim.RunError, match="the run is over after round 1: rounds"):
        session.step(plan)
    first, second = session.close(), session.close()
    assert first.metadata == second.metadata
    with pytest.raises(netsim.RunError, match="the session is closed"):
        session.observe()


def test_an_interrupted_block_says_so(network_scenario: Make, tmp_path: Path) -> None:
    session = netsim.Session(network_scenario(), out=tmp_path / "run")
    session.step(session.scheme.plan(session.observe()))
    with pytest.raises(KeyboardInterrupt), session:
        raise KeyboardInterrupt
    assert netsim.open_run(tmp_path / "run").metadata["status"] == "interrupted"


def test_one_folder_is_worked_on_once(network_scenario: Make, tmp_path: Path) -> None:
    session = netsim.Session(network_scenario(), out=tmp_path / "run")
    session.step(session.scheme.plan(session.observe()))
    with pytest.raises(netsim.OutputError, match="new or empty"):
        netsim.Session(network_scenario(), out=tmp_path / "run")
    session.close()

"""Names that tell runs apart, and what is compared with what."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netsim.reports.comparison import comparison, labels
from netsim.results.reader import Run


def test_labels_say_what_differs(network_run: Callable[..., Run]) -> None:
    one, other = network_run(), network_run(scheme__kind="fedlora")
    assert labels([one]) == ["quickstart, round_robin"]
    assert labels([one, other]) == ["round_robin", "fedlora"]
    assert labels([one, network_run(seed=1)]) == ["seed 7", "seed 1"]
    assert len(set(labels([one, network_run(rounds=20)]))) == 2


def test_two_runs_are_compared_round_by_round(network_run: Callable[..., Run]) -> None:
    runs = [network_run(), network_run(scheme__kind="fedlora")]
    found = comparison(runs, labels(runs))
    assert (found["by"], found["baseline"]) == ("round", "round_robin")
    assert [row["label"] for row in found["rows"]] == ["fedlora"]
    assert max(found["rows"][0]["pairs"]) == 4


def test_sets_of_seeds_are_compared_seed_by_seed(network_run: Callable[..., Run]) -> None:
    runs = [
        network_run(seed=s, scheme__kind=k) for k in ("round_robin", "fedlora") for s in (1, 2, 3)
    ]
    found = comparison(runs, labels(runs))
    assert (found["by"], found["baseline"]) == ("seed", "quickstart, round_robin")
    assert len(found["rows"]) == 1
    assert max(found["rows"][0]["pairs"]) == 3
    few = comparison(runs[:2] + runs[3:], labels(runs[:2] + runs[3:]))
    assert few["by"] == "round"


def test_the_page_says_what_differs_and_what_came_out(network_run: Callable[..., Run]) -> None:
    runs = [network_run(), network_run(scheme__kind="fedlora", round__deadline_s=3.5)]
    found = comparison(runs, ["one", "other"])
    assert found["differs"]["round.deadline_s"][1] == "3.5"
    assert found["differs"]["scheme.kind"][1] == "fedlora"
    assert "name" not in found["differs"]
    spent = [run.rounds.collect() for run in runs]
    energy = [float((r["compute_energy_j"] + r["uplink_energy_j"]).sum()) for r in spent]
    assert found["glance"]["energy_j"] == pytest.approx(energy, rel=1e-3)

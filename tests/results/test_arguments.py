"""Wrong questions to a run have one answer: the rule, and what was asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netsim.errors import InputError
from netsim.results.reader import Run


@pytest.fixture(scope="module")
def run(synthetic: Callable[..., Run], tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder: Path = tmp_path_factory.mktemp("arguments") / "run"
    return synthetic(folder, parts=1, rounds=3, ues=6)


@pytest.mark.parametrize(
    ("question", "rule"),
    [
        (lambda run: run.latency_means("uee"), r"by: must be one of .*; did you mean ue\?"),
        (lambda run: run.energy("outcome"), "by: must be one of ue, round, gnb, module"),
        (lambda run: run.outcomes("cell"), "by: must be one of ue, round, gnb, module"),
        (lambda run: run.outage_by_distance(0), "bin_m: must be a number above 0"),
        (lambda run: run.outage_by_distance("a"), "bin_m: must be a number above 0"),
        (lambda run: run.handover_counts(-1), "ping_pong_s: must be a number, 0 or more"),
        (lambda run: run.timeline(99), r"round: must be a whole number from 0 to 3 \(found 99\)"),
        (lambda run: run.timeline("a"), "round: must be a whole number"),
        (lambda run: run.timeline(1.5), "round: must be a whole number"),
        (
            lambda run: run.learning_curve("ensembel"),
            r"target: must be .*; did you mean ensemble\?",
        ),
        (lambda run: run.own_accuracy("x"), "target: must be one of"),
        (lambda run: run.own_curve("x"), "target: must be one of"),
        (lambda run: run.time_to_accuracy(80), "accuracy: must be above 0 and at most 1"),
        (lambda run: run.time_to_accuracy("80%"), "accuracy: must be above 0 and at most 1"),
        (lambda run: run.to_accuracy([0.5, 80]), r"0.8 is 80% \(found 80\)"),
        (lambda run: run.to_accuracy(0.5, "x"), "target: must be one of"),
        (lambda run: run.sustained_cost(80), "accuracy: must be above 0 and at most 1"),
        (lambda run: run.sustained_cost(0.8, "joules"), "measure: must be one of round, time_s"),
        (lambda run: run.mean_accuracy(-1), "until: must be a number above 0"),
    ],
)
def test_a_wrong_question_is_answered_with_its_rule(
    question: Callable[[Run], Any], rule: str, run: Run
) -> None:
    with pytest.raises(InputError, match=rule):
        question(run)

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
        (lambda run: run.outage_by_distance(0), "bin_m: must be above 0"),
        (lambda run: run.timeline(99), r"round: must be 0 to 3 \(found 99\)"),
        (lambda run: run.time_to_accuracy(80), "accuracy: must be above 0 and at most 1"),
        (lambda run: run.to_accuracy([0.5, 80]), r"0.8 is 80% \(found 80\)"),
    ],
)
def test_a_wrong_question_is_answered_with_its_rule(
    question: Callable[[Run], Any], rule: str, run: Run
) -> None:
    with pytest.raises(InputError, match=rule):
        question(run)

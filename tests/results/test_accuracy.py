"""When a level of accuracy was first reached."""

from __future__ import annotations

import numpy as np
import pytest

from netsim.results.accuracy import to_accuracy
from netsim.results.reader import Run
from netsim.results.writer import ParquetSink


@pytest.fixture(params=["test", "validation"])
def made(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Run:
    folder = tmp_path_factory.mktemp("run")
    sink = ParquetSink(folder, 10)
    for number, accuracy in enumerate([0.5, 0.82, 0.71, 0.9]):
        sink.write(
            "evaluations",
            {
                "round": number,
                "time_s": 10.0 * number,
                "energy_j": 3.0 * number,
                "target": ["ensemble", "0", "ensemble"],
                "ue": np.array([-1, -1, 4]),
                "split": request.param,
                "loss": 1 - accuracy,
                "accuracy": [accuracy, 0.6, 1.0],
                "samples": 100,
            },
        )
        sink.close_round(number)
    sink.close()
    return Run(folder)


def test_curve_is_of_the_common_rows(made: Run) -> None:
    assert made.learning_curve().collect()["accuracy"].to_list() == [0.5, 0.82, 0.71, 0.9]
    assert made.learning_curve("0").collect()["accuracy"].to_list() == [0.6] * 4


def test_levels_are_reached_first(made: Run) -> None:
    rows = to_accuracy(made, [0.7, 0.9, 0.95]).collect()
    assert rows.rows() == [(0.7, 1, 10.0, 3.0), (0.9, 3, 30.0, 9.0), (0.95, None, None, None)]
    assert made.time_to_accuracy(0.7) == 10.0

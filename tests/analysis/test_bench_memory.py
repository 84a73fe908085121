"""Workers share the weights of a model."""

from __future__ import annotations

import importlib
import re
import sys

import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_second_worker_costs_less_than_the_weights(
    scripts: None, capsys: pytest.CaptureFixture[str]
) -> None:
    importlib.import_module("bench_memory").main(
        ["--fast"]
    )  # leaves by SystemExit if it costs more
    said = capsys.readouterr().out
    assert re.search(r"workers = 1: \d+ MiB in [12] processes", said)
    assert re.search(r"workers = 2: \d+ MiB in 3 processes", said)

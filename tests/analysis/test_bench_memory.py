"""Workers share the weights of a model."""

from __future__ import annotations

import importlib
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
    assert "workers = 1" in said
    assert "workers = 2" in said  # how many processes were seen at a time depends on the load

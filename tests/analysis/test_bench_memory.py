"""Workers share the weights of a model."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest
from forking import Forked, ForkServer


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_second_worker_costs_less_than_the_weights(
    scripts: None,
    forks: ForkServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Runs are forked from a process that has loaded netsim, which took most of their time."""

    def start(words: list[str]) -> Forked:
        return forks.start(*words, folder=tmp_path)

    forks.load("peft")
    bench = importlib.import_module("bench_memory")
    monkeypatch.setattr(bench, "PAUSE_S", 0.1)  # a look took as long as the pause after it
    bench.main(["--fast"], bench.Starter(start, forks.pid))  # leaves by SystemExit if it costs more
    said = capsys.readouterr().out
    assert re.search(r"workers = 1: \d+ MiB in [12] processes", said)
    assert re.search(r"workers = 2: \d+ MiB in 3 processes", said)

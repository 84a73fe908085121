"""The table of where a run's time goes has every step, and no time twice."""

from __future__ import annotations

import importlib
import time

import pytest

WORDS = "rounds=2 ues.count=4 data.train_samples=200 data.test_samples=20 data.samples_per_ue=20"


def test_steps_come_to_the_whole(scripts: None, capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for setting in WORDS.split() for word in ("--set", setting)]
    bench = importlib.import_module("bench_start")
    begun = time.perf_counter()
    bench.main(["quickstart", *words])
    took = time.perf_counter() - begun
    _, _, *lines = capsys.readouterr().out.splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines]
    assert [step for step, *_ in cells] == [
        "imports, scenario",
        "making the sentences",
        "torch, the model, links",
        "rounds",
        "measuring",
        "training",
        "together",
    ]
    walls = [float(wall) for _, wall, *_ in cells]
    assert walls[-1] == pytest.approx(sum(walls[:-1]), abs=0.04)
    assert walls[-1] == pytest.approx(took, rel=0.1)
    assert min(walls[4:6]) > 0
    shares = [int(share.rstrip("%")) for *_, share in cells]
    assert shares[-1] == 100
    assert min(shares) >= 0

"""The engine's benchmark does the work of the hand-written loop that it is compared with."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2].parent / "shared" / "bench"
TINY = [
    "--ues",
    "2",
    "--samples",
    "3",
    "--rounds",
    "1",
    "--hidden",
    "32",
    "--layers",
    "2",
    "--threads",
    "1",
]


@pytest.mark.parametrize("words", [["--check"], ["--bfloat16", "--repeats", "1"]])
def test_a_tiny_workload(
    scripts: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
) -> None:
    if not BENCH.is_dir():
        pytest.skip("needs the peers' workload, ../shared/bench")
    for name in ("workload", "bare"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr(sys, "argv", ["bench_engine.py", "--workload", str(BENCH), *words, *TINY])
    importlib.import_module("bench_engine").main()  # leaves by SystemExit where changes differ
    said = capsys.readouterr().out
    assert ("largest difference" in said) == ("--check" in words)
    assert ("cosine 0.99" in said) == ("--bfloat16" in words)

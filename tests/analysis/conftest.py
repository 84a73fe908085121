"""The scripts of analysis/, called as functions at their size `small`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Run a script at size small; returns its --out folder, with results/ and figures/."""
    monkeypatch.syspath_prepend(str(ROOT / "analysis"))
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("MPLBACKEND", "Agg")

    def run(name: str, *words: str) -> Path:
        out = tmp_path / name
        importlib.import_module(name).main(["--size", "small", "--jobs", "1", "--out", str(out), *words])
        return out

    return run

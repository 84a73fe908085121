"""The scripts of analysis/ as modules, and their studies at size `small`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """analysis/ is on the path, as it is for its scripts; figures need no screen."""
    monkeypatch.syspath_prepend(str(ROOT / "analysis"))
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("MPLBACKEND", "Agg")


@pytest.fixture
def study(tmp_path: Path, scripts: None, sweeps_here: None) -> Callable[..., Path]:
    """Run a script at size small; returns its --out folder, with results/ and figures/."""

    def run(name: str, *words: str) -> Path:
        out = tmp_path / name
        importlib.import_module(name).main(
            ["--size", "small", "--jobs", "1", "--out", str(out), *words]
        )
        return out

    return run

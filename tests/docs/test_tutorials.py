"""The tutorials run as they stand, and open as notebooks."""

from __future__ import annotations

import runpy
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("sweeps_here")
TUTORIALS = sorted((ROOT / "analysis" / "tutorials").glob("*.py"))


@pytest.mark.parametrize("script", TUTORIALS, ids=lambda script: script.stem)
def test_it_runs(
    script: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "traces").symlink_to(ROOT / "traces")
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script))
    assert any((tmp_path / "runs").iterdir())


@pytest.mark.parametrize("script", TUTORIALS, ids=lambda script: script.stem)
def test_it_is_a_notebook(script: Path) -> None:
    """It begins with a title, and has text and code."""
    cells = jupytext.read(script).cells
    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith("# ")
    assert {cell.cell_type for cell in cells} == {"markdown", "code"}

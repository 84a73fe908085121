"""The samples in `traces/`, and the real files beside the repository, where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def samples() -> Path:
    """The folder of samples that this project made."""
    return ROOT / "traces"


@pytest.fixture
def real() -> Path:
    """The folder of other people's files; tests that need it are skipped where it is absent."""
    folder = ROOT.parent / "shared" / "data" / "traces"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data/traces, which may not be copied into the project")
    return folder

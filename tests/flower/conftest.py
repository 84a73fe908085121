"""Flower is told to keep to itself, and what its apps leave in the process is taken back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ["FLWR_TELEMETRY_ENABLED"] = "0"

APPS = Path(__file__).parent / "apps"


@pytest.fixture(autouse=True)
def no_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apps are imported from their folders, which stay as they are."""
    monkeypatch.setattr("sys.dont_write_bytecode", True)

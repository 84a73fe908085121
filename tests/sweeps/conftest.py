"""Small studies of network-only runs, and what their folders hold."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from netsim.sweeps.job import JobOutcome
from netsim.sweeps.study import Study, open_study

TINY = {
    "network_only": True,
    "scheme.kind": "round_robin",
    "rounds": 3,
    "ues.count": 6,
    "topology.window_km": 6,
    "data.train_samples": 200,
    "data.test_samples": 20,
}


@dataclass
class Heard:
    """A listener that remembers."""

    moved: list[tuple[str, float]] = field(default_factory=list)
    ended: list[JobOutcome] = field(default_factory=list)
    on_move: Callable[[str], None] = lambda job: None

    def run_moved(self, job: str, fraction: float) -> None:
        self.moved.append((job, fraction))
        self.on_move(job)

    def run_ended(self, outcome: JobOutcome) -> None:
        self.ended.append(outcome)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def make_study(tmp_path: Path) -> Callable[..., Study]:
    """Open a study of a tiny network-only quickstart below the test's folder."""

    def make(
        over: Mapping[str, Sequence[Any]],
        seeds: Sequence[int] | None = None,
        out: str = "study",
        **fixed: Any,
    ) -> Study:
        more = {key.replace("__", "."): value for key, value in fixed.items()}
        return open_study("quickstart", over, seeds, fixed={**TINY, **more}, out=tmp_path / out)

    return make


@pytest.fixture
def digests() -> Callable[[Path], dict[str, str]]:
    """Hashes of all tables, adapters and scenarios below a folder."""

    def of(runs: Path) -> dict[str, str]:
        files = [f for f in sorted(runs.rglob("*")) if f.is_file() and f.name != "metadata.json"]
        return {str(f.relative_to(runs)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}

    return of

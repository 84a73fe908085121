"""What README shows is true: its scheme runs, its snippets name things that exist."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from netsim.build import build_parts, build_simulation
from netsim.protocols import Silence
from netsim.results.reader import Run
from netsim.results.writer import MemorySink
from netsim.schemes import base

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_scheme_of_the_tour_runs(network_scenario: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    code = re.search(r"```python\n(# nearest\.py.*?)```", README, re.DOTALL)
    assert code is not None
    module = ModuleType("nearest")
    monkeypatch.setitem(sys.modules, "nearest", module)
    exec(compile(code[1], "README.md", "exec"), module.__dict__)
    found = base.scheme_class
    monkeypatch.setattr(
        "netsim.build.parts.scheme_class",
        lambda kind: module.__dict__["Nearest"] if kind == "nearest" else found(kind),
    )
    parts = build_parts(network_scenario({"scheme.kind": "nearest", "scheme.count": 5}), Silence())
    sink = MemorySink()
    build_simulation(parts, sink, Silence()).run()
    uploads = sink.frame("uploads")
    nearest = np.argsort(parts.links.distance_m)[:5]
    assert set(uploads["ue"].unique()) == set(nearest.tolist())
    assert len(parts.modules) == 1


def test_tables_and_queries_of_the_tour_exist() -> None:
    for name in re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE):
        assert hasattr(Run, name)
    for name in ("timeline", "time_to_accuracy"):
        assert f"run.{name}(" in README
        assert hasattr(Run, name)


def test_files_that_readme_names_exist() -> None:
    root = Path(__file__).parents[1]
    for path in re.findall(r"(?:analysis|topologies)/[\w/.]+\.(?:py|toml|svg|md)", README):
        assert (root / path).is_file(), path

"""Tables of the studies: intervals, Markdown, and what they say of their making."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest
from scipy import stats

ROOT = Path(__file__).parents[2]


@pytest.fixture
def findings(scripts: None) -> ModuleType:
    import findings

    return findings


def test_means_are_students_and_missing_values_counted(findings: ModuleType) -> None:
    values = [1.0, 2.0, 4.0]
    frame = pl.DataFrame({"k": ["a"] * 4 + ["b"], "x": [*values, None, 7.0]})
    a, b = findings.means(frame, ["k"], ["x"]).rows(named=True)
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert (a["x_low"], a["x_high"]) == (pytest.approx(low), pytest.approx(high))
    assert (a["x"], a["x_seeds"], a["x_missing"]) == (pytest.approx(7 / 3), 3, 1)
    assert (b["x"], b["x_low"], b["x_high"], b["x_seeds"], b["x_missing"]) == (
        7.0,
        None,
        None,
        1,
        0,
    )


def test_markdown_shows_half_of_the_interval(findings: ModuleType) -> None:
    frame = pl.DataFrame(
        {
            "k": [10, 20],
            "x": [1.2345, None],
            "x_low": [1.0, None],
            "x_high": [1.5, None],
            "x_missing": [1, 2],
        }
    )
    lines = findings.markdown(frame, {"k": "K", "x": "delay (s)"}).splitlines()
    assert lines == [
        "| K | delay (s) |",
        "|---|---|",
        "| 10 | 1.23 ± 0.25 (1 without) |",
        "| 20 | - (2 without) |",
    ]


def test_results_say_what_made_them(findings: ModuleType, tmp_path: Path) -> None:
    import study

    asked = study.options(["--out", str(tmp_path)], "fig9.py", "", ("small",))
    path = findings.write(asked, pl.DataFrame({"x": [1]}), "# Title", seeds=range(3))
    made = json.loads(pl.read_parquet_metadata(tmp_path / "results" / "fig9-small.parquet")["made"])
    assert made["command"] == "python analysis/fig9.py --size small"
    assert made["seeds"] == "0, 1, 2"
    assert f"polars {pl.__version__}" in made["versions"]
    assert re.fullmatch(r"[0-9a-f]{7,}( with changes)?|unknown", made["commit"])
    assert all(f"{value}" in path.read_text() for value in made.values())
    assert str(tmp_path) not in path.read_text()
    assert not (ROOT / "analysis" / "results" / "fig9-small.md").exists()

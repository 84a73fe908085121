"""What runs give stays as it is: the tables of short scenarios against a record of them.

Counts, integers, texts and outcomes are on record to the last bit, floats by sums and extremes to
1e-9. A change that is meant to change results says so, and makes the record anew:

    python tests/golden/test_golden.py [NAME ...]
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from scenarios import scenarios

import netsim
from netsim.results.checks import check_run

RECORD = Path(__file__).with_name("record.json")
Fingerprint = dict[str, dict[str, Any]]

FLOATS = ("absent", "infinite", "sum", "turned", "size", "least", "most")
TOLERANCE = 1e-9
# What comes out of float32 training differs between processors.
LEARNED = dict.fromkeys(("train_loss", "gradient_norm", "loss"), 1e-3)
LEARNED |= {"accuracy": 0.05}
ESTIMATED = ("convexity", "smoothness", "dispersion", "heterogeneity", "convergence")
LEARNED |= dict.fromkeys((*ESTIMATED, "bound", "bound_estimated", "measured_gap"), 1e-3)
SCENARIOS = scenarios()


def simulate(name: str, folder: Path) -> netsim.Run:
    return netsim.run(netsim.load_scenario("quickstart", SCENARIOS[name]), out=folder / "run")


def table_names(run: netsim.Run) -> list[str]:
    return sorted({file.parent.name for file in run.path.glob("*/part-*.parquet")})


def fingerprint(run: netsim.Run) -> Fingerprint:
    """What is on record of a run: by table its number of rows and a summary of each column."""
    found: Fingerprint = {}
    for table in table_names(run):
        frame = pl.read_parquet(run.path / table / "part-*.parquet")
        found[table] = {"rows": frame.height}
        for column in frame.iter_columns():
            found[table][column.name] = summary(column)
    return found


def summary(column: pl.Series) -> str | list[float | None]:
    """Of a float column the numbers that FLOATS names, of any other a hash."""
    values = column.to_list()
    if not column.dtype.is_float():
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:12]
    finite = [math.isfinite(value) for value in values if value is not None]
    known = [value for value in values if value is not None and math.isfinite(value)]
    turned = [value * (1 + place % 7) for place, value in enumerate(known)]
    numbers = [
        column.null_count(),
        len(finite) - sum(finite),
        math.fsum(known),
        math.fsum(turned),  # notices values that have changed places
        math.fsum(map(abs, known)),
        min(known, default=None),
        max(known, default=None),
    ]
    return [None if number is None else float(f"{number:.13g}") for number in numbers]


def differences(found: Fingerprint, kept: Fingerprint) -> list[str]:
    """Where a run is another than the record says."""
    apart = []
    for table in sorted(found.keys() | kept.keys()):
        here, there = found.get(table, {}), kept.get(table, {})
        for name in sorted(here.keys() | there.keys()):
            slack = LEARNED.get(name, TOLERANCE)
            if not alike(here.get(name), there.get(name), slack):
                apart.append(f"{table}.{name}: {here.get(name)} instead of {there.get(name)}")
    return apart


def alike(found: Any, kept: Any, tolerance: float) -> bool:
    """The same count or hash, or floats within the tolerance."""
    if not isinstance(found, list) or not isinstance(kept, list):
        return bool(found == kept)
    one, other = dict(zip(FLOATS, found, strict=True)), dict(zip(FLOATS, kept, strict=True))
    if any(one[name] != other[name] for name in ("absent", "infinite")):
        return False
    slack = 7 * tolerance * other["size"]
    near = [abs(one[name] - other[name]) <= slack for name in ("sum", "turned", "size")]
    extremes = [(one[name], other[name]) for name in ("least", "most")]
    return all(near) and all(
        a == b or math.isclose(a, b, rel_tol=tolerance, abs_tol=slack) for a, b in extremes
    )


@cache
def recorded() -> dict[str, Fingerprint]:
    kept: dict[str, Fingerprint] = json.loads(RECORD.read_text(encoding="utf-8"))
    return kept


def test_every_scenario_is_on_record() -> None:
    assert recorded().keys() == SCENARIOS.keys()


@pytest.mark.parametrize("name", SCENARIOS)
def test_runs_give_what_they_gave_and_balance(name: str, tmp_path: Path) -> None:
    run = simulate(name, tmp_path)
    assert differences(fingerprint(run), recorded()[name]) == []
    scenario = netsim.load_scenario(run.path / "scenario.toml")
    checks = check_run(
        run,
        bandwidth_hz=scenario.radio.bandwidth_hz,
        constant_rate=scenario.constant_rate,
        superposed=scenario.uplink.access == "aircomp",
    )
    assert [check for check in checks if not check.passed] == []


def test_a_change_is_noticed(tmp_path: Path) -> None:
    found = fingerprint(simulate("field", tmp_path))
    kept = recorded()["field"]
    for place in range(len(FLOATS)):
        changed = list(kept["uploads"]["energy_j"])
        changed[place] += 1e-6 * changed[FLOATS.index("size")]
        uploads = {**found["uploads"], "energy_j": changed}
        assert differences({**found, "uploads": uploads}, kept)


def main(names: list[str]) -> None:
    """Make the record anew, whole or for the scenarios named."""
    kept = recorded() if names else {}
    for name in names or SCENARIOS:
        with tempfile.TemporaryDirectory() as folder:
            kept[name] = fingerprint(simulate(name, Path(folder)))
    lines = []
    for name in SCENARIOS:
        tables = [f"  {json.dumps(t)}: {json.dumps(c)}" for t, c in kept[name].items()]
        lines.append(f" {json.dumps(name)}: {{\n" + ",\n".join(tables) + "\n }")
    RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

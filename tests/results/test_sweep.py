"""A sweep folder as frames: headline metrics, tables, responses and paired differences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import netsim
from netsim.assembly.loaded import Loaded
from netsim.errors import DataError, InputError
from netsim.protocols import Silence
from netsim.results.intervals import mean_interval
from netsim.results.metrics import METRICS, headline
from netsim.results.sweep import Sweep, open_sweep
from netsim.results.table_buffer import table_schema
from netsim.results.writer import write_parquet
from netsim.scenario.load import to_toml
from netsim.sweeps.job import execute
from netsim.sweeps.study import Study, open_study

DENSITY, KIND = "topology.density_per_km2", "scheme.kind"
TINY = {
    "network_only": True,
    "rounds": 3,
    "ues.count": 8,
    "data.train_samples": 200,
    "data.test_samples": 20,
}


def _run(study: Study, count: int | None = None) -> None:
    loaded = Loaded()
    for job in study.todo[:count]:
        assert (
            execute(study.folder.path, job.id, to_toml(job.scenario), Silence(), loaded).status
            == "done"
        )


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """2 densities x 2 schemes x 3 seeds, and one run that was never begun."""
    out = tmp_path_factory.mktemp("sweep") / "s"
    made = open_study(
        "quickstart",
        {DENSITY: [1, 3], KIND: ["round_robin", "fedlora"]},
        [0, 1, 2],
        fixed=TINY,
        out=out,
    )
    _run(made)
    return open_study("quickstart", {DENSITY: [1, 3], KIND: ["fedlora"]}, [9], fixed=TINY, out=out)


@pytest.fixture
def found(study: Study) -> Sweep:
    return netsim.open_sweep(study.folder.path)


def test_one_row_per_run(found: Sweep) -> None:
    runs = found.runs
    assert runs.columns == ["id", KIND, DENSITY, "seed", "status", "error", "wall_time_s", *METRICS]
    assert found.keys == [KIND, DENSITY]
    assert runs.schema[DENSITY] == pl.Float64
    assert runs.height == 14
    assert runs["status"].value_counts().sort("status").rows() == [("done", 12), ("pending", 2)]
    assert runs.filter(pl.col("status") == "pending")["energy_j"].null_count() == 2


def test_headline_metrics_are_those_of_the_tables(found: Sweep) -> None:
    row = found.runs.filter(pl.col("status") == "done").row(4, named=True)
    run = found.run(row["id"])
    uploads, rounds = run.uploads.collect(), run.rounds.collect()
    arrived = uploads.filter(pl.col("outcome") == "on_time")
    assert (row["rounds_closed"], row["uploads"], row["handovers"]) == (3, len(uploads), 0)
    assert row["on_time_share"] == pytest.approx(len(arrived) / len(uploads))
    assert row["outage_share"] + row["late_share"] + row["on_time_share"] == pytest.approx(1.0)
    latency = (arrived["end_s"] - arrived["start_s"]).to_numpy()
    assert row["upload_p50_s"] == pytest.approx(np.percentile(latency, 50))
    assert row["upload_p95_s"] == pytest.approx(np.percentile(latency, 95))
    assert row["energy_j"] == pytest.approx(
        (rounds["compute_energy_j"] + rounds["uplink_energy_j"]).sum()
    )
    assert row["simulated_s"] == rounds["end_s"].max() == run.metadata["simulated_s"]
    assert row["wasted_share"] == pytest.approx(rounds["wasted_energy_j"].sum() / row["energy_j"])
    assert row["accuracy"] is None


def test_accuracy_and_the_time_to_it(tmp_path: Path) -> None:
    rows = [
        (0, 0.0, "ensemble", 0.5),
        (1, 3.0, "ensemble", 0.85),
        (2, 6.0, "ensemble", 0.7),
        (1, 1.0, "0", 0.99),
    ]
    frame = pl.DataFrame(rows, schema=["round", "time_s", "target", "accuracy"], orient="row")
    frame = frame.with_columns(
        energy_j=0.0,
        ue=pl.lit(None, pl.Int64),
        split=pl.lit("test"),
        loss=0.1,
        samples=pl.lit(5, pl.Int64),
    )
    write_parquet(
        frame.select(*table_schema("evaluations")), tmp_path / "evaluations" / "part-000000.parquet"
    )
    for target, reached in ((0.8, 3.0), (0.5, 0.0), (0.9, None)):
        row = headline([netsim.Run(tmp_path)], target).row(0, named=True)
        assert (row["accuracy"], row["time_to_accuracy_s"]) == (0.7, reached)


def test_tables_carry_what_was_varied(found: Sweep) -> None:
    uploads = found.table("uploads")
    assert isinstance(uploads, pl.LazyFrame)
    frame = uploads.collect()
    assert frame.columns[:4] == ["run", KIND, DENSITY, "seed"]
    assert frame["run"].n_unique() == 12
    for (run, density, seed), part in frame.group_by("run", DENSITY, "seed"):
        scenario = netsim.load_scenario(found.path / "runs" / str(run) / "scenario.toml")
        assert (scenario.topology.density_per_km2, scenario.seed) == (density, seed)
        assert part.drop("run", KIND, DENSITY, "seed").equals(found.run(str(run)).uploads.collect())
    assert found.table("risk").collect().is_empty()
    assert found.table("risk").collect_schema().names()[:4] == ["run", KIND, DENSITY, "seed"]


def test_response_is_the_mean_over_seeds(found: Sweep) -> None:
    response = found.response("energy_j", level=0.9)
    assert response.select(KIND, DENSITY).rows() == [
        ("fedlora", 1.0),
        ("fedlora", 3.0),
        ("round_robin", 1.0),
        ("round_robin", 3.0),
    ]
    assert response["seeds"].to_list() == [3, 3, 3, 3]
    assert response["missing"].to_list() == [1, 1, 0, 0]
    assert response["interval"].unique().to_list() == ["90% t"]
    row = response.row(3, named=True)
    values = found.runs.filter((pl.col(KIND) == "round_robin") & (pl.col(DENSITY) == 3.0))[
        "energy_j"
    ].to_numpy()
    by_hand = mean_interval(values, level=0.9)
    assert (row["mean"], row["low"], row["high"]) == (by_hand.mean, by_hand.low, by_hand.high)


def test_differences_are_of_the_same_seed(found: Sweep) -> None:
    table = found.differences("upload_p50_s", DENSITY)
    assert table.select(KIND, "from", "to", "pairs", "missing").rows() == [
        ("fedlora", 1.0, 3.0, 3, 1),
        ("round_robin", 1.0, 3.0, 3, 0),
    ]
    value = {
        (r[KIND], r[DENSITY], r["seed"]): r["upload_p50_s"]
        for r in found.runs.iter_rows(named=True)
    }
    apart = np.array([value["fedlora", 3.0, s] - value["fedlora", 1.0, s] for s in (0, 1, 2)])
    by_hand = mean_interval(apart)
    row = table.row(0, named=True)
    assert (row["mean"], row["low"], row["high"]) == (by_hand.mean, by_hand.low, by_hand.high)
    back = found.differences("upload_p50_s", DENSITY, against=3.0).row(0, named=True)
    assert (back["from"], back["to"], back["mean"]) == (3.0, 1.0, pytest.approx(-row["mean"]))
    schemes = found.differences("energy_j", KIND)
    assert schemes.select("from", "to").unique().rows() == [("fedlora", "round_robin")]
    assert schemes[DENSITY].to_list() == [1.0, 3.0]


def test_a_key_that_came_later_has_its_own_value_in_earlier_runs(tmp_path: Path) -> None:
    data = tmp_path / "x.csv"
    data.touch()
    for over in ({DENSITY: [2.0]}, {DENSITY: [2.0], "rounds": [1]}, {"data.path": [str(data)]}):
        _run(
            open_study("quickstart", over, [5], fixed=TINY, out=tmp_path / "s"),
            0 if "data.path" in over else 1,
        )
    runs = open_sweep(tmp_path / "s").runs
    assert runs.select("data.path", "rounds", DENSITY).rows() == [
        (None, 1, 2.0),
        (None, 3, 2.0),
        (str(data), 3, 1.0),
    ]


def test_bad_questions(found: Sweep, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a sweep folder"):
        open_sweep(tmp_path)
    (tmp_path / "sweep.json").write_text('{"sweep": 99}')
    with pytest.raises(DataError, match=r"format must be 1 \(found"):
        open_sweep(tmp_path)
    with pytest.raises(InputError, match=r"metric: must be one of .*energy_j.*\(found 'joules'\)"):
        found.response("joules")
    with pytest.raises(InputError, match=r"key: the sweep varies scheme.kind"):
        found.differences("energy_j", "rounds")
    with pytest.raises(InputError, match=r"against: must be one of \[1.0, 3.0\]"):
        found.differences("energy_j", DENSITY, against=2.0)
    with pytest.raises(DataError, match="no such run"):
        found.run("../../elsewhere")

"""Figures for papers: every one is drawn, in every format, with the same bytes each time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import netsim
from netsim.errors import DataError, InputError
from netsim.reports.run_figures import RUN_FIGURES
from netsim.results.reader import Run
from netsim.results.sweep import Sweep, open_sweep
from netsim.results.table_buffer import table_schema
from netsim.results.writer import write_parquet

MAGIC = {".svg": b"<?xml", ".pdf": b"%PDF", ".png": b"\x89PNG"}


@pytest.fixture(scope="module")
def taught(network_run: Callable[..., Run], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A network-only run with evaluations made up."""
    folder = tmp_path_factory.mktemp("taught") / "run"
    shutil.copytree(network_run().path, folder)
    rows = {
        "round": [0, 0, 1, 1],
        "time_s": [0.0, 0.0, 5.0, 5.0],
        "energy_j": [0.0, 0.0, 9.0, 9.0],
        "target": ["0", "ensemble"] * 2,
        "ue": [None] * 4,
        "split": ["test"] * 4,
        "loss": [0.7, 0.7, 0.5, 0.4],
        "accuracy": [0.5, 0.5, 0.7, 0.8],
        "samples": [50] * 4,
    }
    frame = pl.DataFrame(rows, schema=table_schema("evaluations"))
    write_parquet(frame, folder / "evaluations" / "part-000000.parquet")
    return Run(folder)


@pytest.mark.parametrize("figure", RUN_FIGURES)
def test_a_figure_has_the_same_bytes_each_time(figure: str, taught: Run, tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        netsim.plot(taught, figure, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.svg").read_bytes().startswith(MAGIC[".svg"])
    assert {path.name for path in tmp_path.iterdir()} == {"a.svg", "b.svg"}


@pytest.mark.parametrize("suffix", MAGIC)
def test_every_format(suffix: str, taught: Run, tmp_path: Path) -> None:
    netsim.plot(taught, "outage", tmp_path / f"x{suffix}")
    assert (tmp_path / f"x{suffix}").read_bytes().startswith(MAGIC[suffix])


def test_curves_are_those_of_the_run(taught: Run) -> None:
    (axes,) = netsim.plot(taught, "learning").axes
    curves = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    assert list(curves["ensemble"]) == [0.5, 0.8]
    assert list(curves["module 0"]) == [0.5, 0.7]


def test_a_response_has_a_line_per_other_setting(tmp_path: Path) -> None:
    sweep = _made_up_sweep(tmp_path)
    (axes,) = netsim.plot(sweep, "response", metric="energy_j").axes
    assert axes.get_xlabel() == "radio.bandwidth_hz"
    assert axes.get_ylabel() == "energy (J)"
    assert len(axes.get_lines()) == 1
    with pytest.raises(DataError, match="no run has a value of accuracy"):
        netsim.plot(sweep, "response", metric="accuracy")
    (steps,) = netsim.plot(sweep, "differences", metric="energy_j").axes
    assert [text.get_text() for text in steps.get_yticklabels()] == ["bandwidth_hz 5e+06 → 5e+07"]
    (step,) = sweep.differences("energy_j").iter_rows(named=True)
    assert float(steps.containers[0].lines[0].get_xdata()[0]) == pytest.approx(step["mean"])
    with pytest.raises(DataError, match="no step has an interval of accuracy"):
        netsim.plot(sweep, "differences", metric="accuracy")


def test_a_second_key_has_a_panel_for_each_of_its_values(tmp_path: Path) -> None:
    over = {"radio.bandwidth_hz": [5e6, 2e7, 5e7], "scheme.kind": ["fedlora", "round_robin"]}
    sweep = _made_up_sweep(tmp_path, over)
    panels = netsim.plot(sweep, "response", metric="energy_j").axes
    assert [one.get_title(loc="left") or one.get_title() for one in panels] == [
        "scheme fedlora",
        "scheme round_robin",
    ]
    assert [len(one.get_lines()) for one in panels] == [1, 1]
    assert panels[0].get_ylim() == panels[1].get_ylim()


def test_wrong_questions_have_one_answer(taught: Run, network_run: Callable[..., Run]) -> None:
    with pytest.raises(InputError, match=r"figure: must be one of .*; did you mean latency"):
        netsim.plot(taught, "latenci")
    with pytest.raises(InputError, match=r"must end in .svg, .pdf, .png"):
        netsim.plot(taught, "latency", "x.docx")
    with pytest.raises(InputError, match="round: must be a whole number from 0 to "):
        netsim.plot(taught, "timeline", round=99)
    with pytest.raises(DataError, match="has no upload in this round"):
        netsim.plot(taught, "timeline", round=0)
    with pytest.raises(DataError, match="learnt nothing"):
        netsim.plot(network_run(), "learning")


def _made_up_sweep(folder: Path, over: dict[str, list[Any]] | None = None) -> Sweep:
    from netsim.assembly.loaded import Loaded
    from netsim.protocols import Silence
    from netsim.scenario.load import to_toml
    from netsim.sweeps.job import execute
    from netsim.sweeps.study import open_study

    tiny = {"network_only": True, "rounds": 2, "ues.count": 5, "data.train_samples": 200}
    over = over or {"radio.bandwidth_hz": [5e6, 5e7]}
    study = open_study("quickstart", over, [0, 1], fixed=tiny, out=folder / "s")
    loaded = Loaded()
    for job in study.jobs:
        execute(folder / "s", job.id, to_toml(job.scenario), Silence(), loaded)
    return open_sweep(folder / "s")

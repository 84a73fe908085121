"""The committed scenario of a real model on real sentences, with a small model and few rows in
their place.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import netsim
from netsim.errors import InputError

SCENARIO = Path(__file__).parents[2] / "topologies/minilm-sst2.toml"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A folder in the form of GLUE's SST-2."""
    folder = tmp_path / "rows"
    folder.mkdir()
    for part, count in (("train", 40), ("dev", 12)):
        lines = [f"a {'good' if i % 2 else 'bad'} film number {i}\t{i % 2}" for i in range(count)]
        (folder / f"{part}.tsv").write_text("\n".join(["sentence\tlabel", *lines]) + "\n")
    return folder


def test_paths_that_are_not_there(rows: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"data\.path: must be an existing.*--set data\.path=PATH.*SST-2"
    ):
        netsim.run(SCENARIO, out=tmp_path / "a")
    given = netsim.load_scenario(SCENARIO, {"data.path": str(rows)})
    with pytest.raises(InputError, match=r"model\.path: must be an existing.*--set model\.path="):
        netsim.run(given, out=tmp_path / "b")


def test_it_runs(rows: Path, tmp_path: Path, model_folder: Callable[[str], str]) -> None:
    changes = {
        "data.path": str(rows),
        "model.path": model_folder("bert"),
        "rounds": 1,
        "ues.count": 3,
    }
    run = netsim.run(
        netsim.load_scenario(SCENARIO, {**changes, "learning.workers": 1}), out=tmp_path / "run"
    )
    found = run.evaluations.collect()
    assert set(found["target"]) == {"0", "ensemble"}
    assert found["samples"].unique().to_list() == [12]
    parameters = (
        2 * 3 * 2 * 16 * 32 + 2 * 32 + 2
    )  # A and B of two targets in three layers; the head
    assert run.uploads.select(pl.col("payload_bits").unique()).collect().item() == 32 * parameters

"""Damaged tables: which file it is, and how much of the rest is whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from netsim.errors import DataError
from netsim.execution import run
from netsim.results.reader import Run, open_run
from netsim.scenario.model import Scenario


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, make_network: Callable[..., Scenario]) -> Path:
    """A run of 6 rounds, a part each, as a large run has them."""
    folder = run(make_network({"rounds": 6}), out=tmp_path_factory.mktemp("whole") / "run").path
    for file in folder.glob("*/part-000000.parquet"):
        rows = pl.read_parquet(file)
        if "round" in rows.columns:
            part = (pl.col("round") - 1).clip(0)
            for number, own in rows.group_by(part, maintain_order=True):
                own.select(rows.columns).write_parquet(
                    file.with_name(f"part-{number[0]:06d}.parquet")
                )
    return folder


@pytest.fixture
def damaged(whole: Path, tmp_path: Path) -> Path:
    """A copy of it to be damaged."""
    return Path(shutil.copytree(whole, tmp_path / "run"))


def _retype(folder: Path, part: int, table: str = "uploads") -> Path:
    file = folder / table / f"part-{part:06d}.parquet"
    pl.read_parquet(file).cast({"ue": pl.String}).write_parquet(file)
    return file


@pytest.mark.parametrize(
    ("parts", "rounds"),
    [((0,), "2 to 6"), ((2,), "1 to 2 and 4 to 6"), ((1, 3), "1, 3 and more")],
)
def test_another_type_says_which_rounds_are_whole(
    parts: tuple[int, ...], rounds: str, damaged: Path
) -> None:
    files = [_retype(damaged, part) for part in parts]
    others = len(list(damaged.glob("*/part-*"))) - len(parts)
    more = "; 1 more is not" if len(parts) > 1 else ""
    with pytest.raises(DataError) as said:
        open_run(damaged)
    assert said.value.where == str(files[0])
    assert said.value.rule == (
        f"column ue must be of type Int64, found String ({others} other files are whole{more}; "
        f"rounds {rounds} are whole in all tables)"
    )


def test_what_is_whole_can_be_read(damaged: Path) -> None:
    _retype(damaged, 1)
    opened = Run(damaged)
    assert opened.rounds.select(pl.col("round").max()).collect().item() == 6
    assert opened.parts()[2].uploads.collect()["round"].unique().to_list() == [3]


def test_a_table_without_rounds_spoils_none(damaged: Path) -> None:
    _retype(damaged, 0, "ues")
    with pytest.raises(DataError, match="rounds 1 to 6 are whole in all tables"):
        open_run(damaged)


def test_a_part_without_rounds_tells_none(damaged: Path) -> None:
    _retype(damaged, 0, "ues")
    file = damaged / "rounds" / "part-000000.parquet"
    pl.read_parquet(file).head(0).write_parquet(file)
    with pytest.raises(DataError, match="rounds 2 to 6 are whole in all tables"):
        open_run(damaged)


def test_nothing_is_said_where_nothing_is_whole(tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text("{}")
    with pytest.raises(DataError, match=r"status must be one of [a-z, ]*$"):
        open_run(tmp_path)

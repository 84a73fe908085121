"""Run folders from a stranger, a full disk or another program: one message that names the file."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from netsim.execution import run
from netsim.scenario.model import Scenario

Command = Callable[..., Any]
UPLOADS = Path("uploads", "part-000000.parquet")
SPANS = Path("spans", "part-000000.parquet")
SECRET = "only for its owner"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, make_network: Callable[..., Scenario]) -> Path:
    """A run that is whole."""
    return run(make_network(), out=tmp_path_factory.mktemp("whole") / "run").path


@pytest.fixture
def damaged(whole: Path, home: Path) -> Path:
    """A copy of it to be damaged, `run` in the folder where commands work."""
    (home / "secret").write_text(SECRET)
    return Path(shutil.copytree(whole, home / "run"))


def _cut(folder: Path) -> None:
    os.truncate(folder / UPLOADS, 100)


def _flip(folder: Path) -> None:
    path = folder / SPANS
    data = bytearray(path.read_bytes())
    middle = len(data) // 3
    data[middle : middle + 200] = bytes(200)
    path.write_bytes(data)


def _change(columns: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        columns(pl.read_parquet(folder / UPLOADS)).write_parquet(folder / UPLOADS)

    return harm


def _replace(name: str | Path, make: Callable[[Path], Any]) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        make(path)

    return harm


def _tell(**about: Any) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        known = json.loads((folder / "metadata.json").read_text())
        (folder / "metadata.json").write_text(json.dumps(known | about))

    return harm


def _link(path: Path) -> None:
    path.symlink_to(path.parents[len(path.parents) - len(Path.cwd().parents) - 2] / "secret")


METADATA = "metadata.json"
DEEP = "[" * 50_000
HARM: dict[str, tuple[Callable[[Path], Any], str, str]] = {  # harm, file named, rule
    "cut short": (_cut, str(UPLOADS), "is no whole Parquet file"),
    "empty": (_replace(UPLOADS, Path.touch), str(UPLOADS), "is no whole Parquet file"),
    "zeros in a page": (_flip, str(SPANS), "is no whole Parquet file"),
    "a column less": (_change(lambda t: t.drop("end_s")), str(UPLOADS), "column end_s is missing"),
    "another type": (
        _change(lambda t: t.cast({"ue": pl.String})),
        str(UPLOADS),
        "column ue must be of type Int64, found String",
    ),
    "foreign": (
        _change(lambda _: pl.DataFrame({"a": [1]})),
        str(UPLOADS),
        "column round is missing",
    ),
    "another name": (
        _replace("uploads/part-abc.parquet", Path.touch),
        "part-abc.parquet",
        "must be named part-<number>.parquet",
    ),
    "a folder as part": (_replace(UPLOADS, Path.mkdir), str(UPLOADS), "must be a plain file"),
    "a pipe as part": (_replace(UPLOADS, os.mkfifo), str(UPLOADS), "must be a plain file"),
    "a link as part": (_replace(UPLOADS, _link), str(UPLOADS), "must be a plain file"),
    "a link as table": (_replace("uploads", _link), "uploads", "must be a folder, not a link"),
    "a pipe as metadata": (_replace(METADATA, os.mkfifo), METADATA, "must be a plain file"),
    "a link as metadata": (_replace(METADATA, _link), METADATA, "must be a plain file"),
    "deep metadata": (
        _replace(METADATA, lambda path: path.write_text(DEEP)),
        METADATA,
        "not JSON",
    ),
    "no number": (_tell(wall_time_s=float("nan")), METADATA, "not JSON"),
    "half a character": (_tell(name="\ud800"), METADATA, "not JSON"),
    "records as a list": (_tell(records=[1]), METADATA, "records must be an object"),
    "text as seed": (_tell(seed="1"), METADATA, "seed must be a whole number"),
    "a list as name": (_tell(name=[]), METADATA, "name must be text"),
}
NO_TABLE = (METADATA, "part-abc.parquet")
ALL_WHOLE = "(6 other files are whole; rounds 1 to 4 are whole in all tables)"
COMMANDS = (("validate",), ("report",), ("export", "csv"), ("export", "perfetto"))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("harm", HARM)
def test_one_message_names_the_file(
    harm: str, words: tuple[str, ...], damaged: Path, command: Command, home: Path
) -> None:
    change, file, rule = HARM[harm]
    change(damaged)
    before = {path.name for path in home.iterdir()}
    code, said, errors = command(*words, "run")
    assert code == 2, said
    assert len(errors.splitlines()) == 1
    assert f"{file}: {rule}" in errors
    assert ALL_WHOLE in errors if file in NO_TABLE else "(5 other files are whole)" in errors
    assert len(errors) < 400
    assert {path.name for path in home.iterdir()} == before


@pytest.mark.parametrize(
    ("column", "value"), [("end_s", float("inf")), ("bits_sent", float("nan")), ("ue", None)]
)
def test_values_that_no_run_writes(
    column: str, value: float | None, damaged: Path, command: Command
) -> None:
    """A page is drawn, or one message names file and column: never a traceback."""
    _change(lambda t: t.with_columns(pl.lit(value, t.schema[column]).alias(column)))(damaged)
    for words in COMMANDS:
        code, _, errors = command(*words, "run")
        assert code in (0, 1, 2)
        assert code != 2 or f"column {column} holds values that no run writes" in errors


@pytest.mark.parametrize("words", [("report",), ("validate",), ("resume",)], ids=" ".join)
def test_a_link_as_scenario_is_not_followed(
    words: tuple[str, ...], damaged: Path, command: Command, home: Path
) -> None:
    (damaged / "scenario.toml").unlink()
    (damaged / "scenario.toml").symlink_to(home / "secret")
    code, _, errors = command(*words, "run")
    assert code == 2
    assert "scenario.toml: must be a plain file" in errors
    assert not (home / "run.html").exists()


def test_links_among_adapters_are_not_copied(damaged: Path, command: Command, home: Path) -> None:
    module = damaged / "adapters" / "0"
    module.mkdir(parents=True)
    (module / "adapter_config.json").write_text('{"base_model_name_or_path": "builtin"}')
    (module / "adapter_model.safetensors").symlink_to(home / "secret")
    code, _, errors = command("export", "adapters", "run")
    assert code == 2
    assert "adapter_model.safetensors: must be a plain file" in errors
    assert not (home / "run-adapters").exists()


def test_a_formula_is_text(damaged: Path, command: Command, home: Path) -> None:
    path = damaged / "ues" / "part-000000.parquet"
    names = ["=1+1", "@SUM(A1)", "-1", "+1", "\t=1", "ok"]
    ues = pl.read_parquet(path).head(len(names)).with_columns(pl.Series("class", names))
    ues.write_parquet(path)
    assert command("export", "csv", "run").returncode == 0
    written = pl.read_csv(home / "run-csv" / "ues.csv")["class"].to_list()
    assert written == ["'=1+1", "'@SUM(A1)", "'-1", "'+1", "'\t=1", "ok"]


def test_an_earlier_export_is_replaced(damaged: Path, command: Command, home: Path) -> None:
    for words in (("csv",), ("perfetto",), ("tensorboard",)):
        for _ in range(2):
            assert command("export", *words, "run").returncode == 0
    (home / "run-csv" / "mine.txt").write_text("kept")
    code, _, errors = command("export", "csv", "run")
    assert code == 2
    assert "mine.txt" in errors
    assert (home / "run-csv" / "mine.txt").read_text() == "kept"

"""What README shows is true: its scheme runs, its snippets name things that exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

import netsim
from netsim.cli.main import main
from netsim.results.reader import Run, open_run
from netsim.scenario.load import to_toml

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_scheme_of_the_tour_runs_from_its_own_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """README's module and entry point as an installed package; the command line finds and runs
    it.
    """
    module = re.search(r"```python\n# (nearest\.py)[^\n]*\n(.*?)```", README, re.DOTALL)
    project = re.search(r"```toml\n# its pyproject.*?\n(.*?)```", README, re.DOTALL)
    assert module is not None
    assert project is not None
    declared = tomllib.loads(project[1])["project"]["entry-points"]
    info = tmp_path / "nearest-0.1.dist-info"
    info.mkdir()
    (tmp_path / module[1]).write_text(module[2], encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nearest\nVersion: 0.1\n")
    lines = [
        f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in e.items())
        for group, e in declared.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)

    def netsim(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["netsim", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return capsys.readouterr().out

    listing = netsim("schemes")
    assert re.search(r"^ nearest .*\n.*ours *\n +count +10 ", listing, re.MULTILINE)
    choice = [
        "scheme.kind=nearest",
        "scheme.count=5",
        "rounds=2",
        "ues.count=12",
        "data.train_samples=400",
    ]
    netsim(
        "run", "--network-only", "--quiet", "--out", "r", *(x for c in choice for x in ("--set", c))
    )
    run = open_run("r")
    distance = run.ues.collect().sort("ue")["distance_m"].to_numpy()
    uploads = run.uploads.collect()
    assert set(uploads["ue"]) <= set(np.argsort(distance)[:5].tolist())
    assert run.subscriptions.collect()["ue"].n_unique() == 5
    assert set(uploads["module"]) == {0}


def test_tables_and_queries_of_the_tour_exist() -> None:
    for name in re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE):
        assert hasattr(Run, name)
    for name in ("timeline", "time_to_accuracy"):
        assert f"run.{name}(" in README
        assert hasattr(Run, name)


def test_files_that_readme_names_exist() -> None:
    root = Path(__file__).parents[1]
    for path in re.findall(
        r"(?:analysis|topologies|traces)/[\w/.-]+\.(?:py|toml|svg|png|md)", README
    ):
        assert (root / path).is_file(), path


def test_the_session_of_the_tour_gives_the_bytes_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The ten lines as they stand, on a small scenario in place of the quickstart."""
    found = re.search(r"```python\n# session\.py\n(.*?)```", README, re.DOTALL)
    assert found is not None
    monkeypatch.chdir(tmp_path)
    small = {"network_only": True, "rounds": 3, "ues.count": 8, "data.train_samples": 300}
    Path("small.toml").write_text(to_toml(netsim.load_scenario("quickstart", small)))
    exec(found[1].replace('"quickstart"', '"small.toml"'), {})
    assert capsys.readouterr().out.count("uploads on time") == 3
    netsim.run("small.toml", out="runs/alone")
    for table in ("spans", "uploads", "rounds", "subscriptions"):
        (mine,), (alone,) = (
            sorted(Path("runs", name, table).glob("*.parquet")) for name in ("stepped", "alone")
        )
        assert mine.read_bytes() == alone.read_bytes()

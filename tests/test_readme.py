"""What README shows is true: its snippets run, its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import netsim
from netsim.results.reader import open_run
from netsim.scenario.load import to_toml

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_the_queries_of_the_tour_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.search(r"```python\n(import netsim\nimport polars.*?)```", README, re.DOTALL)
    assert found is not None
    monkeypatch.chdir(tmp_path)
    exec(found[1], {})
    assert open_run("runs/first").rounds.collect().height == 3


def test_links_lead_to_files() -> None:
    root = Path(__file__).parents[1]
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", README)
    assert len(links) > 10
    for link in links:
        assert (root / link).is_file(), link


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

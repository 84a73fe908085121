"""Sweep folders that many processes make at once, and ones that were left half made."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from netsim.errors import OutputError
from netsim.results.sweep_folder import SweepFolder

AT_ONCE = 8
TOML = 'name = "x"\n'


def test_many_make_the_same_folder_at_once(tmp_path: Path) -> None:
    start = Barrier(AT_ONCE)

    def make(number: int) -> None:
        for attempt in range(10):
            start.wait()
            folder = SweepFolder.create(tmp_path / f"sweep-{attempt}", TOML)
            folder.add_job("a", f"seed = 1\n[overrides]\n# {number % 1}\n")
            assert folder.jobs()["a"]["seed"] == 1

    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(make, range(AT_ONCE)))
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize(
    "left", [[], ["jobs"], ["jobs", "runs"], ["jobs", "runs", "scenario.toml"]]
)
def test_a_kill_before_it_was_whole_does_not_block_it(left: list[str], tmp_path: Path) -> None:
    whole = SweepFolder.create(tmp_path / "sweep", TOML).path
    for path in list(whole.iterdir()):
        if path.name not in left:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (whole / "scenario.toml.0123.tmp").touch()
    SweepFolder.create(whole, TOML).check()


def test_what_is_none_stays_as_it_is(tmp_path: Path) -> None:
    for name in ("mine.txt", "jobs/mine.toml"):
        folder = tmp_path / name.replace("/", "-")
        (folder / name).parent.mkdir(parents=True)
        (folder / name).touch()
        with pytest.raises(OutputError, match="must be new, empty, or a sweep folder"):
            SweepFolder.create(folder, TOML)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="must be new, empty, or a sweep folder"):
        SweepFolder.create(tmp_path / "file", TOML)


def test_what_a_killed_process_left_half_written_goes(tmp_path: Path) -> None:
    folder = SweepFolder.create(tmp_path / "sweep", "rounds = 2\n")
    folder.add_job("a", "seed = 1\n[overrides]\n")
    left = [
        folder.path / f"scenario.toml.{'0' * 32}.tmp",
        folder.path / f"sweep.json.{'1' * 32}.tmp",
        folder.path / "jobs" / f"a.toml.{'2' * 32}.tmp",
    ]
    in_progress = folder.path / "jobs" / f"b.toml.{'3' * 32}.tmp"
    for path in (*left, in_progress):
        path.write_text("half")
    folder.clear_leftovers()
    assert not any(path.exists() for path in left)
    assert in_progress.exists()
    assert folder.jobs().keys() == {"a"}

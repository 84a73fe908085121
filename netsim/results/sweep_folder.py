"""The sweep folder: its layout, and who works on which run.

    sweep.json          what makes it a sweep folder
    scenario.toml       the scenario that all runs vary
    jobs/<id>.toml      overrides and seed of one run; locked while somebody works on it
    runs/<id>/          its run folder

No file is shared by two jobs, so several processes (an array of cluster jobs, say) may fill one
folder.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netsim.errors import DataError, OutputError, RunError
from netsim.plain import check_plain_folder
from netsim.results.plain_files import (
    UNFINISHED,
    create_text,
    read_json,
    read_toml,
)
from netsim.results.run_folder import METADATA, SCENARIO, RunFolder, locked

SWEEP = "sweep.json"
JOBS = "jobs"
RUNS = "runs"
FORMAT = 1
PENDING = "pending"


@dataclass(frozen=True)
class SweepFolder:
    """A study's folder on disk."""

    path: Path

    @classmethod
    def create(cls, path: Path, scenario_toml: str) -> SweepFolder:
        """A new sweep folder, or the one that is there, with its own scenario.

        Raises OutputError if `path` is something else or cannot be written.
        """
        folder = cls(path)
        try:
            if not path.is_dir():
                path.mkdir(parents=True, exist_ok=True)
            folder._check_taken()
            (path / JOBS).mkdir(exist_ok=True)
            (path / RUNS).mkdir(exist_ok=True)
            create_text(path / SCENARIO, scenario_toml)
            create_text(path / SWEEP, json.dumps({"sweep": FORMAT}) + "\n")
        except FileExistsError:
            raise OutputError("must be new, empty, or a sweep folder", where=path) from None
        except OSError as error:
            raise OutputError(f"cannot be written: {error.strerror or error}", where=path) from None
        folder.check()
        return folder

    def _check_taken(self) -> None:
        """Raises OutputError unless the folder is a sweep folder, or becomes one just now."""
        strangers = [path for path in self.path.iterdir() if not _is_ours(path.name)]
        has_content = any((self.path / JOBS).glob("*")) or any((self.path / RUNS).glob("*"))
        is_sweep = (self.path / SWEEP).exists()  # looked at last: another may just have made it
        if (strangers or has_content) and not is_sweep:
            raise OutputError("must be new, empty, or a sweep folder", where=self.path)

    def check(self) -> None:
        """Raises DataError if this is no sweep folder of a known format."""
        path = self.path / SWEEP
        if not self.path.exists():
            raise DataError("does not exist", where=self.path)
        if not path.exists():
            raise DataError("is not a sweep folder: it has no sweep.json", where=self.path)
        found = read_json(path)
        if found.get("sweep") != FORMAT:
            raise DataError(
                f"format must be {FORMAT}",
                where=path,
                value=found,
            )
        for part in (JOBS, RUNS):
            check_plain_folder(self.path / part)

    def add_job(self, job: str, toml: str) -> None:
        """Tell of a job; a job that is known keeps its file."""
        path = self.path / JOBS / f"{job}.toml"
        try:
            create_text(path, toml)
        except OSError as error:
            raise OutputError(f"cannot be written: {error.strerror or error}", where=path) from None

    def clear_leftovers(self) -> None:
        """Remove what killed processes left half written, where the whole file is there by now.

        Who is still writing one finds the file there, and needs its own no more.
        """
        for folder in (self.path, self.path / JOBS):
            for leftover in folder.glob(f"*{UNFINISHED}"):
                name, _, _ = leftover.name.removesuffix(UNFINISHED).rpartition(".")
                if name and (folder / name).exists():
                    leftover.unlink(missing_ok=True)

    def jobs(self) -> dict[str, dict[str, Any]]:
        """{id: {"seed": ..., "overrides": {...}}} of all jobs, by id. Raises DataError."""
        found = {}
        for path in sorted((self.path / JOBS).glob("*.toml")):
            job = read_toml(path)
            has_seed = isinstance(job.get("seed"), int)
            has_overrides = isinstance(job.get("overrides"), dict)
            if not (has_seed and has_overrides):
                raise DataError("a job has a seed and overrides", where=path)
            found[path.stem] = job
        return found

    def run_path(self, job: str) -> Path:
        """The run folder of a job."""
        return self.path / RUNS / job

    def metadata(self, job: str) -> dict[str, Any]:
        """metadata.json of a job's run; `pending` if it has none that can be read."""
        try:
            return RunFolder(self.run_path(job)).metadata()
        except DataError:
            return {"status": PENDING}

    def clear(self, job: str) -> None:
        """Remove the folder of a run that did not finish. Raises RunError."""
        path = self.run_path(job)
        try:
            if path.exists():
                # first what makes it a run: half a removal must not look like one
                (path / METADATA).unlink(missing_ok=True)
                shutil.rmtree(path)
        except OSError as error:
            raise RunError(f"{error.filename}: cannot be removed: {error.strerror}") from None

    @contextmanager
    def claim(self, job: str) -> Iterator[bool]:
        """While the block runs, the job is this process's (True) or another's (False)."""
        with locked(self.path / JOBS / f"{job}.toml") as mine:
            yield mine


def _is_ours(name: str) -> bool:
    """What a sweep folder holds from its first moment, or while it is made."""
    if name in (JOBS, RUNS, SCENARIO, SWEEP):
        return True
    return name.startswith((f"{SCENARIO}.", f"{SWEEP}.")) and name.endswith(UNFINISHED)

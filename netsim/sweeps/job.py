"""One job done, whatever process does it: claimed, run, its folder whole or resumable."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from netsim.assembly.loaded import Loaded
from netsim.errors import DataError, NetsimError, ScenarioError
from netsim.execution import resume, run
from netsim.protocols import Listener
from netsim.results.run_folder import CHECKPOINT, SCENARIO, RunFolder
from netsim.results.sweep_folder import SweepFolder
from netsim.scenario.load import load_text, stored_scenario
from netsim.scenario.model import Scenario

ELSEWHERE = "elsewhere"  # another process works on it


@dataclass(frozen=True)
class JobOutcome:
    """How a job ended: done, failed, or elsewhere."""

    id: str
    status: str
    error: str = ""


class StudyListener(Protocol):
    """Is told how far a study is."""

    def run_moved(self, job: str, fraction: float) -> None:
        """This much of a run's rounds is over."""
        ...

    def run_ended(self, outcome: JobOutcome) -> None:
        """A run is over."""
        ...


def execute(
    folder: Path,
    job: str,
    scenario_toml: str,
    listener: Listener,
    loaded: Loaded,
) -> JobOutcome:
    """Run one job of the sweep folder `folder`, or go on with it, unless it is done or another
    process's.

    A run that fails, for whatever reason, is an outcome; only KeyboardInterrupt is raised.
    """
    sweep = SweepFolder(folder)
    try:
        with sweep.claim(job) as mine:
            if not mine:
                return JobOutcome(job, ELSEWHERE)
            if sweep.metadata(job)["status"] != "done":
                _carry_out(
                    sweep,
                    job,
                    load_text(scenario_toml),
                    listener,
                    loaded,
                )
    except NetsimError as error:
        return record_failure(sweep, JobOutcome(job, "failed", str(error)))
    except Exception as error:  # a bug, a plug-in's error: it must not stop the other runs
        reason = f"{type(error).__name__}: {error}"
        return record_failure(sweep, JobOutcome(job, "failed", reason))
    return JobOutcome(job, "done")


def _carry_out(
    sweep: SweepFolder,
    job: str,
    scenario: Scenario,
    listener: Listener,
    loaded: Loaded,
) -> None:
    """From the job's checkpoint, if it has one that can be used, else from the start."""
    path = sweep.run_path(job)
    try:
        if (path / CHECKPOINT).is_dir() and stored_scenario(path / SCENARIO) == scenario:
            resume(path, listener, loaded)
            return
    except (DataError, ScenarioError):  # what is there is of no use
        pass
    sweep.clear(job)
    run(scenario, out=path, listener=listener, loaded=loaded)


def record_failure(sweep: SweepFolder, outcome: JobOutcome) -> JobOutcome:
    """Write a failure into the run's folder, where the run itself did not."""
    path = sweep.run_path(outcome.id)
    found = sweep.metadata(outcome.id)
    if found["status"] != "failed":
        with suppress(NetsimError, OSError):  # the outcome tells of it all the same
            path.mkdir(exist_ok=True)
            RunFolder(path).write_metadata({**found, "status": "failed", "error": outcome.error})
    return outcome

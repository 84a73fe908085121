"""One job done, whatever process does it: claimed, run, its folder whole or resumable."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from netsim.build.loaded import Loaded
from netsim.errors import NetsimError
from netsim.execution import run
from netsim.protocols import Listener
from netsim.results.sweep_folder import SweepFolder
from netsim.scenario.load import load_text

ELSEWHERE = "elsewhere"  # another process works on it


@dataclass(frozen=True)
class Outcome:
    """How a job ended: done, failed, or elsewhere."""

    id: str
    status: str
    error: str = ""


class StudyListener(Protocol):
    """Is told how far a study is."""

    def run_moved(self, job: str, fraction: float) -> None:
        """This much of a run's rounds is over."""
        ...

    def run_ended(self, outcome: Outcome) -> None:
        """A run is over."""
        ...


def execute(folder: Path, job: str, scenario_toml: str, listener: Listener, loaded: Loaded) -> Outcome:
    """Run one job of the sweep folder `folder`, unless it is done or another process's.

    A run that fails, for whatever reason, is an outcome; only KeyboardInterrupt is raised.
    """
    sweep = SweepFolder(folder)
    try:
        with sweep.claim(job) as mine:
            if not mine:
                return Outcome(job, ELSEWHERE)
            if sweep.metadata(job)["status"] != "done":
                sweep.clear(job)
                run(load_text(scenario_toml), sweep.run_path(job), listener=listener, loaded=loaded)
    except NetsimError as error:
        return Outcome(job, "failed", str(error))
    except Exception as error:  # a bug, a plug-in's error: it must not stop the other runs
        return Outcome(job, "failed", f"{type(error).__name__}: {error}")
    return Outcome(job, "done")

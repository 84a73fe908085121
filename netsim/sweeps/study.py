"""A study from start to end: what is done is left alone, the rest is given to a backend."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path
from typing import Any

from netsim.errors import InputError, OutputError, RunError
from netsim.results.run_folder import SCENARIO
from netsim.results.sweep import Sweep, open_sweep
from netsim.results.sweep_folder import SweepFolder
from netsim.scenario.load import stored_scenario, to_toml
from netsim.scenario.model import Scenario
from netsim.sweeps.grid import Job, base_scenario, grid, job_toml, scenario_digest
from netsim.sweeps.job import JobOutcome, StudyListener, record_failure
from netsim.sweeps.listening import SweepBar, Unheard
from netsim.sweeps.local import cores, run_local

BACKENDS = ("local", "ray")
STUDIES = Path("runs")


@dataclass
class Study:
    """The jobs of a grid and where they go."""

    folder: SweepFolder
    jobs: list[Job]
    todo: list[Job]  # neither finished before nor in this session
    outcomes: list[JobOutcome] = field(default_factory=list)

    @property
    def failed(self) -> list[JobOutcome]:
        """Runs that failed in this session."""
        return [outcome for outcome in self.outcomes if outcome.status == "failed"]

    def run(
        self,
        listener: StudyListener,
        *,
        backend: str = "local",
        at_once: int | None = None,
        address: str | None = None,
    ) -> None:
        """Do what is to be done. `at_once` None: as many runs as there are cores.

        On KeyboardInterrupt the runs in progress are interrupted, and a later session goes on.
        """
        _check_backend(backend, at_once, address)
        if not self.todo:
            return
        todo = list(self.todo)
        outcomes: Generator[JobOutcome, None, None]
        if backend == "ray":
            from netsim.sweeps.ray import run_ray

            outcomes = run_ray(
                self.folder.path,
                todo,
                at_once,
                listener,
                address=address,
            )
        else:
            outcomes = run_local(
                self.folder.path,
                todo,
                at_once or cores(),
                listener,
            )
        waiting = {job.id: job for job in todo}
        with closing(outcomes):
            for outcome in outcomes:
                self.outcomes.append(outcome)
                self.todo.remove(waiting.pop(outcome.id))
                if outcome.status == "failed":
                    record_failure(self.folder, outcome)
                listener.run_ended(outcome)


def open_study(
    source: Scenario | str | Path,
    over: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]],
    seeds: Sequence[int] | None = None,
    *,
    fixed: Mapping[str, Any] | None = None,
    out: Path | None = None,
) -> Study:
    """The study of a grid, or of several together, in its folder, new or begun before.

    `out` None: a folder under runs/ that is the same for the same scenario. Raises InputError.
    """
    fixed = fixed or {}
    grids = [over] if isinstance(over, Mapping) else over
    jobs = {job.id: job for one in grids for job in grid(source, fixed, one, seeds)}
    base = base_scenario(source, fixed)
    path = out if out is not None else STUDIES / f"{base.name}-sweep-{scenario_digest(base)}"
    base = base.model_copy(update={"seed": 0})  # a job's own seed does not make another study
    folder = SweepFolder.create(path, to_toml(base))
    if stored_scenario(path / SCENARIO) != base:
        raise OutputError("holds a sweep of another scenario; choose another --out", where=path)
    ordered = sorted(jobs.values(), key=lambda job: job.seed)  # seed by seed, as in one grid
    to_do = [job for job in ordered if _is_to_do(folder, job)]
    folder.clear_leftovers()
    return Study(folder, ordered, to_do)


def _is_to_do(folder: SweepFolder, job: Job) -> bool:
    """Tell the folder of the job. Raises OutputError if it was done with another scenario."""
    folder.add_job(job.id, job_toml(job.overrides, job.seed))
    if folder.metadata(job.id)["status"] != "done":
        return True
    path = folder.run_path(job.id)
    if stored_scenario(path / SCENARIO) != job.scenario:
        raise OutputError("was run with another scenario; choose another --out", where=path)
    return False


def _check_backend(backend: str, at_once: int | None, address: str | None) -> None:
    if backend not in BACKENDS:
        raise InputError(f"must be one of {', '.join(BACKENDS)}", where="--backend", value=backend)
    if at_once is not None and at_once < 1:
        raise InputError("must be at least 1", where="--jobs", value=at_once)
    if address is not None and backend != "ray":
        raise InputError("is that of a Ray cluster: it needs --backend ray", where="--address")


def sweep(
    scenario: Scenario | str | Path,
    over: Mapping[str, Sequence[Any]] | None = None,
    seeds: Sequence[int] | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    jobs: int | None = None,
    progress: bool = False,
) -> Sweep:
    """Run a scenario for every combination of the values of `over`, and for each seed.

    `over` maps dotted keys to lists of values, `overrides` holds for all runs. `out` is a new sweep
    folder or one to go on with; what is finished in it is not run again. `jobs` runs go on at once,
    by default as many as there are cores; `progress` shows a bar over the runs. Raises InputError
    before the first run if one of them cannot be, RunError if some fail.
    """
    varied = _checked_values(over or {})
    _check_seeds(seeds)
    if not varied and seeds is None:
        raise InputError("nothing to vary: give over, or seeds, or both", where="sweep")
    path = None if out is None else Path(out)
    study = open_study(scenario, varied, seeds, fixed=overrides, out=path)
    if progress:
        bar = SweepBar(study.folder.path.name, len(study.jobs), len(study.jobs) - len(study.todo))
        with closing(bar):
            study.run(bar, at_once=jobs)
    else:
        study.run(Unheard(), at_once=jobs)
    if study.failed:
        first = study.failed[0]
        count = f"{len(study.failed)} of {len(study.jobs)} runs failed"
        raise RunError(f"{study.folder.path}: {count}, first {first.id}: {first.error}")
    return open_sweep(study.folder.path)


def _checked_values(over: Mapping[str, Sequence[Any]]) -> Mapping[str, Sequence[Any]]:
    """`over` if each key has a list of values. Raises InputError."""
    rule = 'must map dotted keys to lists of values, as {"rounds": [5, 10]}'
    if not isinstance(over, Mapping):
        raise InputError(rule, where="over", value=over)
    listed = {}
    for key, values in over.items():
        if not isinstance(values, Iterable) or isinstance(values, str | bytes | Mapping):
            raise InputError(rule, where=f"over: {key}", value=values)
        listed[key] = list(values)
    return listed


def _check_seeds(seeds: Sequence[int] | None) -> None:
    if seeds is None:
        return
    is_list = isinstance(seeds, Iterable) and not isinstance(seeds, str)
    if not is_list or not all(isinstance(seed, Integral) and seed >= 0 for seed in seeds):
        raise InputError("must be whole numbers, as range(8)", where="seeds", value=seeds)

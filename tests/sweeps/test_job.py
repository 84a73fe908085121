"""One job: done once, failures are outcomes, another process's run is left alone."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from netsim.assembly.loaded import Loaded
from netsim.protocols import Progress, Silence
from netsim.results.sweep_folder import SweepFolder
from netsim.scenario.load import load_scenario, to_toml
from netsim.sweeps.grid import Job
from netsim.sweeps.job import JobOutcome, execute
from netsim.sweeps.study import Study

Digests = Callable[[Path], dict[str, str]]


def _execute(study: Study, job: Job, loaded: Loaded | None = None) -> JobOutcome:
    return execute(study.folder.path, job.id, to_toml(job.scenario), Silence(), loaded or Loaded())


def test_a_job_is_done_once(make_study: Callable[..., Study]) -> None:
    study = make_study({})
    (job,) = study.jobs
    assert _execute(study, job) == JobOutcome(job.id, "done")
    metadata = study.folder.run_path(job.id) / "metadata.json"
    written = metadata.stat().st_mtime_ns
    assert _execute(study, job) == JobOutcome(job.id, "done")
    assert metadata.stat().st_mtime_ns == written
    assert load_scenario(study.folder.run_path(job.id) / "scenario.toml") == job.scenario


def test_a_failure_is_an_outcome(make_study: Callable[..., Study]) -> None:
    study = make_study({"scheme.kind": ["hetlora"]})  # it needs training: no network-only runs
    (job,) = study.jobs
    outcome = _execute(study, job)
    assert (outcome.id, outcome.status) == (job.id, "failed")
    assert "hetlora" in outcome.error
    assert study.folder.metadata(job.id)["status"] == "failed"


def test_a_bug_is_an_outcome(
    make_study: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_study({})
    (job,) = study.jobs

    def broken(_: object) -> None:
        raise ZeroDivisionError("a bug in a plug-in")

    monkeypatch.setattr("netsim.assembly.parts.build_deployment", broken)
    assert _execute(study, job) == JobOutcome(
        job.id, "failed", "ZeroDivisionError: a bug in a plug-in"
    )


def test_what_a_killed_run_left_is_replaced(
    make_study: Callable[..., Study], digests: Digests
) -> None:
    study = make_study({})
    (job,) = study.jobs
    assert _execute(study, job).status == "done"
    path = study.folder.run_path(job.id)
    whole = digests(path)
    metadata = json.loads((path / "metadata.json").read_text())
    (path / "metadata.json").write_text(json.dumps({**metadata, "status": "running"}))
    (path / "uploads" / "part-000007.parquet").write_bytes(b"half a part")
    assert _execute(study, job).status == "done"
    assert digests(path) == whole
    (path / "metadata.json").write_text("{")
    assert _execute(study, job).status == "done"
    assert digests(path) == whole


class Stop(Silence):
    """Interrupts the run after a round, as a worker that is told to end does; remembers the
    rounds.
    """

    def __init__(self, at: int | None) -> None:
        super().__init__()
        self.at, self.rounds = at, list[int]()

    def round_closed(self, progress: Progress) -> None:
        self.rounds.append(progress.round)
        if progress.round == self.at:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("harm", ["none", "all refused", "another scenario"])
def test_an_interrupted_run_goes_on(
    harm: str, make_study: Callable[..., Study], digests: Digests, tmp_path: Path
) -> None:
    study, alone = make_study({}), make_study({}, out="alone")
    (job,) = study.jobs
    assert _execute(alone, job).status == "done"
    with pytest.raises(KeyboardInterrupt):
        execute(study.folder.path, job.id, to_toml(job.scenario), Stop(2), Loaded())
    path = study.folder.run_path(job.id)
    assert study.folder.metadata(job.id)["status"] == "interrupted"
    if harm == "all refused":
        (path / "checkpoint" / "00000002" / "manifest.json").write_text("{}")
    elif harm == "another scenario":
        other = load_scenario(path / "scenario.toml", {"rounds": 9})
        (path / "scenario.toml").write_text(to_toml(other))
    heard = Stop(None)
    outcome = execute(study.folder.path, job.id, to_toml(job.scenario), heard, Loaded())
    assert outcome == JobOutcome(job.id, "done")
    assert heard.rounds == ([3] if harm == "none" else [0, 1, 2, 3])
    assert digests(path) == digests(alone.folder.run_path(job.id))


def test_a_run_that_another_process_works_on_is_left_alone(
    make_study: Callable[..., Study],
) -> None:
    pytest.importorskip("fcntl")
    study = make_study({})
    (job,) = study.jobs
    with study.folder.claim(job.id) as mine:
        assert mine
        assert _execute(study, job) == JobOutcome(job.id, "elsewhere")
        assert not study.folder.run_path(job.id).exists()
    assert _execute(study, job).status == "done"


def test_what_is_kept_between_runs_changes_no_byte(
    make_study: Callable[..., Study], digests: Digests, tmp_path: Path
) -> None:
    learned = {
        "network_only": False,
        "rounds": 1,
        "ues__count": 4,
        "data__samples_per_ue": 20,
        "radio__fading": "round",
    }
    over = {"learning.local_steps": [1, 2], "data.test_samples": [20, 30]}
    kept, fresh = (make_study(over, [3], out=name, **learned) for name in ("kept", "fresh"))
    loaded = Loaded()
    for study, keep in ((kept, loaded), (fresh, None)):
        assert {_execute(study, job, keep).status for job in study.jobs} == {"done"}
    assert digests(tmp_path / "kept" / "runs") == digests(tmp_path / "fresh" / "runs")
    assert any(name.endswith(".safetensors") for name in digests(tmp_path / "kept" / "runs"))
    first = kept.jobs[0].scenario
    model = loaded.foundation("builtin", 2, weights="float32", device="cpu")
    assert loaded.foundation("builtin", 2, weights="float32", device="cpu") is model
    assert loaded.dataset(first) is loaded.dataset(first)
    assert loaded.dataset(first) is not loaded.dataset(first.model_copy(update={"seed": 4}))


def test_no_sweep_folder_is_one_error(tmp_path: Path) -> None:
    outcome = execute(tmp_path, "x", "rounds = 1", Silence(), Loaded())
    assert outcome.status == "failed"
    assert SweepFolder(tmp_path).metadata("x") == {"status": "pending"}

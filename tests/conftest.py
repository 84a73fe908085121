"""Shared fixtures: traces, small network-only scenarios and their runs in memory."""

from __future__ import annotations

import gc
import io
import os
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

sys.path.insert(0, str(Path(__file__).parent))
from forking import ForkServer

from netsim.assembly import Loaded, build_parts, build_simulation
from netsim.cli.main import main
from netsim.learning.data.datasets import load_builtin
from netsim.protocols import Silence
from netsim.results.writer import MemorySink
from netsim.scenario.load import load_scenario, to_toml
from netsim.scenario.model import Scenario
from netsim.sweeps.grid import Job
from netsim.sweeps.job import JobOutcome, StudyListener, execute
from netsim.units import FloatArray

NETWORK: dict[str, Any] = {
    "network_only": True,
    "scheme.kind": "round_robin",  # everybody sends in every round
    "rounds": 4,
    "ues.count": 12,
    "topology.window_km": 8,
    "data.train_samples": 400,
    "data.test_samples": 50,
}


ROOT = Path(__file__).parents[1]

# Where modules are not kept compiled, each of the dozens of processes that tests start compiles
# netsim, a quarter of the time that loading it takes.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_collection() -> None:
    """Libraries and tests make millions of objects that stay; looking through them for garbage
    took a quarter of the time.
    """
    gc.disable()


def pytest_collection_finish() -> None:
    """What is there now is not looked through again, either."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _rows_are_kept() -> Iterator[None]:
    """Rows of the built-in tasks that were made once serve again: making them was a third of the
    time of a small run.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("netsim.assembly.data.load_builtin", lru_cache(maxsize=16)(load_builtin))
        yield


@pytest.fixture(scope="session", autouse=True)
def _disk_is_not_waited_for() -> Iterator[None]:
    """No power fails while tests run; tests/fuzz has a disk that fails."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _runs_leave_little() -> Iterator[None]:
    """What runs leave is looked through seldom: each look also goes through all libraries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("netsim.collecting.RUNS_S", 30.0)
        yield


@pytest.fixture
def memory_below() -> Callable[[float], AbstractContextManager[None]]:
    """A block of code that may add at most so many megabytes to the process, even where it raises.

    ru_maxrss would not do: it never falls, and a child has its parent's from the start.
    """
    return _memory_below


@contextmanager
def _memory_below(megabytes: float) -> Iterator[None]:
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _peak_megabytes()
    try:
        yield
    finally:
        assert _peak_megabytes() - before < megabytes


def _peak_megabytes() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@pytest.fixture
def samples() -> Path:
    """The folder of trace samples that this project made."""
    return ROOT / "traces"


@pytest.fixture
def real() -> Path:
    """The folder of other people's traces; tests that need it are skipped where it is absent."""
    folder = ROOT.parent / "shared" / "data" / "traces"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data/traces, which may not be copied into the project")
    return folder


LEARNING: dict[str, Any] = {
    "rounds": 3,
    "ues.count": 10,
    "data.train_samples": 600,
    "data.test_samples": 80,
    "data.samples_per_ue": 40,
}


@pytest.fixture(scope="session")
def forks() -> Iterator[ForkServer]:
    """Starts netsim in processes of their own that need not load it."""
    server = ForkServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def loaded() -> Loaded:
    """Data and model that tests have in common."""
    return Loaded()


@pytest.fixture
def sweeps_here(monkeypatch: pytest.MonkeyPatch, loaded: Loaded) -> None:
    """Sweeps do their jobs in this process: small runs take less time than a worker to start.

    tests/sweeps have the workers.
    """

    def run_here(
        folder: Path, jobs: Sequence[Job], at_once: int, listener: StudyListener
    ) -> Iterator[JobOutcome]:
        for job in jobs:
            yield execute(folder, job.id, to_toml(job.scenario), Silence(), loaded)

    monkeypatch.setattr("netsim.sweeps.study.run_local", run_here)


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small learning run of the quickstart through the command line; what it printed is beside
    it.
    """
    folder = tmp_path_factory.mktemp("runs")
    overrides = [word for key, value in LEARNING.items() for word in ("--set", f"{key}={value}")]
    printed = _command_line(folder, "run", *overrides, "--out", "a")
    (folder / "printed.txt").write_text(printed, encoding="utf-8")
    return folder / "a"


@pytest.fixture(scope="session")
def command_line() -> Callable[..., str]:
    """`netsim WORDS` in a folder; what it printed. In this process: another takes seconds to start."""
    return _command_line


def _command_line(folder: Path, *words: str | Path) -> str:
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        patch.chdir(folder)
        patch.setattr("sys.argv", ["netsim", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == 0
    printed.seek(0)
    return printed.read()


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """`pip install -e FOLDER` of a package of one module, without pip: its entry points count."""

    def make(folder: Path) -> None:
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        info = folder / f"{project['name']}-{project['version']}.dist-info"
        info.mkdir()
        facts = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        (info / "METADATA").write_text(facts, encoding="utf-8")
        lines = []
        for group, entries in project["entry-points"].items():
            lines += [f"[{group}]", *(f"{name} = {place}" for name, place in entries.items())]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        monkeypatch.syspath_prepend(folder)

    return make


@pytest.fixture
def network_scenario() -> Callable[..., Scenario]:
    """Make a small network-only quickstart with overrides."""
    return _network_scenario


@pytest.fixture(scope="session")
def make_network() -> Callable[..., Scenario]:
    """`network_scenario` for fixtures that live longer than a test."""
    return _network_scenario


def _network_scenario(overrides: Mapping[str, Any] | None = None) -> Scenario:
    return load_scenario("quickstart", {**NETWORK, **(overrides or {})})


@pytest.fixture
def simulate(network_scenario: Callable[..., Scenario]) -> Callable[..., MemorySink]:
    """Run a small network-only quickstart with overrides; its tables stay in memory."""

    def make(overrides: Mapping[str, Any] | None = None, tie_seed: int | None = None) -> MemorySink:
        sink = MemorySink()
        parts = build_parts(network_scenario(overrides), Silence())
        build_simulation(parts, sink, Silence(), tie_seed=tie_seed).run(parts.scheme)
        return sink

    return make


@pytest.fixture(scope="session")
def shortfall_bound() -> Callable[..., FloatArray]:
    """Most by which (11) can miss a participation rate."""
    return _shortfall_bound


def _shortfall_bound(
    spread: ArrayLike,
    step: ArrayLike,
    rounds: ArrayLike,
    module_count: int,
    *,
    growth: ArrayLike = 1.0,
) -> FloatArray:
    """Most by which a participation rate can be missed after T rounds. Arguments broadcast.

        (M / varsigma + H) (1 + log growth) / T,   H = 1 + (1 + 1/2 + ... + 1/(N - 1))

    The shortfall is at most nu_T / (varsigma T). Serving the largest debt first is the cup game, in
    which the fullest of N cups never holds more than H; the costs add M. (An
    earlier bound, (M + varsigma) / (varsigma T), is exceeded where sum v_n is near s.) Where the
    step grew along with M from varsigma_1 to varsigma_T, growth is their ratio. spread: M of
    `cost_range`. rounds: those that count.
    """
    height = 1.0 + sum(1.0 / n for n in range(1, module_count))
    spread = np.asarray(spread, dtype=np.float64)
    step = np.asarray(step, dtype=np.float64)
    late = 1.0 + np.log(np.asarray(growth, dtype=np.float64))
    most_debt = (spread / step + height) * late
    return np.asarray(most_debt / np.asarray(rounds))

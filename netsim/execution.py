"""A run from start to end: its folder, its status, its adapters, whatever happens on the way."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from netsim import __version__
from netsim.build import Loaded, Parts, build_parts, build_simulation
from netsim.errors import NetsimError
from netsim.protocols import Listener, Silence
from netsim.results.reader import Run, open_run
from netsim.results.run_folder import ADAPTERS, RunFolder, free_folder, package_versions
from netsim.results.writer import MemorySink, ParquetSink, rounds_per_part
from netsim.scenario.load import load_scenario, to_toml
from netsim.scenario.model import Scenario
from netsim.simulation.simulation import RunEnd

RUNS = Path("runs")


def run(
    scenario: Scenario | str | Path,
    out: str | Path | None = None,
    seed: int | None = None,
    listener: Listener | None = None,
    loaded: Loaded | None = None,
) -> Run:
    """Run a scenario (or the file or bundled name of one) and return the run.

    `out` must be new or empty; by default a free folder under runs/. `seed` replaces the scenario's.
    Raises InputError for bad input, RunError if the run fails; the folder then says `failed`, and
    `interrupted` after KeyboardInterrupt. Rounds closed before that stay readable.
    `loaded` keeps data and model for the next run of this process.
    """
    listener = listener or Silence()
    if not isinstance(scenario, Scenario):
        scenario = load_scenario(scenario)
    if seed is not None:
        scenario = Scenario.model_validate({**scenario.model_dump(), "seed": seed})
    path = Path(out) if out is not None else free_folder(RUNS / f"{scenario.name}-seed{scenario.seed}")
    folder = RunFolder.create(path, to_toml(scenario))
    record = _Record(folder, scenario)
    record.write("running")
    parts: Parts | None = None
    sink: ParquetSink | None = None
    try:
        parts = build_parts(scenario, listener, loaded)
        sink = ParquetSink(path, rounds_per_part(6 * scenario.ues.count))
        listener.status("simulating")
        end = build_simulation(parts, sink, listener).run()
        sink.close()
        if parts.learner is not None:
            parts.learner.save(path / ADAPTERS)
        record.write("done", sink, end)
    except KeyboardInterrupt:
        _salvage(record, "interrupted", sink)
        raise
    except BaseException as error:
        _salvage(record, "failed", sink, f"{type(error).__name__}: {error}")
        raise
    finally:
        if parts is not None and parts.learner is not None:
            parts.learner.close()
    return open_run(path)


@dataclass(frozen=True)
class Forecast:
    """What to expect of a scenario's rounds, from a trial of its network without learning."""

    rounds: int
    uploads: pl.DataFrame
    per_round: pl.DataFrame


def forecast(parts: Parts, rounds: int = 20) -> Forecast:
    """Simulate some rounds of `parts` (made network-only) in memory."""
    sink = MemorySink()
    build_simulation(parts, sink, Silence(), rounds=rounds).run()
    return Forecast(rounds, sink.frame("uploads"), sink.frame("rounds"))


@dataclass
class _Record:
    """metadata.json as it grows."""

    folder: RunFolder
    scenario: Scenario

    def __post_init__(self) -> None:
        self._begun = time.time()

    def write(
        self,
        status: str,
        sink: ParquetSink | None = None,
        end: RunEnd | None = None,
        error: str | None = None,
    ) -> None:
        metadata: dict[str, Any] = {
            "status": status,
            "name": self.scenario.name,
            "seed": self.scenario.seed,
            "scheme": self.scenario.scheme.kind,
            "network_only": self.scenario.network_only,
            "netsim": __version__,
            "versions": package_versions(),
            "started_unix_s": round(self._begun, 3),
            "wall_time_s": round(time.time() - self._begun, 3),
            "records": dict(sink.counts) if sink is not None else {},
        }
        if end is not None:
            metadata |= {
                "stop_reason": end.reason,
                "rounds": end.rounds,
                "simulated_s": end.time_s,
                "energy_j": end.energy_j,
            }
        if error is not None:
            metadata["error"] = error
        self.folder.write_metadata(metadata)


def _salvage(record: _Record, status: str, sink: ParquetSink | None, error: str | None = None) -> None:
    """Keep what closed rounds wrote; the error that led here matters more than one met on the way."""
    try:
        if sink is not None:
            sink.close()
        record.write(status, sink, error=error)
    except NetsimError:
        return

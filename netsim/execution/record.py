"""metadata.json of a run as it grows."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netsim.records import SCHEMA
from netsim.results.run_folder import METADATA, SCENARIO, RunFolder, free_folder, package_versions
from netsim.results.writer import ParquetSink
from netsim.scenario.choices import check_choices, check_paths
from netsim.scenario.load import load_scenario, to_toml
from netsim.scenario.model import Scenario
from netsim.simulation.stopping import RunEnd
from netsim.traces.seeds import SEEDS, Seeds
from netsim.version import __version__

RUNS = Path("runs")


@dataclass
class RunRecord:
    """What is written about a run beside its tables."""

    folder: RunFolder
    scenario: Scenario
    new: bool = False  # begun now, not gone on with
    earlier_s: float = 0.0  # wall time of earlier sessions, up to the checkpoint
    world: Seeds | None = None  # of what is replayed, once it is known
    before: dict[str, Any] | None = None  # metadata of a run that is gone on with
    warnings: list[str] = field(default_factory=list)
    _begun_s: float = field(default_factory=time.time, init=False)

    def made_by(self) -> dict[str, str]:
        """What a checkpoint must have in common with the run that goes on from it."""
        scenario = hashlib.sha256(to_toml(self.scenario).encode()).hexdigest()
        return {"netsim": __version__, "scenario": scenario}

    def difference_from(self, made_by: dict[str, str]) -> str:
        """Why a checkpoint made by another program or scenario is refused; nothing if it is not."""
        mine = self.made_by()
        if made_by["netsim"] != mine["netsim"]:
            versions = f"netsim {made_by['netsim']}, this is {mine['netsim']}"
            return f"must be made by this netsim: it was made by {versions}"
        if made_by["scenario"] != mine["scenario"]:
            return "must be made from this scenario.toml, which has changed since"
        return ""

    def wall_time_s(self) -> float:
        """Wall time spent on the rounds so far."""
        return self.earlier_s + time.time() - self._begun_s

    def write(
        self,
        status: str,
        sink: ParquetSink | None = None,
        end: RunEnd | None = None,
        error: str | None = None,
    ) -> None:
        """Replace metadata.json. Raises RunError."""
        metadata: dict[str, Any] = {
            "status": status,
            "name": self.scenario.name,
            "seed": self.scenario.seed,
            "scheme": self.scenario.scheme.kind,
            "network_only": self.scenario.network_only,
            "netsim": __version__,
            "schema": SCHEMA,
            "versions": package_versions(),
            "started_unix_s": round(self._begun_s, 3),
            "wall_time_s": round(self.wall_time_s(), 3),
            "records": dict(sink.counts) if sink is not None else {},
        }
        if self.world is not None:
            metadata["world"] = dict(zip(SEEDS, self.world, strict=True))
        if end is not None:
            metadata["stop_reason"] = end.reason
            metadata["rounds"] = end.rounds
            metadata["simulated_s"] = end.time_s
            metadata["energy_j"] = end.energy_j
        if self.warnings:
            metadata["warnings"] = list(self.warnings)
        if error is not None:
            metadata["error"] = error
        self.folder.write_metadata(metadata)


def new_record(
    scenario: Scenario | str | Path, out: str | Path | None, seed: int | None
) -> RunRecord:
    """Of a new run, in the folder `out` or a free one under runs/. Raises InputError."""
    if not isinstance(scenario, Scenario):
        scenario = load_scenario(scenario)
    if seed is not None:
        scenario = Scenario.model_validate({**scenario.model_dump(), "seed": seed})
    check_choices(scenario)
    check_paths(scenario)
    path = free_folder(RUNS / f"{scenario.name}-seed{scenario.seed}") if out is None else Path(out)
    return RunRecord(RunFolder.create(path, to_toml(scenario)), scenario, new=True)


def known_record(path: str | Path) -> RunRecord:
    """Of a run that was begun. Raises DataError if `path` is no run folder."""
    folder = RunFolder.open(Path(path))
    before = folder.metadata() if (folder.path / METADATA).exists() else None
    warnings = list(before.get("warnings", [])) if before is not None else []
    return RunRecord(
        folder,
        load_scenario(folder.path / SCENARIO),
        before=before,
        warnings=warnings,
    )

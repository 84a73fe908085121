"""metadata.json of a run as it grows."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netsim.errors import InputError, NetsimError, ScenarioError
from netsim.plugins import plugin_names
from netsim.protocols import Scheme
from netsim.records import SCHEMA
from netsim.results.run_folder import METADATA, SCENARIO, RunFolder, free_folder, package_versions
from netsim.results.writer import ParquetSink
from netsim.scenario.choices import SCHEMES, check_choices, check_paths, with_scheme
from netsim.scenario.load import (
    check,
    load_scenario,
    overridden_keys,
    stored_scenario,
    to_toml,
)
from netsim.scenario.model import Scenario
from netsim.stopping import RunEnd
from netsim.traces.seeds import SEEDS, Seeds
from netsim.version import __version__

RUNS = Path("runs")


@dataclass
class RunRecord:
    """What is written about a run beside its tables."""

    folder: RunFolder
    scenario: Scenario
    new: bool = False  # begun now, not gone on with
    scheme: Scheme | None = None  # given as an object; None: the one that the scenario names
    earlier_s: float = 0.0  # wall time of earlier sessions, up to the checkpoint
    overridden: list[str] | None = None  # dotted keys of a file or a bundled name; None: unknown
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
            "scheme": "flower" if self.scenario.flower else self.scenario.scheme.kind,
            "network_only": self.scenario.network_only,
            "netsim": __version__,
            "schema": SCHEMA,
            "versions": package_versions(),
            "started_unix_s": round(self._begun_s, 3),
            "wall_time_s": round(self.wall_time_s(), 3),
            "records": dict(sink.counts) if sink is not None else {},
        }
        if self.overridden is not None:
            metadata["overridden"] = self.overridden
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

    def end_by(
        self,
        error: BaseException,
        sink: ParquetSink | None,
        *,
        begun: bool,
    ) -> None:
        """Keep what closed rounds wrote, and say how the run ended. Raises nothing.

        Bad input that shows before a run has `begun` leaves it as it was, or no folder.
        """
        is_input = isinstance(error, InputError)
        if isinstance(error, KeyboardInterrupt):
            self.salvage("interrupted", sink)
        elif is_input and not begun and self.before is not None:
            with suppress(NetsimError):
                self.folder.write_metadata(self.before)
        else:
            self.salvage("failed", sink, f"{type(error).__name__}: {error}")
        if is_input and self.new:
            self.folder.discard()

    def salvage(
        self,
        status: str,
        sink: ParquetSink | None,
        error: str | None = None,
    ) -> None:
        """Close the tables, if there are any, and write the metadata, as far as that can be."""
        if sink is not None:
            with suppress(NetsimError):
                sink.close()
        with suppress(NetsimError):
            self.write(status, sink, error=error)


def new_record(
    scenario: Scenario | str | Path,
    out: str | Path | None,
    seed: int | None = None,
    scheme: Scheme | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> RunRecord:
    """Of a new run, in the folder `out` or a free one under runs/. Raises InputError.

    Of a scenario that is given as a file or by name the metadata keep which keys `overrides` has.
    """
    overridden = None if isinstance(scenario, Scenario) else overridden_keys(overrides)
    if overrides or not isinstance(scenario, Scenario):
        scenario = load_scenario(scenario, overrides)
    if seed is not None:
        scenario = check({**scenario.model_dump(), "seed": seed})
    if scheme is not None:
        scenario = with_scheme(scenario, scheme)
    check_choices(scenario, scheme=scheme)
    check_paths(scenario)
    path = free_folder(RUNS / f"{scenario.name}-seed{scenario.seed}") if out is None else Path(out)
    folder = RunFolder.create(path, to_toml(scenario))
    return RunRecord(
        folder,
        scenario,
        new=True,
        scheme=deepcopy(scheme),
        overridden=overridden,
    )


def known_record(path: str | Path, scheme: Scheme | None = None) -> RunRecord:
    """Of a run that was begun. Raises DataError if `path` is no run folder, ScenarioError if it was
    begun with another scheme than is given.
    """
    folder = RunFolder.open(Path(path))
    before = folder.metadata() if (folder.path / METADATA).exists() else None
    told = before or {}
    return RunRecord(
        folder,
        _stored(folder.path / SCENARIO, scheme),
        scheme=deepcopy(scheme),
        overridden=told.get("overridden"),
        before=before,
        warnings=list(told.get("warnings", [])),
    )


def _stored(path: Path, scheme: Scheme | None) -> Scenario:
    """The scenario of a run, whose scheme may be one that was given as an object."""
    scenario = stored_scenario(path)
    kind = scenario.scheme.kind
    if scheme is not None:
        if with_scheme(scenario, scheme) != scenario:
            rule = f"must be that of the run, {kind}, with the same parameters"
            raise ScenarioError(rule, where="scheme", value=scheme.name)
    elif kind not in plugin_names(SCHEMES):
        rule = "is not registered; go on from Python: netsim.resume(path, scheme=...)"
        raise ScenarioError(rule, where=f"{path}: scheme.kind", value=kind)
    check_choices(scenario, str(path), scheme=scheme)
    return scenario

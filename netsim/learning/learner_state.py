"""What a learner remembers between rounds, in safetensors and JSON.

It is enough to go on to the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from netsim.errors import InputError
from netsim.learning.adapters import Vector
from netsim.learning.aggregation.rule import Upload
from netsim.learning.base_delta import BaseDelta
from netsim.units import IntArray

TENSORS, FIGURES = "learner.safetensors", "learner.json"
RISK = "risk."  # before the names of the risk meter's arrays
EXTRA = "extra."  # before the names of what an upload brings besides
BASE = "base."  # before the paths of layers whose frozen weights have changed

Version = tuple[int, int]  # (module, round that made it)
UploadKey = tuple[int, int, int]  # (round, UE, module)
Held = dict[UploadKey, tuple[Upload, float, float, float]]  # -> upload, loss, its rms, norm
Memory = tuple[dict[str, NDArray[Any]], Any]  # named arrays, and a JSON value
RuleMemories = dict[tuple[str, int], dict[str, NDArray[Any]]]  # (rule, module) -> named arrays


@dataclass(frozen=True)
class LearnerState:
    """Everything that later rounds depend on."""

    vectors: list[Vector]  # [N]
    versions: IntArray  # [N]
    old: dict[Version, Vector]
    held: Held
    risk: Memory
    memories: RuleMemories = field(default_factory=dict)
    base: BaseDelta = field(default_factory=BaseDelta)


def save_learner_state(state: LearnerState, folder: Path) -> None:
    """Write two files to `folder`."""
    risk_arrays, risk_known = state.risk
    tensors: dict[str, NDArray[Any]] = {}
    for n, vector in enumerate(state.vectors):
        tensors[f"module.{n}"] = vector
    for (module, version), vector in state.old.items():
        tensors[f"old.{module}.{version}"] = vector
    for name, array in risk_arrays.items():
        tensors[RISK + name] = array
    for path, delta in state.base.deltas.items():
        tensors[BASE + path] = delta
    figures = {
        "versions": state.versions.tolist(),
        "old": sorted(map(list, state.old)),
        "held": _add_held(tensors, state.held),
        "risk": risk_known,
        "rules": _add_memories(tensors, state.memories),
        "base": state.base.version,
    }
    contiguous = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    save_file(contiguous, folder / TENSORS)
    text = json.dumps(figures, indent=1)
    (folder / FIGURES).write_text(text + "\n", encoding="utf-8")


def _add_held(tensors: dict[str, NDArray[Any]], held: Held) -> list[Any]:
    """Figures of uploads that were computed before their uplinks; their arrays go to `tensors`."""
    rows = []
    for key, (upload, *figures) in held.items():
        name = _held_name(*key)
        tensors[f"{name}.start"] = upload.start
        tensors[f"{name}.update"] = upload.update
        for more, array in upload.extra.items():
            tensors[f"{name}.{EXTRA}{more}"] = array
        of_upload = [upload.rank, upload.samples, upload.staleness, upload.rate, upload.parts]
        rows.append([*key, *of_upload, *figures])
    return rows


def _add_memories(tensors: dict[str, NDArray[Any]], memories: RuleMemories) -> list[Any]:
    """Names of what rules remember; the arrays go to `tensors`."""
    rows = []
    for (rule, module), memory in memories.items():
        rows.append([rule, module, sorted(memory)])
        for name, array in memory.items():
            tensors[f"rule.{rule}.{module}.{name}"] = array
    return rows


def load_learner_state(folder: Path, sizes: Sequence[int]) -> LearnerState:
    """Read them back; `sizes` [N] are the modules' lengths. Raises InputError."""
    try:
        tensors = load_file(folder / TENSORS)
        figures = json.loads((folder / FIGURES).read_text(encoding="utf-8"))
        state = _state(tensors, figures, len(sizes))
    except (OSError, ValueError, KeyError, TypeError, IndexError, SafetensorError) as error:
        reason = type(error).__name__
        rule = f"the learner's saved state cannot be read ({reason})"
        raise InputError(rule, where=folder) from error
    found = [len(vector) for vector in state.vectors]
    if found != list(sizes):
        rule = f"the saved modules must have the sizes of the scenario's, {list(sizes)}"
        raise InputError(rule, where=folder / TENSORS, value=found)
    return state


def _state(
    tensors: Mapping[str, NDArray[Any]],
    figures: Any,
    modules: int,
) -> LearnerState:
    old = {}
    for module, version in figures["old"]:
        old[module, version] = tensors[f"old.{module}.{version}"]
    return LearnerState(
        vectors=[tensors[f"module.{n}"] for n in range(modules)],
        versions=np.array(figures["versions"], dtype=np.int64),
        old=old,
        held=_held(tensors, figures["held"]),
        risk=(_named(tensors, RISK), figures["risk"]),
        memories=_memories(tensors, figures.get("rules", [])),
        base=BaseDelta(_named(tensors, BASE), figures.get("base", 0)),
    )


def _named(tensors: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    """Arrays whose names begin with `prefix`, without it."""
    found = {name: array for name, array in tensors.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): array for name, array in found.items()}


def _memories(
    tensors: Mapping[str, NDArray[Any]],
    rows: Any,
) -> RuleMemories:
    """What rules remember of modules."""
    found = {}
    for rule, module, names in rows:
        of_rule = {name: tensors[f"rule.{rule}.{module}.{name}"] for name in names}
        found[rule, module] = of_rule
    return found


def _held(tensors: Mapping[str, NDArray[Any]], rows: Any) -> Held:
    """The uploads that were computed before their uplinks."""
    held: Held = {}
    for round, ue, module, rank, samples, staleness, rate, parts, loss, rms, norm in rows:
        name = _held_name(round, ue, module)
        upload = Upload(
            module=module,
            rank=rank,
            samples=samples,
            staleness=staleness,
            start=tensors[f"{name}.start"],
            update=tensors[f"{name}.update"],
            rate=rate,
            ue=ue,
            parts=parts,
            extra=_named(tensors, f"{name}.{EXTRA}"),
        )
        held[round, ue, module] = (upload, loss, rms, norm)
    return held


def _held_name(
    round: int,
    ue: int,
    module: int,
) -> str:
    """Start of the names of an upload's tensors."""
    return f"held.{round}.{ue}.{module}"

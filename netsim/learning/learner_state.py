"""What a learner remembers between rounds, in safetensors and JSON: enough to go on to the same
bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from netsim.errors import InputError
from netsim.learning.adapters import Vector
from netsim.learning.aggregation.rule import Upload
from netsim.units import IntArray

TENSORS, FIGURES = "learner.safetensors", "learner.json"
Version = tuple[int, int]  # (module, round that made it)
Held = dict[
    tuple[int, int, int], tuple[Upload, float, float]
]  # (round, UE, module) -> upload, loss, norm
Memory = tuple[dict[str, NDArray[Any]], Any]  # named arrays, and a JSON value


@dataclass(frozen=True)
class State:
    """Everything that later rounds depend on."""

    vectors: list[Vector]  # [N]
    versions: IntArray  # [N]
    old: dict[Version, Vector]
    held: Held
    risk: Memory


def save(state: State, folder: Path) -> None:
    """Write two files to `folder`."""
    arrays, known = state.risk
    tensors: dict[str, NDArray[Any]] = {
        f"module.{n}": vector for n, vector in enumerate(state.vectors)
    }
    tensors |= {
        f"old.{module}.{version}": vector for (module, version), vector in state.old.items()
    }
    tensors |= {f"risk.{name}": array for name, array in arrays.items()}
    held = []
    for key, (upload, loss, norm) in state.held.items():
        name = ".".join(map(str, key))
        tensors |= {f"held.{name}.start": upload.start, f"held.{name}.update": upload.update}
        held.append([*key, upload.rank, upload.samples, upload.staleness, upload.rate, loss, norm])
    save_file(
        {name: np.ascontiguousarray(array) for name, array in tensors.items()}, folder / TENSORS
    )
    figures = {
        "versions": state.versions.tolist(),
        "old": sorted(map(list, state.old)),
        "held": held,
        "risk": known,
    }
    (folder / FIGURES).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def load(folder: Path, sizes: Sequence[int]) -> State:
    """Read them back; `sizes` [N] are the modules' lengths. Raises InputError."""
    try:
        tensors = load_file(folder / TENSORS)
        figures = json.loads((folder / FIGURES).read_text(encoding="utf-8"))
        state = _state(tensors, figures, len(sizes))
    except (OSError, ValueError, KeyError, TypeError, IndexError, SafetensorError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise InputError(
            f"the learner's saved state cannot be read ({reason})", where=folder
        ) from error
    found = [len(vector) for vector in state.vectors]
    if found != list(sizes):
        rule = f"the saved modules must have the sizes of the scenario's, {list(sizes)}"
        raise InputError(rule, where=folder / TENSORS, value=found)
    return state


def _state(tensors: Mapping[str, NDArray[Any]], figures: Any, modules: int) -> State:
    held: Held = {}
    for round, ue, module, rank, samples, staleness, rate, loss, norm in figures["held"]:
        name = f"held.{round}.{ue}.{module}"
        upload = Upload(
            module,
            rank,
            samples,
            staleness,
            tensors[f"{name}.start"],
            tensors[f"{name}.update"],
            rate,
        )
        held[round, ue, module] = upload, loss, norm
    return State(
        vectors=[tensors[f"module.{n}"] for n in range(modules)],
        versions=np.array(figures["versions"], dtype=np.int64),
        old={
            (module, version): tensors[f"old.{module}.{version}"]
            for module, version in figures["old"]
        },
        held=held,
        risk=(
            {
                name.removeprefix("risk."): t
                for name, t in tensors.items()
                if name.startswith("risk.")
            },
            figures["risk"],
        ),
    )

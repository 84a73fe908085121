"""What UEs remember, in files of a checkpoint: as many memories in each as fit into its bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from netsim.errors import InputError
from netsim.learning.aggregation.memories import HELD_BYTES, Key, UeMemories
from netsim.learning.aggregation.rule import Memory

INDEX = "ues.json"


def save_ue_memories(memories: UeMemories, folder: Path) -> None:
    """Write all of them to `folder`; nothing where there are none."""
    index = []
    for number, part in enumerate(_parts(memories)):
        tensors: dict[str, NDArray[Any]] = {}
        rows = []
        for place, (key, memory) in enumerate(part):
            rows.append([*key, sorted(memory)])
            for name, array in memory.items():
                tensors[f"{place}.{name}"] = np.ascontiguousarray(array)
        save_file(tensors, _file(folder, number))
        index.append(rows)
    if index:
        (folder / INDEX).write_text(json.dumps(index) + "\n", encoding="utf-8")


def _parts(memories: UeMemories) -> Iterator[list[tuple[Key, Memory]]]:
    """Memories that share a file."""
    part: list[tuple[Key, Memory]] = []
    size = 0
    for key, memory in memories.items():
        part.append((key, memory))
        size += sum(array.nbytes for array in memory.values())
        if size >= HELD_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def load_ue_memories(memories: UeMemories, folder: Path) -> None:
    """Put back what `save_ue_memories` wrote, in place of what is there. Raises InputError."""
    memories.close()
    path = folder / INDEX
    if not path.exists():
        return
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        for number, rows in enumerate(index):
            tensors = load_file(_file(folder, number))
            for place, (rule, ue, module, names) in enumerate(rows):
                memory = {name: tensors[f"{place}.{name}"] for name in names}
                memories.put((rule, ue, module), memory)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        reason = type(error).__name__
        rule = f"what UEs remember cannot be read ({reason})"
        raise InputError(rule, where=folder) from error


def _file(folder: Path, number: int) -> Path:
    return folder / f"ues.{number:04d}.safetensors"

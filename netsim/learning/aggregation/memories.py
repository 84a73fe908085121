"""What aggregation rules remember: of each module at the server, and at each UE.

The memories of UEs may be many. Those used last stay in this process, up to a number of bytes; the
others wait in files of a temporary folder.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from netsim.learning.aggregation.rule import Memory, Moment, UeMoment

HELD_BYTES = 1 << 28  # of UEs' memories in this process
Key = tuple[str, int, int]
"""(rule, UE, module)."""


class UeMemories:
    """Memories by rule, UE and module. What is empty takes no place."""

    def __init__(self, most_bytes: int = HELD_BYTES) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._held: OrderedDict[Key, Memory] = OrderedDict()
        self._filed: dict[Key, Path] = {}
        self._folder: TemporaryDirectory[str] | None = None

    def get(self, key: Key) -> Memory:
        """One memory, not to be changed."""
        if key in self._filed:
            return dict(load_file(self._filed[key]))
        return self._held.get(key, {})

    def take(self, key: Key) -> Memory:
        """One memory, to be changed and put back."""
        memory = self.get(key)
        self._forget(key)
        return memory

    def put(self, key: Key, memory: Memory) -> None:
        """In the place of what was there.

        It is the last used now; the least recently used go to files where there are too many.
        """
        self._forget(key)
        if not memory:
            return
        self._held[key] = memory
        self._bytes += _bytes(memory)
        while self._bytes > self._most and len(self._held) > 1:
            self._file()

    def _forget(self, key: Key) -> None:
        self._bytes -= _bytes(self._held.pop(key, {}))
        if key in self._filed:
            self._filed.pop(key).unlink()

    def _file(self) -> None:
        key, memory = self._held.popitem(last=False)
        self._bytes -= _bytes(memory)
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="netsim-")
        rule, ue, module = key
        path = Path(self._folder.name) / f"{rule}.{ue}.{module}.safetensors"
        save_file(_contiguous(memory), path)
        self._filed[key] = path

    def __iter__(self) -> Iterator[Key]:
        """Keys of all of them, as they come."""
        yield from self._held
        yield from self._filed

    def items(self) -> Iterator[tuple[Key, Memory]]:
        """All of them, by key; those in files are read one at a time."""
        for key in sorted(self):
            yield key, self.get(key)

    def close(self) -> None:
        """Forget everything, files too."""
        self._held.clear()
        self._filed.clear()
        self._bytes = 0
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


class Memories:
    """Of all rules of a run, under its seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.of_module: dict[tuple[str, int], Memory] = {}
        self.of_ue = UeMemories()

    def moment(
        self,
        rule: str,
        round: int,
        module: int,
    ) -> Moment:
        """What a rule is told at the server; what it changes of its memory is kept."""
        memory = self.of_module.setdefault((rule, module), {})
        return Moment(round, module, self.seed, memory)

    def ue_moment(
        self,
        rule: str,
        round: int,
        ue: int,
        module: int,
    ) -> UeMoment:
        """What a rule is told at a UE; its memory is to be put back by `keep`."""
        return UeMoment(
            round=round,
            module=module,
            seed=self.seed,
            memory=self.of_ue.take((rule, ue, module)),
            ue=ue,
            server=self.of_module.get((rule, module), {}),
        )

    def keep(self, rule: str, moment: UeMoment) -> None:
        """Put a UE's memory back."""
        self.of_ue.put((rule, moment.ue, moment.module), moment.memory)


def _bytes(memory: Memory) -> int:
    return sum(array.nbytes for array in memory.values())


def _contiguous(memory: Memory) -> dict[str, NDArray[Any]]:
    return {name: np.ascontiguousarray(array) for name, array in memory.items()}

"""Parts of modules that stay at a UE: it trains them, and goes on from its own the next time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from netsim.learning.adapter_files import UES, save_module
from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.memories import UeMemories
from netsim.learning.aggregation.rule import Upload
from netsim.learning.foundation import Foundation

OWN = "own parts"  # in the place of a rule's name


@dataclass(frozen=True)
class OwnPart:
    """What one UE has of one module."""

    parts: int
    numbers: Vector  # [layout.numbers_of(parts)] at the module's own rank

    def put_into(
        self,
        vector: Vector,
        layout: AdapterLayout,
        sent: int = 0,
    ) -> Vector:
        """The module [layout.size] with the UE's own numbers, but for parts that it sends."""
        new = vector.copy()
        new[layout.numbers_of(self.parts)] = self.numbers
        shared = layout.numbers_of(self.parts & sent)
        new[shared] = vector[shared]
        return new


@dataclass(frozen=True)
class OwnParts:
    """Those of all UEs, among what is remembered of UEs."""

    memories: UeMemories

    def of(self, ue: int, module: int) -> OwnPart | None:
        """What a UE has of a module; None: nothing of its own yet."""
        memory = self.memories.get((OWN, ue, module))
        if not memory:
            return None
        return OwnPart(int(memory["parts"][0]), memory["numbers"])

    def keep(self, ue: int, module: int, own: OwnPart) -> None:
        """What the UE goes on from."""
        self.memories.put(
            (OWN, ue, module), {"parts": np.array([own.parts]), "numbers": own.numbers}
        )

    def __bool__(self) -> bool:
        return any(rule == OWN for rule, *_ in self.memories)

    def by_ue(self, ues: int, modules: int) -> list[tuple[OwnPart | None, ...]]:
        """What the first UEs have of each module. [ues][modules]."""
        return [tuple(self.of(ue, module) for module in range(modules)) for ue in range(ues)]

    def holders(self) -> Iterator[tuple[int, int]]:
        """(UE, module) of all that there are, ascending."""
        for rule, ue, module in sorted(self.memories):
            if rule == OWN:
                yield ue, module


def apart(
    upload: Upload,
    kept: int,
    layout: AdapterLayout,
    *,
    whole: Vector,
    server: Vector,
) -> tuple[Upload, OwnPart]:
    """An upload without the parts that stay at the UE, and these.

    `whole` is the module that the UE trained, with its own parts, and `server` the server's, both
    at the module's own rank [layout.size]. In the upload the parts that stay are the server's,
    unmoved.
    """
    trained = layout.put(whole, upload.end, upload.rank)
    own = OwnPart(kept, trained[layout.numbers_of(kept)])
    small = layout.at_rank(upload.rank)
    inside = small.numbers_of(kept)
    inside = inside[inside < len(upload.update)]
    start = upload.start.copy()
    update = upload.update.copy()
    start[inside] = layout.truncate(server, upload.rank)[inside]
    update[inside] = 0.0
    return replace(upload, start=start, update=update), own


def save_modules(
    layouts: Sequence[AdapterLayout],
    states: Sequence[Vector],
    own: OwnParts,
    foundation: Foundation,
    folder: Path,
) -> None:
    """Write the server's modules to folder/<module>/, and UEs' to folder/ues/<ue>/<module>/."""
    for module, (layout, state) in enumerate(zip(layouts, states, strict=True)):
        save_module(layout, state, foundation, folder / str(module))
    for ue, module in own.holders():
        mine = own.of(ue, module)
        assert mine is not None
        layout = layouts[module]
        vector = mine.put_into(states[module], layout)
        save_module(layout, vector, foundation, folder / UES / str(ue) / str(module))

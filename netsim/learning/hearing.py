"""What UEs hear of modules where downloads are encoded."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.codecs.carrying import carried
from netsim.learning.transfer import Transfer, parts_apart
from netsim.protocols import Codec
from netsim.rng import stream


@dataclass(frozen=True)
class Hearing:
    """What UEs hear of modules: the start, and what arrives of the change since then.

    Parts are encoded apart, since a UE hears only those that it lacks. The draws follow from what
    is encoded, so that a part that has not changed is heard as it was before.
    """

    codec: Codec
    layouts: Sequence[AdapterLayout]
    starts: Sequence[Vector]  # [N] before the first round
    seed: int
    _known: dict[tuple[int, int, int], Vector] = field(default_factory=dict, init=False)

    @classmethod
    def by(
        cls,
        transfer: Transfer,
        layouts: Sequence[AdapterLayout],
        starts: Sequence[Vector],
        seed: int,
    ) -> Self | None:
        """As `transfer` says; None: modules are heard as they are."""
        if transfer.down is None:
            return None
        return cls(transfer.down, layouts, starts, seed)

    def heard(self, module: int, version: int, vector: Vector, rank: int) -> Vector:
        """Version `version` of a module, its first `rank` ranks as they are heard. [size]."""
        key = module, version, rank
        if key not in self._known:
            self._known[key] = self.decoded(module, vector, rank)
        return self._known[key]

    def forget(self, versions: set[tuple[int, int]]) -> None:
        """Keep what was heard of these (module, version) alone."""
        for key in [key for key in self._known if key[:2] not in versions]:
            del self._known[key]

    def decoded(self, module: int, vector: Vector, rank: int) -> Vector:
        """The first `rank` ranks of a module as they are heard. [size]."""
        layout = self.layouts[module]
        small = layout.at_rank(rank)
        start = layout.truncate(self.starts[module], rank)
        change = layout.truncate(vector, rank) - start
        for parts in parts_apart(layout.spec.full):
            places = small.numbers_of(parts)
            change[places] = self._carried(change[places], module, parts)
        return layout.put(vector, start + change, rank)

    def _carried(self, change: Vector, module: int, parts: int) -> Vector:
        """What arrives of the change of some parts; what has not changed is known."""
        if not change.any():
            return change
        key = zlib.crc32(change.tobytes())
        return carried(self.codec, change, stream(self.seed, "downlink.codec", module, parts, key))

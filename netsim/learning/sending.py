"""What UEs do to uploads before they send them, and what they remember of what has not arrived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.memories import UeMemories
from netsim.learning.aggregation.rule import Upload
from netsim.learning.codecs.carrying import carried
from netsim.learning.privacy import clipped_to
from netsim.learning.transfer import Transfer
from netsim.rng import stream

ERROR = "error feedback"  # in the place of a rule's name


@dataclass(frozen=True)
class Sending:
    """What UEs do to uploads before they send them.

    With error feedback they add what earlier uploads lacked, and remember all that has not arrived:
    e <- e + update when it is sent, e <- e - decoded once it has arrived (Karimireddy et al., ICML
    2019). So what is lost on the air stays in e, as it was.
    """

    transfer: Transfer
    layouts: Sequence[AdapterLayout]
    memories: UeMemories
    seed: int

    @classmethod
    def by(
        cls,
        transfer: Transfer,
        layouts: Sequence[AdapterLayout],
        memories: UeMemories,
        seed: int,
    ) -> Self | None:
        """As `transfer` says; None: uploads arrive as they are."""
        if transfer.up is None and transfer.privacy is None:
            return None
        return cls(transfer, layouts, memories, seed)

    def send(self, upload: Upload, round: int) -> Upload:
        """What arrives of an upload, if it does. `round`: of its draws."""
        layout = self.layouts[upload.module].at_rank(upload.rank)
        places = layout.numbers_of(upload.parts)
        places = places[places < len(upload.update)]
        owed = upload.update[places]
        error = None
        if self.transfer.error_feedback:
            error = self._error(upload)
            owed = owed + error[places]
        owed = self._private(owed, upload, round)
        if error is not None:
            error[places] = owed
            self._remember(upload, error)
        update = np.zeros_like(upload.update)
        update[places] = self._encoded(owed, upload, round)
        return replace(upload, update=update)

    def _private(self, owed: Vector, upload: Upload, round: int) -> Vector:
        """Clipped, and with noise where the UE adds it."""
        privacy = self.transfer.privacy
        if privacy is None:
            return owed
        clipped = clipped_to(privacy.clip_norm / upload.rate, owed)
        if privacy.central:
            return clipped
        draws = stream(self.seed, "privacy.local", round, upload.ue, upload.module)
        deviation = privacy.noise_multiplier * privacy.clip_norm / upload.rate
        return clipped + deviation * draws.standard_normal(len(clipped), dtype=np.float32)

    def _encoded(self, owed: Vector, upload: Upload, round: int) -> Vector:
        """What the other side decodes; it clips again what the gNB will add noise to."""
        transfer = self.transfer
        if transfer.up is None:
            return owed
        draws = stream(self.seed, "upload.codec", round, upload.ue, upload.module)
        decoded = carried(transfer.up, owed, draws)
        if transfer.privacy is None or not transfer.privacy.central:
            return decoded
        return clipped_to(transfer.privacy.clip_norm / upload.rate, decoded)

    def arrived(self, upload: Upload) -> None:
        """An upload has arrived: the UE no longer owes what it holds."""
        if not self.transfer.error_feedback:
            return
        error = self._error(upload)
        error -= upload.update
        self._remember(upload, error)

    def _error(self, upload: Upload) -> Vector:
        """What the UE owes of the numbers that an upload has. [sent]."""
        layout = self.layouts[upload.module]
        whole = self._whole(upload)
        return layout.truncate(whole, upload.rank)[: len(upload.update)].copy()

    def _remember(self, upload: Upload, error: Vector) -> None:
        layout = self.layouts[upload.module]
        whole = layout.put(self._whole(upload), error, upload.rank)
        self.memories.put((ERROR, upload.ue, upload.module), {"error": whole})

    def _whole(self, upload: Upload) -> Vector:
        """What the UE owes of the module. [layout.size]."""
        memory = self.memories.get((ERROR, upload.ue, upload.module))
        if not memory:
            return np.zeros(self.layouts[upload.module].size, dtype=np.float32)
        return memory["error"]

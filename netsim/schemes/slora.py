"""SLoRA: S. Babakniya, A. R. Elkordy, Y. H. Ezzeldin, Q. Liu, K.-B. Song, M. El-Khamy,
S. Avestimehr, "SLoRA: federated parameter efficient fine-tuning of language models", 2023,
arXiv:2308.06522.

1. sparse stage: of the weights of the adapted layers, UEs train those in a random mask that no data
   has to do with, and send their changes, which the server averages by samples;
2. after some rounds the server takes the SVD of what the weights have changed by, cuts it to rank
   r, and starts the adapter from it: all singular values in B;
3. LoRA stage: UEs hear that adapter and go on with it, A and B averaged by samples (and the head,
   in both stages).

The mask is ours: whole columns instead of single weights, as many in each layer (`columns`). Then
what a UE trains is an adapter whose A is frozen at unit rows and whose B are the columns, so that
bits, computing and the start of stage 2 follow from the same tensors: a column costs an upload half
of what a rank of LoRA does, and up to `rank` columns the SVD loses nothing. The mask follows from
the run's seed and is never sent. How singular values are divided between A and B is ours, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from netsim.plugins import parameter
from netsim.protocols import HEAD, LORA_B, WHOLE, Aggregation, Observation
from netsim.schemes.one_adapter import OneAdapter
from netsim.units import IntArray


@dataclass
class SLora(OneAdapter):
    """Some columns of the weights are trained first; their change starts the common adapter."""

    sparse_rounds: int = parameter(5, "rounds of the sparse stage, at least", ge=1)
    columns: int | None = parameter(
        None, "columns of each layer's weights in the mask; if not set, as many as `rank`", ge=1
    )

    name: ClassVar[str] = "slora"
    citation: ClassVar[str] = "Babakniya et al., arXiv:2308.06522, 2023"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._primed: int | None = None  # round whose arrivals the SVD was taken of

    @property
    def unit_rows(self) -> bool:
        """B is a part of the columns of the weights."""
        return True

    @property
    def averages(self) -> bool:
        """Moments of one stage mean nothing in the other."""
        return False

    @property
    def outdates_uploads(self) -> str | None:
        """Columns are no adapter."""
        return "start a new adapter"

    @property
    def exact_downloads(self) -> bool:
        """The mask is not sent: UEs start from it exactly."""
        return True

    def ranks(self, configured: Sequence[int]) -> tuple[int, ...]:
        """One adapter that has room for both stages."""
        return (max(self.rank, self._columns),)

    def rank_of(self, ues: int) -> IntArray | None:
        """Columns in the first stage, ranks in the second."""
        return np.full(ues, self._columns if self._primed is None else self.rank)

    def trained(self, round: int) -> int:
        """B alone, the columns, until the adapter starts; the head always."""
        return LORA_B | HEAD if self._is_sparse(round) else WHOLE

    def changed(self, round: int) -> int:
        """A, too, where the adapter starts."""
        return WHOLE if self._primes(round) else self.sent(round)

    def rule(self) -> str | Aggregation:
        """The average; at the end of the first stage, its SVD."""
        if self._primes(self._planned):
            return Aggregation("primed", {"rank": self.rank})
        return self.aggregation

    def look_back(self, observation: Observation) -> None:
        """Learn whether the adapter has started: not if nothing arrived."""
        former, previous = observation.round - 1, observation.previous
        primes = self._primes(former)
        super().look_back(observation)
        if primes and previous is not None and previous.on_time.any():
            self._primed = former

    def state(self) -> dict[str, Any]:
        """What UEs hold, and when the adapter started."""
        return {**super().state(), "primed": self._primed}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        super().restore({name: value for name, value in state.items() if name != "primed"})
        self._primed = state.get("primed")

    @property
    def _columns(self) -> int:
        return self.rank if self.columns is None else self.columns

    def _is_sparse(self, round: int) -> bool:
        return self._primed is None or round <= self._primed

    def _primes(self, round: int) -> bool:
        """Is the SVD taken of what arrives in this round?"""
        return self._is_sparse(round) and round >= self.sparse_rounds and self._primed is None

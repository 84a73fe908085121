"""Sizes of uploads, where UEs may send more or less of the same module."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from netsim.protocols import Observation
from netsim.units import FloatArray, IntArray


@runtime_checkable
class SizesByUe(Protocol):
    """A PayloadSize that also knows what each UE sends besides."""

    def of_ues(
        self,
        ue: IntArray,
        module: IntArray,
        rank: IntArray | None,
    ) -> FloatArray:
        """Size of uploads, bit. [M]."""
        ...


def upload_bits(
    observation: Observation,
    ue: IntArray,
    module: IntArray,
    rank: IntArray | None,
) -> FloatArray:
    """Size of the uploads of rows, bit. [M]."""
    sizes = observation.payload_of
    if isinstance(sizes, SizesByUe):
        return sizes.of_ues(ue, module, rank)
    return sizes(module, rank)

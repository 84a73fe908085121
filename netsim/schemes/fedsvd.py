"""FedSVD: S. Lee, S. Park, D. B. Lee, D. Wagner, H. Seong, T. Bocklet, J. Lee, S. J. Hwang,
"FedSVD: adaptive orthogonalization for private federated learning with LoRA", NeurIPS 2025,
arXiv:2505.12805; without the differential privacy.

1. A is frozen at the UEs, which train and send B (and the head);
2. the server averages B, weighted by samples, and takes the SVD of B A;
3. the next A are the right singular vectors, orthonormal, and the next B what is left: the product
   is as it was. UEs hear both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netsim.protocols import HEAD, LORA_B, WHOLE
from netsim.schemes.one_adapter import OneAdapter


@dataclass
class FedSvd(OneAdapter):
    """One common adapter; UEs train B, and the server makes A anew of their average."""

    name: ClassVar[str] = "fedsvd"
    citation: ClassVar[str] = "Lee et al., NeurIPS 2025"
    aggregation: ClassVar[str] = "reorthogonalised"

    @property
    def outdates_uploads(self) -> str | None:
        """An older B belongs to another A."""
        return "make A anew"

    def trained(self, round: int) -> int:
        """B and the head."""
        return LORA_B | HEAD

    def changed(self, round: int) -> int:
        """A, too."""
        return WHOLE

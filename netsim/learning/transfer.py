"""How modules go up and down, as plain values (no torch).

What is encoded is a change, of the parts that are sent alone: an upload's since the UE's download,
a download's since the run's start, which follows from its seed, so that everybody has it.
"""

from __future__ import annotations

from dataclasses import dataclass

from netsim.protocols import HEAD, LORA_A, LORA_B, Codec

ACCOUNTING = "dp_accounting"


@dataclass(frozen=True)
class Privacy:
    """Gaussian noise on changes of bounded norm (docs/model/privacy.md)."""

    central: bool  # the gNB adds it to the average; else each UE to what it sends
    clip_norm: float  # C, of a UE's change of a module
    noise_multiplier: float  # z
    delta: float


@dataclass(frozen=True)
class Transfer:
    """What uploads and downloads are encoded as; None: as they are."""

    up: Codec | None = None
    error_feedback: bool = False
    down: Codec | None = None
    privacy: Privacy | None = None


AS_THEY_ARE = Transfer()


def parts_apart(full: bool) -> tuple[int, ...]:
    """Parts of a module that go down apart; the body of a full module is one."""
    return (LORA_A | LORA_B, HEAD) if full else (LORA_A, LORA_B, HEAD)

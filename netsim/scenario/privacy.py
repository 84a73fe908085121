"""Keys of differential privacy."""

from __future__ import annotations

from typing import Literal

from netsim.scenario.section import Positive, Section, key


class PrivacyKeys(Section):
    """Differential privacy of UEs: clipped changes, Gaussian noise (extra: dp)."""

    kind: Literal["none", "central", "local"] = key(
        "none",
        "central: the gNB adds noise to the average of what arrived; local: each UE to what it "
        "sends",
    )
    clip_norm: Positive = key(
        1.0, "C, greatest norm of a UE's change of a module; what is longer is scaled down"
    )
    noise_multiplier: Positive = key(
        1.0,
        "z: deviation of the noise over C; central: over C times the greatest weight of an upload "
        "in the plan",
    )
    delta: float = key(1e-5, "of (epsilon, delta); should be well below 1 / UEs", gt=0, lt=1)

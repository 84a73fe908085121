"""Link adaptation: which modulation and coding scheme is sent.

The inner loop takes the most efficient scheme whose first transmission fails at most with the
target probability at the SINR that is known, less a margin. The outer loop moves that margin: down
by a small step with every acknowledgement, up by a larger one with every loss, so that the losses
settle at the target (Sampath, Kumar, Holtzman, "On setting reverse link target SIR in a CDMA
system", VTC 1997).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.errors import InputError
from netsim.units import FloatArray, IntArray

TARGET_ERROR = 0.1


def highest_scheme(first_error: FloatArray, target: float = TARGET_ERROR) -> IntArray:
    """Inner loop: index of the last scheme that meets the target, else 0. [N, ...] -> [...].

    first_error: error of the first transmission of each scheme, in the order of the table.
    """
    schemes = len(first_error)
    meets = first_error <= target
    from_last = np.argmax(meets[::-1], axis=0)
    last = schemes - 1 - from_last
    return np.where(meets.any(axis=0), last, 0)


@dataclass(frozen=True)
class OuterLoop:
    """Target and steps of the margin, dB."""

    target: float = TARGET_ERROR
    step_up_db: float = 0.1  # with a loss; 0: the margin stays

    def __post_init__(self) -> None:
        if not 0 < self.target < 1:
            raise InputError("the target error rate must lie in (0, 1)", value=self.target)
        if self.step_up_db < 0:
            rule = "the step of the outer loop must not be negative"
            raise InputError(rule, value=self.step_up_db)

    @property
    def step_down_db(self) -> float:
        """With an acknowledgement: at the target, steps up and down cancel on average."""
        return self.step_up_db * self.target / (1 - self.target)

    def move_db(self, lost: FloatArray) -> FloatArray:
        """By how much a first transmission that is lost with some probability moves the margin."""
        return np.asarray(lost * (self.step_up_db + self.step_down_db) - self.step_down_db)

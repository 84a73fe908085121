"""formulas = paper: which printed formulas are known to be wrong, and what deviates from print.

`docs/model/index.md` says the same at length.
"""

from __future__ import annotations

from typing import NamedTuple


class Note(NamedTuple):
    """Something about the run of printed formulas."""

    about: str
    text: str


FAULTS = (
    Note("(6)", "a sum over the modules stands inside the product over the rounds"),
    Note("(14)", "pays for power once for each module, and rewards modules that will not arrive"),
    Note("(15)", "wrong normalisation inside the integral, and a fixed scale in the noise term"),
    Note("(27)", "(1 - lambda)(1 - beta) stands for 1 - lambda beta, so A and B are wrong"),
    Note("weights in (9)", "follow from (27): 16 and 4 where it should be 4 and 2"),
)
"""Printed formulas in use that are known to be wrong."""

DEVIATIONS = (
    Note("computing energy", "C in (14) has the energy of computing, which (14) drops"),
    Note(
        "reference share", "the rate in C is that of an equal share, as (14) has none for beta = 0"
    ),
    Note("admission and floors", "UEs that cannot end in time are not admitted; power has a floor"),
    Note("start of beta", "one module for each UE in turn; the paper's start of all 1 never moves"),
    Note("mu_scale", "a factor of 1e-7 on mu: as printed, mu would outweigh the risk"),
    Note(
        "(22)", "power minimises (14) with lambda whole, the factor e^-b of interference included"
    ),
    Note("the product in (6)", "read as over all later rounds, with the sum over n within"),
    Note("(19), (20)", "bisection stands in for them: they are on the wrong branch above 2.35 dB"),
    Note(
        "law of the simulated field", "interferers keep out of the own cell as in (15*), not (15)"
    ),
)
"""What deviates from print all the same."""

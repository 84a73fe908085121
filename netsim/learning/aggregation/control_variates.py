"""SCAFFOLD: control variates that take the drift of UEs towards their own optima away.

S. P. Karimireddy, S. Kale, M. Mohri, S. J. Reddi, S. U. Stich, A. T. Suresh, ICML 2020,
arXiv:1910.06378, Algorithm 1 with option II. Of UE i with c_i, and the server's c:

    y <- x;  y <- y - eta_l (g_i(y) - c_i + c), K times
    c_i+ = c_i - c + (x - y) / (K eta_l)          up: y - x and c_i+ - c_i;  down: x and c
    x <- x + eta_g sum_i p_i (y - x)              c <- c + sum_i D_i (c_i+ - c_i) / sum_k D_k

where the last sum is over all UEs, those that were away too. What is ours:

* weights are by samples, as those of x: the paper's are equal, and so is this where D_k are. With
  p by samples and c without, x would go to where the plain sum of the gradients vanishes;
* (x - y) / (K eta_l) is the mean of the corrected gradients. So it is computed, and holds for local
  Adam too, of which the paper does not speak;
* an upload may be lost. A UE goes over to c_i+ when the server has its change, of which it hears
  before it trains again; so c stays the mean of the c_i;
* what a UE does not train and send (frozen factors, personal parts) has no variates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from netsim.errors import InputError, RunError
from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.rule import Memory, Moment, Partial, UeMoment, Upload
from netsim.learning.aggregation.server_step import ServerStep

OWN, NEXT, SINCE = "variate", "next", "since"  # at a UE: c_i, c_i+, round of c_i+
COMMON, CAME = "variate", "came"  # at the server: c, and each UE's last arrival


@dataclass
class ControlVariates(ServerStep):
    """SCAFFOLD on the steps of a server's optimiser."""

    samples: float = 1.0  # sum of D_k over all UEs

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.samples > 0:
            raise InputError("control variates need the samples of all UEs", value=self.samples)

    def correction(
        self,
        layout: AdapterLayout,
        moment: UeMoment,
    ) -> Vector:
        """c - c_i, [layout.size]."""
        _settle(moment)
        whole = np.zeros(layout.size, dtype=np.float32)
        common = moment.server.get(COMMON, whole)
        if len(common) > len(whole):
            raise RunError("control variates need UEs at the module's own rank")
        whole[: len(common)] += common.astype(np.float32)
        own = moment.memory.get(OWN, whole[:0])
        whole[: len(own)] -= own
        return whole

    def leave(
        self,
        upload: Upload,
        layout: AdapterLayout,
        moment: UeMoment,
    ) -> Upload:
        """With c_i+ - c_i, in place of the mean of its gradients."""
        change = upload.extra["gradient"].copy()
        sent = len(change)
        change -= moment.server.get(COMMON, np.zeros(sent)).astype(np.float32)
        if upload.lacks.any():
            change[layout.spread(upload.lacks)[:sent]] = 0.0
        own = moment.memory.get(OWN, np.zeros(sent, dtype=np.float32))
        moment.memory[NEXT] = own + change
        moment.memory[SINCE] = np.array([moment.round])
        return replace(upload, extra={"change": change})

    def add(
        self,
        partial: Partial | None,
        upload: Upload,
        layout: AdapterLayout,
    ) -> Partial:
        """Fold in one upload."""
        new = self.inner.add(None, upload, layout)
        new["change"] = upload.samples * upload.extra["change"].astype(np.float64)
        new[CAME] = np.array([upload.ue])
        return new if partial is None else self.merge(partial, new)

    def merge(
        self,
        left: Partial,
        right: Partial,
    ) -> Partial:
        """Join two partial sums."""
        joined = {name: left[name] + right[name] for name in left if name != CAME}
        return {**joined, CAME: np.concatenate([left[CAME], right[CAME]])}

    def step(
        self,
        state: Vector,
        partial: Partial,
        layout: AdapterLayout,
        rate: float,
        moment: Moment,
    ) -> Vector:
        """The new module; c follows."""
        new = super().step(state, partial, layout, rate, moment)
        change = partial["change"]
        before = moment.memory.get(COMMON, np.zeros_like(change))
        moment.memory[COMMON] = before + change / self.samples
        _note(moment.memory, partial[CAME], moment.round)
        return new


def _note(memory: Memory, ue: Vector, round: int) -> None:
    """These UEs' changes have come in this round."""
    known = memory.get(CAME, np.zeros(0, dtype=np.int64))
    missing = max(int(ue.max()) + 1 - len(known), 0)
    memory[CAME] = np.pad(known, (0, missing))
    memory[CAME][ue] = round


def _settle(moment: UeMoment) -> None:
    """Go over to c_i+ if the server has got it; forget it if not."""
    memory = moment.memory
    if NEXT not in memory:
        return
    after = memory.pop(NEXT)
    since = int(memory.pop(SINCE)[0])
    came = moment.server.get(CAME, np.zeros(0, dtype=np.int64))
    if moment.ue < len(came) and came[moment.ue] == since:
        memory[OWN] = after

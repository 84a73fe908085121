"""Step 1 of Algorithm 2 at every gNB: admission, powers and bandwidth of the subscribed UEs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.allocation.cell_view import CellView
from netsim.allocation.superposed import superpose_all
from netsim.allocation.wireless import Wireless, manage_wireless
from netsim.protocols import Observation
from netsim.radio.superposition import ANALOG
from netsim.schemes.radio import admit_uploads, gnb_ues
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass
class RadioControl:
    """What step 1 decided for the K UEs of all gNBs, N modules."""

    admitted: BoolArray  # [K]
    active: BoolArray  # [K] admitted and did not give up
    power_w: FloatArray  # [K]
    shares: FloatArray  # [K]
    rate_bps: FloatArray  # [K] in an equal share of its gNB's band
    finish_s: FloatArray  # [K] E of its gNB
    success: FloatArray  # [K, N] lambda

    @classmethod
    def silent(cls, ues: int, modules: int) -> RadioControl:
        """Nobody sends."""
        return cls(
            admitted=np.zeros(ues, dtype=np.bool_),
            active=np.zeros(ues, dtype=np.bool_),
            power_w=np.zeros(ues),
            shares=np.zeros(ues),
            rate_bps=np.zeros(ues),
            finish_s=np.zeros(ues),
            success=np.zeros((ues, modules)),
        )

    def admissible(self, subscribed: BoolArray, available: BoolArray) -> BoolArray:
        """UEs whose duals move: admitted or without a module, and not those that gave up. [K]."""
        idle = ~subscribed.any(axis=1)
        gave_up = self.admitted & ~self.active  # not for want of a subscription
        return np.asarray((self.admitted | idle) & ~gave_up & available)


@dataclass(frozen=True)
class RadioController:
    """Step 1 with its parameters."""

    energy_price_per_j: float  # 0: all at P_max
    known: bool  # the channel is known as it will be
    max_iterations: int
    tolerance: float

    def control(
        self,
        observation: Observation,
        view: CellView,
        subscribed: BoolArray,
        weight: FloatArray,
    ) -> RadioControl:
        """Step 1, gNB by gNB. subscribed: [K, N]. weight: of an arrival, [K, N]."""
        found = RadioControl.silent(*subscribed.shape)
        for mine in gnb_ues(observation):
            self._control_cell(
                observation,
                view,
                mine,
                subscribed,
                weight,
                found,
            )
        return found

    def _control_cell(
        self,
        observation: Observation,
        view: CellView,
        mine: IntArray,
        subscribed: BoolArray,
        weight: FloatArray,
        found: RadioControl,
    ) -> None:
        """Step 1 for the UEs `mine` of one gNB, written into `found`."""
        cell = view.select(mine)
        row, module = np.nonzero(subscribed[mine])
        admission = admit_uploads(
            observation,
            view,
            mine[row],
            module,
            known=self.known,
        )
        admitted = admission.admitted[mine]
        analog = observation.rate_model == ANALOG
        chosen = subscribed[mine] & admitted[:, np.newaxis]
        if analog:
            wireless = superpose_all(cell, chosen, admission.budget_s)
        else:
            wireless = self._manage(observation, cell, chosen, weight[mine], admission.budget_s)
        best = wireless.best
        found.admitted[mine] = admitted
        found.active[mine] = best.active
        found.power_w[mine] = cell.used_w(best.power_w)
        found.shares[mine] = best.shares * observation.free_share[mine]
        found.success[mine] = wireless.success
        sharing = 1 if analog else max(int(best.active.sum()), 1)
        found.rate_bps[mine] = _equal_share_rate_bps(cell, best.power_w, sharing)
        found.finish_s[mine] = best.finish_s

    def _manage(
        self,
        observation: Observation,
        cell: CellView,
        subscribed: BoolArray,
        weight: FloatArray,
        budget_s: float,
    ) -> Wireless:
        """Powers and bands of their own. subscribed, weight: of the UEs of the cell, [K, N]."""
        return manage_wireless(
            cell,
            subscribed,
            weight,
            energy_price_per_j=0.0 if cell.sent_power_w is not None else self.energy_price_per_j,
            budget_s=budget_s,
            formulas=observation.formulas,
            max_iterations=self.max_iterations,
            tolerance=self.tolerance,
        )


def _equal_share_rate_bps(
    cell: CellView,
    power_w: FloatArray,
    count: int,
) -> FloatArray:
    """Rate of each UE of a gNB in one of so many equal shares, bit/s."""
    signal, interference, noise = cell.link(power_w)
    ratio = signal / (interference + noise * cell.rate_hz / count)
    return np.asarray(cell.rate_hz / count * np.log2(1.0 + ratio))

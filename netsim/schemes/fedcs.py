"""FedCS: T. Nishio, R. Yonetani, "Client selection for federated learning with heterogeneous
resources in mobile edge", IEEE ICC 2019, Protocol 2 and Algorithm 3, extended to N adapters, dealt
out in turn.

1. resource request: candidates are drawn uniformly, and tell their resources;
2. selection: as many of them as possible whose round ends in time. With S the UEs taken so far,
   T_d(S) the time of their downloads, t_UD(k) that of computing and t_UL(k) of the upload,
     x = argmin over k of  T_d(S + k) - T_d(S) + t_UL(k) + max(0, t_UD(k) - Theta),
     Theta' = Theta + t_UL(x) + max(0, t_UD(x) - Theta),
   and x joins, with Theta = Theta', if T_d(S + x) + Theta' is within the budget;
3. those selected download, train and upload.

That is for uplinks one after the other, each in the whole band, while others still compute
(`uplinks = "sequential"`). Ours: uplinks that share the band, as they do here
(`uplinks = "shared"`, the default): x is the UE with which the round ends first, at
     T_d(S + k) + max of t_UD + max of t_UL in equal shares       with the barrier,
     T_d(S + k) + max of (t_UD + t_UL in equal shares)            without.

Times are expected ones: broadcasts and computing as planned, uploads at the mean rate over fading
at P_max. As in the paper nobody hedges against fading: with a budget below the deadline fewer
uploads are late. What selected UEs send shares the band in any case. Of UEs limited in power the
uploads take longer one after the other than at once in the shares of Algorithm 1
(`bandwidth = "algorithm1"`), so there a sequential estimate is a careful one. The time and bits of
the request, a few numbers, are not charged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from netsim import rng
from netsim.allocation.cell_view import CellView
from netsim.plugins import Limited, parameter, part
from netsim.protocols import Exchange, Observation, RoundPlan, Scheme
from netsim.schemes.base import adapter_in_turn
from netsim.schemes.radio import SharedBand, gnb_ues
from netsim.schemes.success_selection import mean_rate_bps
from netsim.units import FloatArray, IntArray

NO_DOWNLOAD = Exchange(heard=0)


@dataclass
class FedCs(Limited, Scheme):
    """As many UEs as finish in time, those first that prolong the round least."""

    candidates: int | None = parameter(
        None, "UEs of a gNB that are asked, drawn anew in each round; if not set, all", ge=1
    )
    budget_s: float | None = parameter(
        None, "T_round, time a round may take, s; if not set, its deadline", gt=0
    )
    uplinks: Literal["shared", "sequential"] = parameter(
        "shared", "how uploads are reckoned: at once in equal shares, or one after the other"
    )
    band: SharedBand = part(SharedBand)

    name: ClassVar[str] = "fedcs"
    citation: ClassVar[str] = "Nishio and Yonetani, ICC 2019"

    @property
    def reckons_rates(self) -> bool:
        """Who takes part follows from how long uploads would take."""
        return True

    def plan(self, observation: Observation) -> RoundPlan:
        """Request and selection, at each gNB."""
        draws = rng.stream(observation.seed, "fedcs", observation.round)
        mark = draws.random(len(observation.gnb))
        budget_s = min(self.budget_s or np.inf, observation.deadline_s)
        chosen = [np.empty(0, dtype=np.int64)]
        for mine in gnb_ues(observation):
            asked = np.sort(mine[np.argsort(mark[mine], kind="stable")[: self.candidates]])
            times = self._times(observation, asked)
            chosen.append(asked[select_in_time(times, budget_s)])
        ue = np.sort(np.concatenate(chosen))
        return self.band.plan(observation, ue, adapter_in_turn(observation, ue))

    def _times(self, observation: Observation, ue: IntArray) -> Times:
        """What candidates of one gNB tell."""
        module = adapter_in_turn(observation, ue)
        computing_s, ready = observation.computed(ue, module, None, NO_DOWNLOAD)
        alone = [observation.computed(ue[[k]], module[[k]])[0][0] for k in range(len(ue))]
        view = CellView.of(observation).select(ue)
        power = view.used_w(np.full(len(ue), view.max_power_w))
        payload = observation.payload_bits[module]

        def upload_s(sharing: int) -> FloatArray:
            with np.errstate(divide="ignore"):
                rate = mean_rate_bps(view, power, view.bandwidth_hz / sharing)
                return np.asarray(payload / rate)

        return Times(
            module=module,
            download_s=np.array(alone) - computing_s,
            computing_s=np.where(ready, computing_s, np.inf),
            upload_s=upload_s,
            sequential=self.uplinks == "sequential",
            barrier=observation.barrier,
        )


@dataclass(frozen=True)
class Times:
    """Of M candidates of one gNB, s."""

    module: IntArray  # [M] each is broadcast once, for the worst of those who want it
    download_s: FloatArray  # [M]
    computing_s: FloatArray  # [M] t_UD
    upload_s: Callable[[int], FloatArray]  # UEs that share the band -> t_UL [M]
    sequential: bool
    barrier: bool


def select_in_time(times: Times, budget_s: float) -> IntArray:
    """Algorithm 3: positions of the candidates that are taken, ascending.

    Where the best candidate is not in time no other one is, so the search ends with it.
    """
    left = np.arange(len(times.module))
    taken: list[int] = []
    theta_s = 0.0
    slots_s = np.zeros(int(times.module.max(initial=0)) + 1)  # broadcasts of the modules
    while len(left):
        longest_s = np.maximum(slots_s[times.module[left]], times.download_s[left])
        download_s = slots_s.sum() - slots_s[times.module[left]] + longest_s
        after_s = _theta_after(times, taken, left, theta_s)
        best = int(np.argmin(download_s + after_s))
        ends_s = download_s[best] + after_s[best]
        if not (np.isfinite(ends_s) and ends_s <= budget_s):
            break
        theta_s = float(after_s[best])
        slots_s[times.module[left[best]]] = longest_s[best]
        taken.append(int(left[best]))
        left = np.delete(left, best)
    return np.sort(np.array(taken, dtype=np.int64))


def _theta_after(
    times: Times,
    taken: list[int],
    left: IntArray,
    theta_s: float,
) -> FloatArray:
    """Theta' with each of the candidates that are left: when all have computed and uploaded."""
    if times.sequential:
        waiting_s = np.maximum(0.0, times.computing_s[left] - theta_s)
        return np.asarray(theta_s + times.upload_s(1)[left] + waiting_s)
    upload_s = times.upload_s(len(taken) + 1)
    if times.barrier:
        start_s = times.computing_s[taken].max(initial=0.0)
        longest_s = upload_s[taken].max(initial=0.0)
        start_s = np.maximum(start_s, times.computing_s[left])
        return np.asarray(start_s + np.maximum(longest_s, upload_s[left]))
    ends_s = times.computing_s + upload_s
    return np.asarray(np.maximum(ends_s[taken].max(initial=0.0), ends_s[left]))

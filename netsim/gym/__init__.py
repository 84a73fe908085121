"""Gymnasium environments over a simulated network: one step is one round (extra `gym`).

    import gymnasium, netsim.gym

    env = gymnasium.make("netsim/Scheduling-v0", scenario="quickstart")
    seen, facts = env.reset(seed=1)
    seen, reward, reached, over, facts = env.step(env.action_space.sample())

`netsim/Scheduling-v0`  which UEs train which module, in equal shares at P_max
`netsim/Allocation-v0`  that, and shares of the band and powers
`GnbsEnv`               the first, with one agent per gNB (PettingZoo, parallel)

Arguments of all: `scenario` (a file, a bundled name or a Scenario), `overrides` of its keys,
`reward` (a `Reward`), `know_channel` (the fading of the round to come is seen; needs one fading
draw per upload), and `out`, a folder in which each episode becomes a run folder. With the override
`network_only=True` nothing is trained and progress is counted in payload; else it is accuracy.

The seed of an episode is that of its scenario. Fading, interference and places follow from it alone
and never from the actions, so that policies can be compared on the same random numbers.

features       what is seen
actions        from an action to a plan that can be carried out
rewarding      what a round was worth
episodes       the run behind an episode, in memory or in a folder
environments   the two environments of Gymnasium
gnbs           that of PettingZoo
"""

from __future__ import annotations

from netsim.errors import InputError

try:
    import gymnasium
except ImportError:
    raise InputError(
        "environments need gymnasium: pip install 'netsim-fedlora[gym]'", where="netsim.gym"
    ) from None

from netsim.gym.environments import AllocationEnv, SchedulingEnv
from netsim.gym.gnbs import GnbsEnv
from netsim.gym.rewarding import Reward

__all__ = ["AllocationEnv", "GnbsEnv", "Reward", "SchedulingEnv"]

for name, environment in (("Scheduling", SchedulingEnv), ("Allocation", AllocationEnv)):
    place = f"{environment.__module__}:{environment.__qualname__}"
    gymnasium.register(f"netsim/{name}-v0", entry_point=place)

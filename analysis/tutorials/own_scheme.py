# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A scheme of your own
#
# A scheme declares rounds. It sees an `Observation`, with one entry for each UE, and returns a `RoundPlan`, with one row
# for each upload. It touches neither tensors nor the clock. Here one is tried in a notebook, without a package; `netsim
# init NAME --scheme` writes the package once it is worth keeping.

# %%
from dataclasses import dataclass

import numpy as np

import netsim
from netsim import Observation, RoundPlan, Scheme


@dataclass
class CheapCompute(Scheme):
    """The UEs that spend least on computing train one adapter, in equal shares at full power."""

    ues_per_round: int = 5

    name = "cheap_compute"
    citation = "ours"

    def plan(self, seen: Observation) -> RoundPlan:
        cost_j = np.where(seen.available, seen.compute_energy_j, np.inf)
        ue = np.sort(np.argsort(cost_j, kind="stable")[: self.ues_per_round])
        module = np.zeros_like(ue)
        share = np.full(len(ue), 1 / len(ue))
        return RoundPlan(ue, module, share, np.full(len(ue), seen.max_power_w))


# %% [markdown]
# A session steps a run by hand: observe, plan, step. Its folder is that of any run.

# %%
SMALL = {"network_only": True, "rounds": 5, "ues.count": 20, "scheme.kind": "round_robin"}


def play(scheme: Scheme, out: str) -> netsim.Run:
    """A run in which `scheme` plans every round."""
    with netsim.Session(netsim.load_scenario("quickstart", SMALL), out=out) as session:
        while not session.done:
            outcome = session.step(scheme.plan(session.observe()))
            print(outcome.on_time.sum(), "of", len(outcome.on_time), "uploads on time")
        return session.close()


run = play(CheapCompute(), "runs/tutorial-cheap")

# %% [markdown]
# Did it save energy per upload that counted, against round robin over everybody?

# %%
baseline = netsim.run("quickstart", overrides=SMALL, out="runs/tutorial-all")


def joules_per_arrival(of: netsim.Run) -> float:
    """Energy of all UEs over the uploads that counted."""
    rounds = of.rounds.collect()
    spent_j = rounds["compute_energy_j"].sum() + rounds["uplink_energy_j"].sum()
    return spent_j / rounds["on_time"].sum()


print(joules_per_arrival(run), joules_per_arrival(baseline), "J for each upload that counted")
assert joules_per_arrival(run) < joules_per_arrival(baseline)

# %% [markdown]
# A plan that breaks a rule is refused with the rule: here the shares of a gNB sum to more than its band.

# %%
from dataclasses import replace

with netsim.Session(
    netsim.load_scenario("quickstart", SMALL), out="runs/tutorial-greedy"
) as session:
    plan = CheapCompute().plan(session.observe())
    try:
        session.step(replace(plan, share=2 * plan.share))
    except netsim.NetsimError as error:
        print(error)
    else:
        raise AssertionError("the plan must be refused")

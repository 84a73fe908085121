# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Comparing schemes with intervals
#
# Two schemes, several seeds. With the same seed both meet the same places, data and fading, so differences are taken pair
# by pair; and a run that never arrives counts as one that had not arrived by its end, instead of being left out.

# %%
import netsim
from netsim.results.cost_contrast import compare_costs

SMALL = {
    "rounds": 3,
    "ues.count": 8,
    "data.train_samples": 500,
    "data.test_samples": 60,
    "data.samples_per_ue": 30,
}
SEEDS = range(2)  # far too few for an answer: take ten or more
study = netsim.sweep(
    "quickstart",
    {"scheme.kind": ["fedlora", "model_switching"]},
    SEEDS,
    overrides=SMALL,
    jobs=1,
    out="runs/tutorial-schemes",
)
print(study.runs.select("scheme.kind", "seed", "accuracy", "energy_j", "simulated_s"))

# %% [markdown]
# Accuracy at the end, as a mean with its 95% interval, and the paired difference.

# %%
print(study.response("accuracy").select("scheme.kind", "mean", "low", "high", "seeds"))
print(
    study.differences("accuracy", "scheme.kind").select(
        "from", "to", "mean", "low", "high", "pairs"
    )
)

# %% [markdown]
# The cost of a target that is *kept* for three evaluations, in joules; `arrived` is false for a run that did not get there,
# and then the value is what it had spent by its end.

# %%
TARGET = 0.5
costs = {}
for row in study.runs.iter_rows(named=True):
    cost = study.run(row["id"]).sustained_cost(TARGET, "energy_j", kept=2)
    costs.setdefault(row["scheme.kind"], []).append(cost)
print(costs)

# %% [markdown]
# Their ratio, seed by seed, as a geometric mean with a bootstrap interval, censored runs included in the counts.

# %%
contrast = compare_costs(costs["model_switching"], costs["fedlora"])
print(contrast)
assert contrast.pairs == len(SEEDS)

# %% [markdown]
# An interval that contains a ratio of 1 decides nothing: say so, and take more seeds. What else makes a comparison fair is in
# the guide "Compare schemes fairly".

# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Your SUMO trace and gNB density
#
# What happens to upload latency if the density of gNBs doubles, with vehicles that move as SUMO says? Everything here is
# about timing and energy, so no learning is loaded.

# %%
import polars as pl

import netsim
from netsim.traces import read_mobility

TRACE = "traces/grid.fcd.xml"  # yours: any format that `netsim trace inspect FILE` knows

# %% [markdown]
# First look at the trace: one row for each sample of each node, in metres and seconds.

# %%
samples = read_mobility(TRACE).collect()
nodes = samples.group_by("node").agg(
    pl.col("time_s").min().alias("from_s"), pl.col("time_s").max().alias("to_s")
)
print(nodes.sort("node").head())

# %% [markdown]
# A replay has a UE for each node and begins with the trace. The window of sites must hold the trace; all gNBs serve
# (`federation = "network"`), so that vehicles are handed over.

# %%
WORLD = {
    "network_only": True,
    "rounds": 4,
    "federation": "network",
    "topology.window_km": 1.5,
    "mobility.kind": "replay",
    "mobility.path": TRACE,
    "scheme.kind": "round_robin",
}
run = netsim.run(
    "quickstart", overrides={**WORLD, "topology.density_per_km2": 8}, out="runs/tutorial-sumo"
)
print(run.handover_counts().collect())
print(run.latency_means(by="outcome").collect())

# %% [markdown]
# Now the question, with seeds. Densities are compared on nested sites, with the same fading: each pair of runs differs in the
# sites that were added, and in nothing else.

# %%
study = netsim.sweep(
    "quickstart",
    {"topology.density_per_km2": [4, 8]},
    range(3),
    overrides=WORLD,
    jobs=1,
    out="runs/tutorial-density",
)
study

# %%
effect = study.differences("upload_p50_s", "topology.density_per_km2")
print(effect.select("from", "to", "mean", "low", "high", "pairs"))
assert effect["pairs"].item() == 3

# %% [markdown]
# Where the interval contains 0, say so and take more seeds. The report says it in a sentence:

# %%
netsim.report(study, "tutorial-density.html")

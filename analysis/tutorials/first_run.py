# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # First run
#
# One cell, forty UEs, four LoRA adapters: run it, look at what came out, change one key. Sizes here are small, so that
# every cell runs in seconds; leave `SMALL` away for the real quickstart.

# %%
import polars as pl

import netsim

SMALL = {
    "rounds": 3,
    "learning.workers": 1,
    "ues.count": 10,
    "data.train_samples": 600,
    "data.test_samples": 80,
    "data.samples_per_ue": 40,
}
scenario = netsim.load_scenario("quickstart", SMALL)
scenario  # a card with the keys that are not at their defaults

# %% [markdown]
# A scenario is a value: every key has one, and Tab completes keys after `scenario["`.

# %%
print(scenario["radio.bandwidth_hz"], "Hz;", scenario["round.deadline_s"], "s")

# %% [markdown]
# `netsim.run` simulates it and trains for real. The run is a folder; what is returned reads it lazily.

# %%
run = netsim.run(scenario, out="runs/tutorial-first")
run

# %% [markdown]
# Who was heard, and what it cost. An upload that is late or lost has spent its energy all the same.

# %%
outcomes = (
    run.uploads.group_by("outcome")
    .agg(pl.len().alias("uploads"), pl.col("energy_j").sum())
    .collect()
)
print(outcomes)

# %% [markdown]
# Accuracy on the simulated clock, of the ensemble of all adapters.

# %%
curve = run.learning_curve().collect()
print(curve.select("round", "time_s", "energy_j", "accuracy"))
assert curve["time_s"].is_sorted()

# %% [markdown]
# Another scheme meets the same UEs, the same data and the same fading, since random numbers are keyed by what they are
# for and never by the scheme. So the difference is the scheme's.

# %%
other = netsim.run(
    "quickstart", overrides={**SMALL, "scheme.kind": "fedlora"}, out="runs/tutorial-fedlora"
)
same = run.ues.collect().select("ue", "x_m", "y_m", "samples")
assert same.equals(other.ues.collect().select("ue", "x_m", "y_m", "samples"))

# %% [markdown]
# One page for both, complete in itself: open it in a browser.

# %%
netsim.report([run, other], "tutorial-first.html")

# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Latency timelines in polars
#
# Where does the time of a round go? Every activity of every UE is a row of the table `spans`, every upload a row of `uploads`.

# %%
import polars as pl

import netsim

run = netsim.run(
    "quickstart",
    overrides={"network_only": True, "rounds": 5, "ues.count": 20},
    out="runs/tutorial-latency",
)
print(run.timeline(2).select("ue", "kind", "from_s", "to_s", "outcome").head(12))

# %% [markdown]
# Mean seconds of each activity, by device class. `ues` says which UE is of which class.

# %%
by_class = (
    run.spans.filter(pl.col("ue").is_not_null())
    .join(run.ues.select("ue", "class"), on="ue")
    .group_by("class", "kind")
    .agg((pl.col("end_s") - pl.col("start_s")).mean().alias("mean_s"), pl.len().alias("spans"))
    .sort("class", "kind")
    .collect()
)
print(by_class)

# %% [markdown]
# The parts of an upload's latency sum to when it ended; `latency` has them for each upload.

# %%
parts = run.latency().collect()
print(parts.head())

# %% [markdown]
# Who holds up the round, and with what? The critical path names the upload that ended last and what it waited for.

# %%
print(run.critical_path().collect())

# %% [markdown]
# Latency against distance, in bins of 200 m: the median and the 95th percentile of the uploads that counted.

# %%
by_distance = (
    run.uploads.filter(pl.col("outcome") == "on_time")
    .with_columns((pl.col("distance_m") // 200 * 200).alias("from_m"))
    .group_by("from_m")
    .agg(
        pl.col("airtime_s").median().alias("median_s"),
        pl.col("airtime_s").quantile(0.95).alias("p95_s"),
        pl.len().alias("uploads"),
    )
    .sort("from_m")
    .collect()
)
print(by_distance)
assert (
    by_distance["uploads"].sum()
    == run.outcomes("round").select(pl.col("on_time").sum()).collect().item()
)

# %% [markdown]
# The same as a figure for a paper, or as a timeline for Perfetto: `netsim plot RUN --figure latency_by_distance`, `netsim
# export perfetto RUN`.

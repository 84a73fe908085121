"""Experiment trackers: the numbers of each round, told to another program while a run goes on.

    netsim run --log mlflow --log wandb
    netsim.run("quickstart", log=["trackio", MyTracker()])

A `Tracker` is told of the beginning, of each round and of the end. Trackers write where they always
do, by their own environment variables; nothing is sent to another machine unless those say so. A
tracker that fails is told of in a warning and left alone: the run goes on.

tracked         who is told of a run: its listener, and its trackers
mlflow_run      MLflow (extra `mlflow`)
wandb_run       Weights & Biases, offline (extra `wandb`)
trackio_run     Trackio (extra `trackio`)
"""

from netsim.trackers.tracked import TRACKERS, Log, tracked, trackers_of

__all__ = ["TRACKERS", "Log", "tracked", "trackers_of"]

"""MLflow: a run in the experiment `netsim`, or in that of MLFLOW_EXPERIMENT_NAME.

It goes where MLFLOW_TRACKING_URI says, by default to this machine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

EXPERIMENT = "netsim"
MOST_PARAMETERS = 100  # in one request
MOST_CHARACTERS = 500  # of a parameter's value; older servers take no more
ENDED = {"done": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}


class MlflowRun:
    """A run of MLflow: scenario keys are its parameters, rounds its steps."""

    def begin(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """A new run, called as the folder is."""
        self._client = MlflowClient()
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        found = self._client.get_experiment_by_name(name)
        experiment = self._client.create_experiment(name) if found is None else found.experiment_id
        tags = {"netsim.folder": str(folder.resolve())}
        run = self._client.create_run(experiment, run_name=folder.name, tags=tags)
        self._id = run.info.run_id
        named = [Param(key, str(value)[:MOST_CHARACTERS]) for key, value in settings.items()]
        for first in range(0, len(named), MOST_PARAMETERS):
            self._client.log_batch(self._id, params=named[first : first + MOST_PARAMETERS])

    def log(self, round: int, values: Mapping[str, float]) -> None:
        """The numbers of a round."""
        now_ms = int(1000 * time.time())
        metrics = [Metric(name, value, now_ms, round) for name, value in values.items()]
        self._client.log_batch(self._id, metrics=metrics)

    def end(self, status: str) -> None:
        """The run is over."""
        self._client.set_terminated(self._id, ENDED[status])

"""Weights & Biases: a run in the project `netsim`, or in that of WANDB_PROJECT.

Offline, unless WANDB_MODE says otherwise: it is kept in the folder `wandb`, for `wandb sync`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import wandb

PROJECT = "netsim"
OFFLINE = "offline"


class WandbRun:
    """A run of Weights & Biases: scenario keys are its config, rounds its steps."""

    def begin(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """A new run, called as the folder is."""
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=folder.name,
            config=dict(settings),
            mode=os.environ.get("WANDB_MODE", OFFLINE),
            settings=wandb.Settings(silent=True, console="off"),
            reinit="create_new",
        )

    def log(self, round: int, values: Mapping[str, float]) -> None:
        """The numbers of a round."""
        self._run.log(dict(values), step=round)

    def end(self, status: str) -> None:
        """The run is over."""
        self._run.finish(exit_code=0 if status == "done" else 1)

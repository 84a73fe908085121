"""Trackio: a run in the project `netsim`, kept on this machine (`trackio show`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import trackio

PROJECT = "netsim"


class TrackioRun:
    """A run of Trackio: scenario keys are its config, rounds its steps."""

    def begin(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """A new run, called as the folder is."""
        with redirect_stdout(sys.stderr):  # standard output is for what the command prints
            self._run = trackio.init(
                project=os.environ.get("TRACKIO_PROJECT", PROJECT),
                name=folder.name,
                config=dict(settings),
                embed=False,
            )

    def log(self, round: int, values: Mapping[str, float]) -> None:
        """The numbers of a round."""
        self._run.log(dict(values), step=round)

    def end(self, status: str) -> None:
        """The run is over."""
        with redirect_stdout(sys.stderr):
            trackio.finish()  # a run's own finish would be called again when Python ends

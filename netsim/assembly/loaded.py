"""What one process keeps from run to run: the data set, the foundation model and the trace last
used.

Runs of a study differ in little; reading the same sentences, weights and places again for each
would cost more than many a network-only run. Nothing in here changes once it is made, so what was
kept gives the same run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netsim.assembly.data import build_dataset
from netsim.learning.data.datasets import TextDataset
from netsim.mobility.replay import Recorded, Replay
from netsim.projection import Origin
from netsim.scenario.model import Scenario
from netsim.scenario.training import Data

if TYPE_CHECKING:
    from netsim.learning.foundation import Foundation


@dataclass
class Loaded:
    """The last data set, foundation model and trace, each with what it was made from."""

    rows_seed: int | None = None  # under which the rows of all runs are drawn; None: each its own
    _data: tuple[Data, int] | None = field(default=None, init=False)
    _dataset: TextDataset = field(init=False)
    _model: tuple[str, int, str, str] | None = field(default=None, init=False)
    _foundation: Foundation = field(init=False)
    _trace: tuple[Replay, Origin | None] | None = field(default=None, init=False)
    _recorded: Recorded = field(init=False)

    def recorded(
        self,
        replay: Replay,
        origin: Origin | None,
    ) -> Recorded:
        """The motion of a trace's nodes."""
        asked = (replay, origin)
        if self._trace != asked:
            self._trace = None
            self._recorded = replay.recorded(origin)
            self._trace = asked
        return self._recorded

    def dataset(self, scenario: Scenario) -> TextDataset:
        """Training and test rows, cut to the scenario's sizes."""
        if self.rows_seed is not None:
            scenario = scenario.model_copy(update={"seed": self.rows_seed})
        asked = (scenario.data, scenario.seed)
        if self._data != asked:
            self._data = None
            self._dataset = build_dataset(scenario)
            self._data = asked
        return self._dataset

    def foundation(
        self,
        name: str,
        classes: int,
        *,
        weights: str,
        device: str,
    ) -> Foundation:
        """The frozen model. Imports torch."""
        from netsim.learning.model_loading import load_foundation

        asked = (name, classes, weights, device)
        if self._model != asked:
            self._model = None
            self._foundation = load_foundation(name, classes, weights=weights, device=device)
            self._model = asked
        return self._foundation

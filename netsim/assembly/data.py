"""The sentences of a scenario."""

from __future__ import annotations

import math

from netsim.errors import ScenarioError
from netsim.learning.data.column_options import parse_data_columns
from netsim.learning.data.datasets import TextDataset, capped, load_builtin, load_path
from netsim.learning.data.hub import load_hub
from netsim.plain import exists
from netsim.scenario.model import Scenario
from netsim.scenario.training import Data

LEAST_ROWS = 10
"""A split has no fewer."""


def build_dataset(scenario: Scenario) -> TextDataset:
    """Training and test rows, cut to the scenario's sizes."""
    data = scenario.data
    options = parse_data_columns(data.columns).keeping(data.partition.columns)
    if data.path is not None:
        if not exists(data.path):
            raise ScenarioError(
                "must be an existing file or folder; give yours with --set data.path=PATH",
                where="scenario: data.path",
                value=str(data.path),
            )
        found = load_path(
            data.path,
            columns=options.columns,
            dialect=options.dialect,
            seed=scenario.seed,
        )
    elif data.hub is not None:
        found = load_hub(data.hub, columns=options.columns, seed=scenario.seed)
    else:
        return load_builtin(data.task, data.train_samples, data.test_samples, scenario.seed)
    return capped(found, data.train_samples, data.test_samples, scenario.seed)


def rows_of_app(ues: int) -> Data:
    """The fewest rows that can be dealt out: a Flower app has its own, which nobody here sees."""
    return Data(
        train_samples=max(2 * ues, LEAST_ROWS),
        test_samples=2,
        validation_fraction=0.0,
        samples_per_ue=1,
        dirichlet_concentration=math.inf,
    )

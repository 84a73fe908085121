"""What a scenario takes over from traces: the world of a recorded run, and the number of UEs.

A recorded run's tables name gNBs and UEs by number, so a replay has to have the same ones, whatever
its own seed. Recorded places bring the ground: sites, and UEs with their hardware, which times what
they do. A
recorded channel brings the air, too: what it does not hold itself (shadowing behind the
association, the interference that schemes expect, the order of the bands) is drawn as it was in the
recorded run. The replay's own seed draws the rest: data, training, and what schemes draw.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, cast

from netsim.assembly.loaded import Loaded
from netsim.errors import ScenarioError
from netsim.mobility.models import mobility_class
from netsim.mobility.replay import Recorded, Replay, node_count
from netsim.projection import Origin
from netsim.protocols import Mobility
from netsim.scenario.model import USUAL_UES, Scenario
from netsim.scenario.parameters import typed_parameters
from netsim.topology.files import read_sites
from netsim.topology.graph import graph_origin
from netsim.traces.files import present
from netsim.traces.seeds import Seeds, seeds_of
from netsim.traces.tables.scan import metadata_of


class WorldOf(NamedTuple):
    """A scenario with the seeds of what it replays; itself where that is no recorded run."""

    ground: Scenario  # for sites and UEs
    air: Scenario  # for links


def world_of(scenario: Scenario) -> WorldOf:
    """The scenario as its ground and its air are drawn. Raises DataError, and ScenarioError if
    recordings are of different worlds."""
    seeds = world_seeds(scenario)
    return WorldOf(*(scenario.model_copy(update={"seed": seed}) for seed in seeds))


def world_seeds(scenario: Scenario) -> Seeds:
    """The seeds of ground and air. Reads no table. Raises DataError and ScenarioError."""
    places = _seeds(mobility_model(scenario)) if scenario.mobility.moves else None
    channels = [_seeds_of_file(entry.path) for entry in scenario.channel]
    recorded = [found for found in channels if found is not None]
    if len(set(recorded)) > 1 or (recorded and places and places.ground != recorded[0].ground):
        every = sorted({found.ground for found in [*recorded, *([places] if places else [])]})
        rule = "recorded traces must be of one world"
        raise ScenarioError(rule, where="scenario: mobility, channel", value=f"seeds {every}")
    if recorded:
        return recorded[0]
    return Seeds(places.ground if places else scenario.seed, scenario.seed)


def _seeds(model: Mobility) -> Seeds | None:
    return _seeds_of_file(Path(model.path)) if isinstance(model, Replay) else None


def _seeds_of_file(path: Path) -> Seeds | None:
    return seeds_of(metadata_of(present(path)), path)


def mobility_model(scenario: Scenario) -> Mobility:
    """The model of moving UEs with its parameters. Raises ScenarioError."""
    chosen = scenario.mobility
    found = mobility_class(chosen.kind)
    model = cast(
        Mobility, found(**typed_parameters(found, chosen.parameters, "scenario: mobility"))
    )
    if isinstance(model, Replay) and not model.path:
        raise ScenarioError("replay needs the trace's path", where="scenario: mobility.path")
    return model


def replayed(scenario: Scenario, loaded: Loaded) -> Recorded | None:
    """The trace that moves the UEs, whole; None if a model does. Raises DataError."""
    model = mobility_model(scenario) if scenario.mobility.moves else None
    return loaded.recorded(model, _origin(scenario)) if isinstance(model, Replay) else None


def _origin(scenario: Scenario) -> Origin | None:
    """Around which degrees of a trace are projected: that of the sites, if they have one."""
    path = scenario.topology.path
    if path is None:
        return None
    return graph_origin(read_sites(path, columns=scenario.topology.columns))


def settled(scenario: Scenario, loaded: Loaded) -> Scenario:
    """The scenario with its number of UEs: where none is given, that of the replayed trace's
    nodes.
    """
    if scenario.ues.count is not None:
        return scenario
    found = replayed(scenario, loaded)
    count = USUAL_UES if found is None else node_count(found)
    return scenario.model_copy(update={"ues": scenario.ues.model_copy(update={"count": count})})

"""Motion of a scenario's UEs and the traces that stand in for its channel model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from netsim.build.radio import RadioParts
from netsim.errors import ScenarioError
from netsim.mobility.models import Static, mobility_class
from netsim.mobility.region import Rectangle, Torus
from netsim.mobility.replay import Replay, first_nodes, numbered_nodes
from netsim.protocols import Mobility, Motion
from netsim.radio.replay import ChannelTraces, Driver
from netsim.scenario.model import ChannelTrace, Scenario
from netsim.scenario.parameters import typed_parameters
from netsim.simulation.journey import Journey
from netsim.simulation.roaming import Roaming
from netsim.simulation.state import Rules
from netsim.simulation.world import World
from netsim.topology.deployment import Deployment
from netsim.topology.files import file_origin
from netsim.traces import series
from netsim.traces.detect import open_trace
from netsim.traces.trace import Trace
from netsim.units import FloatArray, from_db


def build_roaming(
    scenario: Scenario, deployment: Deployment, radio: RadioParts, start_m: FloatArray, rules: Rules
) -> Callable[[], Roaming] | None:
    """Makes UEs under way, from `start_m` [K, 2]; None where nothing changes during a round."""
    if not scenario.in_time:
        return None
    chosen = scenario.mobility
    motion = _motion(scenario, deployment, start_m)
    nodes = motion.nodes if hasattr(motion, "nodes") else ()
    traces = ChannelTraces(
        [
            driver
            for index, entry in enumerate(scenario.channel)
            for driver in _drivers(scenario, entry, index, nodes, len(deployment.positions_m))
        ]
    )
    site = deployment.learning_site if scenario.federation == "cell" else None

    def make() -> Roaming:
        journey = Journey(
            motion, radio.landscape, chosen.step_s, from_db(chosen.hysteresis_db), chosen.time_to_trigger_s
        )
        world = World(journey, chosen.moves, traces)
        return Roaming(world, rules, site, chosen.handover, radio.links_in(world))

    return make


def _motion(scenario: Scenario, deployment: Deployment, start_m: FloatArray) -> Motion:
    chosen = scenario.mobility
    if not chosen.moves:
        typed_parameters(Static, chosen.parameters, "scenario: mobility")
        return Static().motion(start_m, Rectangle(deployment.window_m), seed=scenario.seed)
    found = mobility_class(chosen.kind)
    model = cast(Mobility, found(**typed_parameters(found, chosen.parameters, "scenario: mobility")))
    if isinstance(model, Replay):
        if not model.path:
            raise ScenarioError("replay needs the trace's path", where="scenario: mobility.path")
        recorded = model.recorded(origin=file_origin(deployment.graph))
        if Path(model.path).is_dir():
            return numbered_nodes(recorded, len(start_m))
        if len(start_m) > len(recorded.nodes):
            raise ScenarioError(
                f"must be at most the {len(recorded.nodes)} nodes of {model.path}",
                where="scenario: ues.count",
                value=len(start_m),
            )
        return first_nodes(recorded, len(start_m))
    region = (Torus if deployment.torus else Rectangle)(deployment.window_m)
    return model.motion(start_m, region, seed=scenario.seed)


def _drivers(
    scenario: Scenario, entry: ChannelTrace, index: int, nodes: Sequence[str], sites: int
) -> list[Driver]:
    where = f"scenario: channel.{index}"
    trace = open_trace(entry.path, entry.format or None)
    use = entry.use or _use(trace)
    names = trace.tables["channel"].collect_schema().names() if "channel" in trace.tables else []
    if "attempt" in names and use == "gain":
        found = [(k, series.recorded_series(trace, c, fill=entry.fill))
                 for k, c in (("total", "gain"), ("interference", "interference_w"))]  # fmt: skip
    elif use == "fading" and "resource_block" in names:
        ues = frozenset(entry.ues or range(scenario.ues.count))
        grid = series.fading_trace(trace)
        return [Driver("fading", grid, {}, ues, entry.begin_s, seed=scenario.seed)]
    elif use == "rate":
        found = [("rate", series.rate_series(trace, fill=entry.fill))]
    elif use == "snr":
        found = [("snr", series.snr_series(trace, fill=entry.fill))]
    else:
        kind = "fading" if use == "fading" else trace.metadata.get("gain_kind", "large_scale")
        found = [("gain" if kind == "large_scale" else kind, series.gain_series(trace, fill=entry.fill))]
    drivers = []
    for kind, values in found:
        row = _rows(scenario, entry, values.keys, nodes, sites, where)
        ues = frozenset(key[0] for key in row)
        drivers.append(Driver(kind, values, row, ues, entry.begin_s, entry.scale == "share"))
    return drivers


def _use(trace: Trace) -> str:
    """What of a trace is replayed if nothing is said."""
    if "channel" not in trace.tables:
        trace.table("throughput")
        return "rate"
    names = trace.tables["channel"].collect_schema().names()
    if "gain_db" not in names:
        return "snr" if "throughput" not in trace.tables else "rate"
    return "fading" if trace.metadata.get("gain_kind") == "fading" else "gain"


def _rows(
    scenario: Scenario,
    entry: ChannelTrace,
    keys: Sequence[tuple[str, ...]],
    nodes: Sequence[str],
    sites: int,
    where: str,
) -> dict[tuple[int, ...], int]:
    """Which row of a series drives which link."""
    count = scenario.ues.count
    names = list(dict.fromkeys(key[0] for key in keys))
    of_node: Mapping[str, int] = {name: k for k, name in enumerate(nodes)}
    if entry.ues:
        if max(entry.ues) >= count:
            raise ScenarioError(f"must name UEs 0..{count - 1}", where=f"{where}.ues", value=max(entry.ues))
        if len(entry.ues) > len(names):
            raise ScenarioError(
                f"must be at most the {len(names)} nodes of {entry.path}",
                where=f"{where}.ues",
                value=len(entry.ues),
            )
        number = dict(zip(names, entry.ues, strict=False))
    elif set(names) & set(of_node):
        number = {name: of_node[name] for name in names if name in of_node}
    elif all(name.isdecimal() for name in names):
        number = {name: int(name) for name in names if int(name) < count}
    else:
        number = dict(zip(names, range(count), strict=False))
    found: dict[tuple[int, ...], int] = {}
    for row, key in enumerate(keys):
        if key[0] not in number:
            continue
        rest: list[int] = []
        for name in key[1:]:
            if not name.isdecimal() or (len(rest) == 0 and int(name) >= sites):
                raise ScenarioError(
                    f"its gnb must be sites, 0..{sites - 1}", where=f"{where}.path: {entry.path}", value=name
                )
            rest.append(int(name))
        found[(number[key[0]], *rest)] = row
    return found

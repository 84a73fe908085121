"""Motion of a scenario's UEs and the traces that stand in for its channel model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from netsim.build.loaded import Loaded
from netsim.build.radio import RadioParts
from netsim.build.recorded import mobility_model, replayed
from netsim.errors import ScenarioError
from netsim.mobility.extent import Extent, extent_of, sampled
from netsim.mobility.models import Static
from netsim.mobility.region import Rectangle, Torus
from netsim.mobility.replay import Recorded, chosen_nodes
from netsim.protocols import Listener, Motion
from netsim.radio.replay import ChannelTraces, Driver
from netsim.scenario.model import Scenario
from netsim.scenario.motion import ChannelTrace
from netsim.scenario.parameters import typed_parameters
from netsim.simulation.journey import Journey
from netsim.simulation.roaming import Roaming
from netsim.simulation.state import Rules
from netsim.simulation.world import World
from netsim.topology.association import nearest_site
from netsim.topology.deployment import Deployment
from netsim.traces import series
from netsim.traces.formats import open_trace
from netsim.traces.trace import Trace
from netsim.units import FloatArray, from_db

LITTLE = 0.1
"""Part of a trace in the cell that learns, below which it lies elsewhere."""


def build_motion(
    scenario: Scenario,
    deployment: Deployment,
    start_m: FloatArray,
    loaded: Loaded,
    listener: Listener,
) -> Motion | None:
    """How UEs move, from `start_m` [K, 2]; None where nothing changes during a round."""
    if not scenario.in_time:
        return None
    chosen = scenario.mobility
    if not chosen.moves:
        typed_parameters(Static, chosen.parameters, "scenario: mobility")
        return Static().motion(start_m, Rectangle(deployment.window_m), seed=scenario.seed)
    found = replayed(scenario, loaded)
    if found is None:
        region = (Torus if deployment.torus else Rectangle)(deployment.window_m)
        return mobility_model(scenario).motion(start_m, region, seed=scenario.seed)
    path = str(chosen.parameters["path"])
    chosen_ues = chosen_nodes(found, len(start_m))
    extent = extent_of(chosen_ues.tracks)
    if extent.outliers:
        names = ", ".join(extent.outlying[:4])
        listener.warning(
            f"{path}: {extent.outliers} places lie far from all others, of {names}; where the "
            "trace lies is judged without them"
        )
    placed = put_among_sites(chosen_ues, extent, scenario, deployment)
    if placed.shift_m != (0.0, 0.0):
        x, y = placed.shift_m
        listener.warning(
            f"{path} lies elsewhere than the sites, which are generated: its places are moved by "
            f"{x:.0f} m, {y:.0f} m"
        )
    _check_somebody_comes(placed, scenario, deployment, path)
    return placed


def put_among_sites(
    found: Recorded, extent: Extent, scenario: Scenario, deployment: Deployment
) -> Recorded:
    """The trace moved onto generated sites, which are nowhere in particular, if it lies elsewhere.

    That is if it leaves their window, or where one cell learns, if hardly anything of it is in that
    cell, or nobody at the beginning: then its samples' median is put on the learning site. Sites of
    a file and recorded runs have places of their own.
    """
    if found.recorded or scenario.topology.kind == "file":
        return found
    low, high = np.array(deployment.window_m).reshape(2, 2)
    if scenario.federation == "network":
        shift = (low + high) / 2 - extent.centre_m
        fits = bool((extent.low_m >= low).all() and (extent.high_m <= high).all())
    else:
        places = sampled(found.tracks.places_m[:, :2])
        shift = deployment.positions_m[deployment.learning_site] - extent.middle_m
        start = found.positions(np.zeros(1))[:, 0]
        begins = _part_in_cell(start[~np.isnan(start[:, 0])], deployment) > 0
        here = _part_in_cell(places, deployment)
        fits = (begins and here >= LITTLE) or here >= _part_in_cell(places + shift, deployment)
    return found if fits else replace(found, shift_m=(float(shift[0]), float(shift[1])))


def _check_somebody_comes(
    found: Recorded, scenario: Scenario, deployment: Deployment, path: str
) -> None:
    """Raises ScenarioError if no sample of a trace lies in the cell that learns."""
    if found.recorded or scenario.federation == "network":
        return
    places = found.tracks.places_m[:, :2] + found.shift_m
    if _part_in_cell(sampled(places), deployment) > 0 or _part_in_cell(places, deployment) > 0:
        return
    site = deployment.learning_site
    rule = (
        f"no place of the trace lies in the cell of site {site}, which learns, so no round begins"
    )
    raise ScenarioError(rule, where="scenario: mobility.path", value=path)


def _part_in_cell(places_m: FloatArray, deployment: Deployment) -> float:
    """Part of places [N, 2] that lies in the learning site's cell and in the window."""
    if not len(places_m):
        return 0.0
    low, high = np.array(deployment.window_m).reshape(2, 2)
    torus = deployment.window_m if deployment.torus else None
    near = nearest_site(places_m, deployment.positions_m, torus) == deployment.learning_site
    return float((near & ((places_m >= low) & (places_m <= high)).all(axis=1)).mean())


def build_roaming(
    scenario: Scenario,
    deployment: Deployment,
    radio: RadioParts,
    motion: Motion | None,
    rules: Rules,
) -> Callable[[], Roaming] | None:
    """Makes UEs under way; None where nothing changes during a round."""
    if motion is None:
        return None
    chosen = scenario.mobility
    traces = ChannelTraces(
        [
            driver
            for index, entry in enumerate(scenario.channel)
            for driver in _drivers(scenario, entry, index, motion, len(deployment.positions_m))
        ]
    )
    site = deployment.learning_site if scenario.federation == "cell" else None

    def make() -> Roaming:
        journey = Journey(
            motion,
            radio.landscape,
            chosen.step_s,
            from_db(chosen.hysteresis_db),
            chosen.time_to_trigger_s,
        )
        world = World(journey, chosen.moves, traces)
        return Roaming(world, rules, site, chosen.handover, radio.links_in(world))

    return make


def _drivers(
    scenario: Scenario, entry: ChannelTrace, index: int, motion: Motion, sites: int
) -> list[Driver]:
    where = f"scenario: channel.{index}"
    trace = open_trace(entry.path, entry.format or None, columns=entry.columns)
    use = entry.use or _use(trace)
    names = trace.tables["channel"].collect_schema().names() if "channel" in trace.tables else []
    recorded = "attempt" in names and use == "gain"
    if recorded:
        found = [
            (k, series.recorded_series(trace, c, fill=entry.fill))
            for k, c in (("total", "gain"), ("interference", "interference_w"))
        ]
    elif use == "fading" and "resource_block" in names:
        ues = frozenset(entry.ues or range(scenario.ue_count))
        grid = series.fading_trace(trace)
        return [Driver("fading", grid, {}, ues, entry.begin_s or 0.0, seed=scenario.seed)]
    elif use == "rate":
        found = [("rate", series.rate_series(trace, fill=entry.fill))]
    elif use == "snr":
        found = [("snr", series.snr_series(trace, fill=entry.fill))]
    else:
        kind = "fading" if use == "fading" else trace.metadata.get("gain_kind", "large_scale")
        found = [
            ("gain" if kind == "large_scale" else kind, series.gain_series(trace, fill=entry.fill))
        ]
    drivers = []
    for kind, values in found:
        # a recorded channel numbers its UEs, whatever the replayed trace calls them
        nodes = motion.nodes if isinstance(motion, Recorded) and not recorded else ()
        row = _rows(scenario, entry, values.keys, nodes, sites, where)
        ues = frozenset(key[0] for key in row)
        begin_s = (
            entry.begin_s
            if entry.begin_s is not None
            else _begin_s(values, motion, recorded=recorded)
        )
        drivers.append(Driver(kind, values, row, ues, begin_s, entry.scale == "share"))
    return drivers


def _begin_s(values: series.TraceSeries, motion: Motion, *, recorded: bool) -> float:
    """Trace time at simulated time 0 if nothing is said: on the clock of the places of the same
    nodes, else at the first sample."""
    if recorded or values.period_s is not None:
        return 0.0
    if isinstance(motion, Recorded) and {key[0] for key in values.keys} & set(motion.nodes):
        return motion.begin_s
    return float(values.time_s.min())


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
    count = scenario.ue_count
    names = list(dict.fromkeys(key[0] for key in keys))
    of_node: Mapping[str, int] = {name: k for k, name in enumerate(nodes)}
    if entry.ues:
        if max(entry.ues) >= count:
            raise ScenarioError(
                f"must name UEs 0..{count - 1}", where=f"{where}.ues", value=max(entry.ues)
            )
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
                    f"its gnb must be sites, 0..{sites - 1}",
                    where=f"{where}.path: {entry.path}",
                    value=name,
                )
            rest.append(int(name))
        found[(number[key[0]], *rest)] = row
    return found

"""Traces that stand in for the channel model of a scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from netsim.errors import ScenarioError
from netsim.mobility.replay import Recorded
from netsim.protocols import Listener, Motion
from netsim.radio.replay import ChannelTraces, Driver
from netsim.scenario.model import Scenario
from netsim.scenario.motion import ChannelTrace
from netsim.traces import series
from netsim.traces.fading_series import fading_trace
from netsim.traces.formats import open_trace
from netsim.traces.trace import Trace

RECORDED_COLUMNS = {"total": "gain", "interference": "interference_w"}
"""What a recorded channel gives, and the columns of it."""


def channel_traces(
    scenario: Scenario,
    motion: Motion,
    sites: int,
    listener: Listener,
) -> ChannelTraces:
    """All of a scenario's `[[channel]]` entries, in order; what is odd about them is told."""
    drivers: list[Driver] = []
    for index, entry in enumerate(scenario.channel):
        request = _Request(
            scenario,
            entry,
            f"scenario: channel.{index}",
            motion,
            sites,
        )
        trace = request.trace()
        found = request.drivers(trace)
        drivers += found
        for remark in [*trace.remarks(), *_unused(found)]:
            listener.warning(f"{entry.path}: {remark}")
    return ChannelTraces(drivers)


def _unused(drivers: Sequence[Driver]) -> list[str]:
    """What of a trace drives nobody, in words."""
    for driver in drivers:
        if isinstance(driver.series, series.TraceSeries):
            every = len(driver.series.keys)
            if len(driver.row) < every:
                return [f"{every - len(driver.row)} of its {every} series drive no UE"]
    return []


@dataclass(frozen=True)
class _Request:
    """One entry and what it is for."""

    scenario: Scenario
    entry: ChannelTrace
    where: str
    motion: Motion
    sites: int

    def trace(self) -> Trace:
        """The entry's trace. Raises DataError."""
        entry = self.entry
        return open_trace(entry.path, entry.format or None, columns=entry.columns)

    def drivers(self, trace: Trace) -> list[Driver]:
        """What the entry's trace drives."""
        use = self.entry.use or _use(trace)
        names = _channel_columns(trace)
        recorded = "attempt" in names and use == "gain"
        if use == "fading" and "resource_block" in names and not recorded:
            return [self._fading_driver(trace)]
        values = self._values(trace, use, recorded=recorded)
        return [self._driver(kind, found, recorded=recorded) for kind, found in values]

    def _values(
        self, trace: Trace, use: str, *, recorded: bool
    ) -> Iterator[tuple[str, series.TraceSeries]]:
        """(what is driven, by which values)."""
        fill = self.entry.fill
        if recorded:
            for kind, column in RECORDED_COLUMNS.items():
                yield kind, series.recorded_series(trace, column, fill=fill)
        elif use == "rate":
            yield "rate", series.rate_series(trace, fill=fill)
        elif use == "snr":
            yield "snr", series.snr_series(trace, fill=fill)
        elif use == "fading":
            yield "fading", series.gain_series(trace, fill=fill)
        else:
            kind = trace.metadata.get("gain_kind", "large_scale")
            values = series.gain_series(trace, fill=fill)
            yield ("gain" if kind == "large_scale" else kind), values

    def _fading_driver(self, trace: Trace) -> Driver:
        """A trace of fading over resource blocks, shared by all UEs at random offsets."""
        every = range(self.scenario.ue_count)
        values = fading_trace(trace, fill=self.entry.fill)
        begin_s = self.entry.begin_s
        return Driver(
            kind="fading",
            series=values,
            row={},
            ues=frozenset(self.entry.ues or every),
            begin_s=values.begin_s if begin_s is None else begin_s,
            seed=self.scenario.seed,
        )

    def _driver(
        self,
        kind: str,
        values: series.TraceSeries,
        *,
        recorded: bool,
    ) -> Driver:
        """A recorded channel numbers its UEs, whatever the replayed trace calls them."""
        nodes: Sequence[str] = ()
        if isinstance(self.motion, Recorded) and not recorded:
            nodes = self.motion.nodes
        row = self._rows(values.keys, nodes)
        begin_s = self.entry.begin_s
        if begin_s is None:
            begin_s = _begin_s(values, self.motion, recorded=recorded)
        return Driver(
            kind=kind,
            series=values,
            row=row,
            ues=frozenset(key[0] for key in row),
            begin_s=begin_s,
            by_share=self.entry.scale == "share",
        )

    def _rows(
        self, keys: Sequence[tuple[str, ...]], nodes: Sequence[str]
    ) -> dict[tuple[int, ...], int]:
        """Which row of a series drives which link."""
        names = list(dict.fromkeys(key[0] for key in keys))
        number = self._numbers(names, nodes)
        found: dict[tuple[int, ...], int] = {}
        for row, (name, *rest) in enumerate(keys):
            if name in number:
                found[number[name], *self._site_and_attempt(rest)] = row
        return found

    def _site_and_attempt(self, names: Sequence[str]) -> list[int]:
        """The further parts of a key as numbers."""
        for place, name in enumerate(names):
            site_exists = place > 0 or (name.isdecimal() and int(name) < self.sites)
            if not name.isdecimal() or not site_exists:
                raise ScenarioError(
                    f"its gnb must be sites, 0..{self.sites - 1}",
                    where=f"{self.where}.path: {self.entry.path}",
                    value=name,
                )
        return [int(name) for name in names]

    def _numbers(
        self,
        names: Sequence[str],
        nodes: Sequence[str],
    ) -> Mapping[str, int]:
        """The UE that each node of the trace stands for."""
        count = self.scenario.ue_count
        if self.entry.ues:
            return self._chosen(names)
        of_node = {name: number for number, name in enumerate(nodes) if name in set(names)}
        if of_node:
            return of_node
        if all(name.isdecimal() for name in names):
            return {name: int(name) for name in names if int(name) < count}
        return dict(zip(names, range(count), strict=False))

    def _chosen(self, names: Sequence[str]) -> Mapping[str, int]:
        """The UEs that the scenario names, in the order of the trace's nodes."""
        ues, count = self.entry.ues, self.scenario.ue_count
        where = f"{self.where}.ues"
        if max(ues) >= count:
            raise ScenarioError(f"must name UEs 0..{count - 1}", where=where, value=max(ues))
        if len(ues) > len(names):
            rule = f"must be at most the {len(names)} nodes of {self.entry.path}"
            raise ScenarioError(rule, where=where, value=len(ues))
        return dict(zip(names, ues, strict=False))


def _channel_columns(trace: Trace) -> list[str]:
    if "channel" not in trace.tables:
        return []
    return trace.tables["channel"].collect_schema().names()


def _use(trace: Trace) -> str:
    """What of a trace is replayed if nothing is said."""
    if "channel" not in trace.tables:
        trace.table("throughput")
        return "rate"
    if "gain_db" not in _channel_columns(trace):
        return "snr" if "throughput" not in trace.tables else "rate"
    return "fading" if trace.metadata.get("gain_kind") == "fading" else "gain"


def _begin_s(
    values: series.TraceSeries,
    motion: Motion,
    *,
    recorded: bool,
) -> float:
    """Trace time at simulated time 0 if nothing is said.

    On the clock of the places of the same nodes, else the first sample.
    """
    if recorded or values.period_s is not None:
        return 0.0
    if isinstance(motion, Recorded) and {key[0] for key in values.keys} & set(motion.nodes):
        return motion.begin_s
    return float(values.time_s.min())

"""What changes on the air during a round: UEs move, or traces stand in for the channel model.

Large-scale gains hold from one moment of the journey's grid to the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from netsim.radio.link_rows import LinkRows
from netsim.radio.replay import ChannelTraces
from netsim.topology.journey import Journey
from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class ChangingChannel:
    """The journey of the UEs and the traces of their channels, the same for the whole run."""

    journey: Journey
    moves: bool
    traces: ChannelTraces

    def changes_s(
        self,
        begin_s: float,
        end_s: float,
    ) -> FloatArray:
        """Times in (begin, end) at which gains or traces may change, ascending."""
        moments = self.journey.moments(begin_s, end_s) if self.moves else np.empty(0)
        return np.union1d(moments, self.traces.changes_s(begin_s, end_s))

    def gain(
        self,
        links: LinkRows,
        times_s: FloatArray,
    ) -> FloatArray:
        """Mean channel gain of links [R] at times [T]. [R, T]."""
        steps = np.array([self.journey.step(time_s) for time_s in times_s.tolist()])
        if not self.moves:
            steps[:] = steps[:1]
        gain = np.empty((len(links), len(steps)))
        for step in np.unique(steps).tolist():
            place_m = self.journey.sample(step).position_m[links.ue]
            found = self.journey.landscape.link_gain(place_m, links.site)
            gain[:, steps == step] = found[:, None]
        return self.put("gain", gain, links, times_s)

    def channel(
        self,
        links: LinkRows,
        fading: FloatArray,
        interference_w: FloatArray,
        times_s: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        """(gain with fading, interference in W) from what was drawn for links at times, [R, T]."""
        fading = self.put("fading", fading, links, times_s)
        total = self.put(
            "total",
            fading * self.gain(links, times_s),
            links,
            times_s,
        )
        return total, self.put("interference", interference_w, links, times_s)

    def put(
        self, kind: str, values: FloatArray, links: LinkRows, times_s: FloatArray
    ) -> FloatArray:
        """`values` [R, T] with those of traces of that kind in their place, where there are any."""
        return self.traces.put(
            kind,
            values,
            links.ue,
            links.site,
            links.attempt,
            times_s,
        )


@dataclass
class SiteGains:
    """Gains of UEs to every one of S sites while they move or are traced."""

    changing: ChangingChannel
    sites: int
    _step: int | None = field(default=None, init=False)
    _gain: FloatArray | None = field(default=None, init=False)  # [K, S] of that step

    def total(
        self, ue: IntArray, attempt: IntArray, fading: FloatArray, time_s: float
    ) -> FloatArray:
        """Gain with `fading` [R, S] of UEs [R] to all sites at a time. [R, S]."""
        gain = self._of_all(time_s)[ue]
        if not self.changing.traces:
            return np.asarray(gain * fading)

        at = np.array([time_s])
        every_link = LinkRows(
            ue=np.repeat(ue, self.sites),
            site=np.tile(np.arange(self.sites), len(ue)),
            attempt=np.repeat(attempt, self.sites),
            begun_round=np.zeros(len(ue) * self.sites, dtype=np.int64),
        )

        def put(kind: str, values: FloatArray) -> FloatArray:
            flat = self.changing.put(
                kind,
                values.reshape(-1, 1),
                every_link,
                at,
            )
            return flat.reshape(gain.shape)

        return put("total", put("gain", gain) * put("fading", fading))

    def _of_all(self, time_s: float) -> FloatArray:
        """Mean gains of all UEs at a time. [K, S]."""
        step = self.changing.journey.step(time_s)
        if self._gain is None or (self.changing.moves and step != self._step):
            place_m = self.changing.journey.sample(step).position_m
            columns = self.changing.journey.landscape.columns(place_m)
            self._gain = np.stack([gain for _, gain in columns], axis=1)
            self._step = step
        return self._gain

"""Keys of what changes during a run: places of UEs, and channels read from traces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from netsim.scenario.section import Finite, NonNegative, PluginChoice, Positive, Section, key

REPLAY = "replay"


class MobilityChoice(PluginChoice):
    """How UEs move, by name; other keys are its own parameters."""

    kind: str = key(
        "static",
        "static, random_waypoint, gauss_markov, replay (of the trace `path`, from its first "
        "sample or from trace time `begin_s`), or a plug-in",
        min_length=1,
    )
    step_s: Positive = key(
        1.0, "places are sampled so often; distance and serving gNB follow", unit="s"
    )
    hysteresis_db: NonNegative = key(
        3.0,
        "handover once another gNB is better by this much in mean gain (3GPP event A3)",
        unit="dB",
    )
    time_to_trigger_s: NonNegative = key(0.0, "and has been for this long", unit="s")
    handover: Literal["abort", "resume", "finish_old"] = key(
        "abort",
        "an upload that has begun at a handover: lost, goes on at the new gNB after 50 ms, or ends "
        "at the old one",
    )

    @property
    def moves(self) -> bool:
        """Places change."""
        return self.kind != "static"


class ChannelTrace(Section):
    """A trace that stands in for the channel model, for some UEs or all."""

    path: Path = Field(
        description="trace file of gains, fading, SNR or rates, in any format that is read"
    )
    format: str = key("", "its format, where that is not seen from the file")
    columns: str = key("", "what its columns are, as time=t:ms,ue=id,rate=kbit/s")
    use: Literal["gain", "fading", "snr", "rate"] | None = key(
        None, "what of the file is replayed; default: what it has, gains, else rates, else SNR"
    )
    ues: tuple[Annotated[int, Field(ge=0)], ...] = key(
        (), "UEs that it drives, in the order of its nodes; default: those it names"
    )
    begin_s: Finite | None = key(
        None,
        "trace time at simulated time 0; default: that of the replayed mobility trace if both "
        "name the same nodes, 0 of a recorded channel, else the first sample",
        unit="s",
    )
    fill: Literal["error", "hold", "interpolate"] = key("error", "what bridges a gap in the trace")
    scale: Literal["share", "none"] = key(
        "share",
        "a rate is that of the whole band, used by share, or is the UE's whatever its share",
    )

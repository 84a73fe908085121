"""The samples in `traces/` that SUMO did not make: walks, a recorded channel, rates of a link.

python analysis/make_traces.py traces
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from netsim import rng, run
from netsim.mobility.models import GaussMarkov, RandomWaypoint
from netsim.mobility.region import Rectangle
from netsim.radio.pathloss import PowerLaw, distances_m
from netsim.traces import open_trace
from netsim.traces.convert import write_native, write_trace
from netsim.traces.trace import Trace

SEED = 7
WINDOW_M = (0.0, 0.0, 450.0, 450.0)
SITES_M = np.array([[75.0, 75.0], [375.0, 75.0], [75.0, 375.0], [375.0, 375.0]])

RECORDED = {
    "network_only": True,
    "record": True,
    "rounds": 100,
    "scheme.kind": "round_robin",
    "federation": "network",
    "topology.kind": "hex",
    "topology.density_per_km2": 25,
    "topology.window_km": 0.6,
    "mobility.kind": "replay",
    "mobility.hysteresis_db": 1.0,
}
"""Settings of the run that is recorded, on top of the quickstart; it ends with its trace."""


def walks(folder: Path) -> None:
    """Ten random waypoint walks of ten minutes, in BonnMotion's format, a sample at every turn."""
    start = Rectangle(WINDOW_M).uniform(rng.stream(SEED, "start").random((10, 2)))
    motion = RandomWaypoint(0.5, 1.5, 60.0).motion(start, Rectangle(WINDOW_M), seed=SEED)
    motion.positions(np.array([600.0]))
    turns = np.unique(np.concatenate([*motion.turns_s(), [0.0, 600.0]]))
    turns = turns[turns <= 600.0]
    places = motion.positions(turns)
    rows = []
    for ue, own in enumerate(motion.turns_s()):
        kept = np.isin(turns, own) | (turns == 600.0)
        rows += [
            (t, str(ue), x, y) for t, (x, y) in zip(turns[kept], places[ue, kept], strict=True)
        ]
    frame = pl.DataFrame(rows, schema=["time_s", "node", "x_m", "y_m"], orient="row")
    write_trace(Trace(folder, "models", {"mobility": frame.lazy()}), folder / "walks.movements")


def channel(folder: Path) -> None:
    """What the UEs of grid.fcd.xml met in a run among seven sites, as it recorded it itself."""
    overrides = {**RECORDED, "mobility.path": folder / "grid.fcd.xml"}
    with tempfile.TemporaryDirectory() as place:
        made = run("quickstart", overrides, out=Path(place) / "run")
        write_trace(open_trace(made.path / "channel"), folder / "grid.channel.parquet")


def rates(folder: Path) -> None:
    """Rate of 1.4 MHz to four indoor walkers under Rayleigh fading, ten values a second, a minute
    long.
    """
    start = Rectangle(WINDOW_M).uniform(rng.stream(SEED, "start").random((4, 2)))
    times = np.arange(600) / 10
    places = GaussMarkov(1.4).motion(start, Rectangle(WINDOW_M), seed=SEED).positions(times)
    distance = distances_m(places.reshape(-1, 2), SITES_M).min(axis=1)
    gain = PowerLaw(3.5, 60.0).gain(distance).reshape(4, -1)
    fading = rng.stream(SEED, "fading").exponential(size=gain.shape)
    snr = 0.2 * gain * fading / (1.4e6 * 10**-20.4)  # 200 mW, -174 dBm/Hz
    rate = np.round(1.4e6 * np.log2(1 + np.minimum(snr, 200.0)) + 1e5)
    frame = pl.DataFrame(
        {
            "time_s": np.tile(times, 4),
            "node": np.repeat(list("abcd"), 600),
            "rate_bps": rate.ravel(),
        }
    )
    metadata = {"period_s": "60.0"}
    write_native(frame.lazy(), folder / "walkers.rates.csv", metadata)
    one = frame.filter(pl.col("node") == "a", pl.col("time_s") < 10).lazy()
    write_trace(
        Trace(folder, "models", {"throughput": one}, {"period_s": "10.0"}), folder / "walker-a.up"
    )


if __name__ == "__main__":
    for make in (walks, channel, rates):
        make(Path(sys.argv[1]))

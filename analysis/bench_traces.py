"""How fast are traces? A large SUMO file that is converted, and a long recording that starts to
replay.

    python analysis/bench_traces.py [--rows 10000000] [--megabytes 300]

Both files are made here: places of 1,000 nodes second by second in Parquet, and the timesteps of
traces/grid.fcd.xml over and over. Conversion is beside a bare pass of
xml.etree.ElementTree.iterparse, each in a process of its own, with its peak memory. Exit code 1 if
a limit is missed.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from netsim.mobility.replay import Replay

SAMPLE = Path(__file__).parents[1] / "traces" / "grid.fcd.xml"
NODES, REPEATS = 1000, 5
START_S, SHARE, PEAK_MB = 2.0, 0.5, 500
BARE = """
import sys, xml.etree.ElementTree as tree
for _, element in tree.iterparse(sys.argv[1]):
    element.clear()
"""
CONVERT = """
import sys
from pathlib import Path
from netsim.traces.convert import write_trace
from netsim.traces.formats import open_trace
write_trace(open_trace(Path(sys.argv[1])), Path(sys.argv[2]))
"""


def write_places(path: Path, rows: int) -> None:
    """Every node at every second, in the order of time."""
    seconds = max(rows // NODES, 1)
    places = np.random.default_rng(0).uniform(0, 1000, (2, seconds * NODES))
    names = pl.Series([f"veh{k}" for k in range(NODES)], dtype=pl.Categorical)
    frame = pl.DataFrame(
        {
            "time_s": np.repeat(np.arange(seconds, dtype=np.float64), NODES),
            "node": names.gather(np.tile(np.arange(NODES), seconds)),
            "x_m": places[0],
            "y_m": places[1],
        }
    )
    frame.with_columns(pl.col("node").cast(pl.String)).write_parquet(path)


def write_sumo(path: Path, megabytes: float) -> None:
    """The sample's timesteps, again and again, each time later."""
    text = SAMPLE.read_text(encoding="utf-8")
    begin, end = text.index("<timestep"), text.rindex("</fcd-export>")
    steps = re.split(r'(?<=<timestep time=")[\d.]+(?=")', text[begin:end])
    time_s = 0
    with path.open("w", encoding="utf-8") as file:
        file.write(text[:begin])
        while file.tell() < megabytes * 1e6:
            file.write(steps[0])
            for step in steps[1:]:
                file.write(f"{time_s:.2f}{step}")
                time_s += 1
        file.write(text[end:])


def apart(program: str, *arguments: Path) -> tuple[float, float]:
    """CPU seconds and peak memory (MB) of a Python program."""
    code = f"{program}\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, int(
        done.stdout
    ) / 1024


def main() -> int:
    """Measure both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--megabytes", type=float, default=300.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        places, sumo = Path(folder) / "places.parquet", Path(folder) / "large.fcd.xml"
        write_sumo(
            sumo, asked.megabytes
        )  # first: a child's peak counts what its parent held at its start
        bare_s, _ = apart(BARE, sumo)
        convert_s, peak_mb = apart(CONVERT, sumo, Path(folder) / "large.parquet")
        sys.stdout.write(
            f"{sumo.stat().st_size / 1e6:.0f} MB of SUMO XML converted in {convert_s:.1f} s of CPU, bare "
            f"pass {bare_s:.1f} s: {bare_s / convert_s:.2f} of its speed (limit {SHARE:g}), "
            f"peak {peak_mb:.0f} MB (limit {PEAK_MB})\n"
        )
        write_places(places, asked.rows)
        spent = []
        for _ in range(REPEATS):
            begun = time.perf_counter()
            Replay(str(places)).recorded().positions(np.zeros(1))
            spent.append(time.perf_counter() - begun)
        spent.sort()
        median_s = spent[REPEATS // 2]
        sys.stdout.write(
            f"{asked.rows} rows of mobility start to replay in {median_s:.2f} s "
            f"({spent[0]:.2f} to {spent[-1]:.2f}; limit {START_S:g})\n"
        )
    return int(median_s > START_S or bare_s / convert_s < SHARE or peak_mb > PEAK_MB)


if __name__ == "__main__":
    raise SystemExit(main())

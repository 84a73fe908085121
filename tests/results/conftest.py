"""A synthetic run folder of any length, and small ones as they come from the simulator."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from netsim.records import OUTCOMES, SPAN_KINDS, TABLES
from netsim.results.reader import Run
from netsim.results.table_buffer import table_schema

ROUND_S, DEADLINE_S = 6.0, 5.0


@pytest.fixture(scope="session")
def synthetic() -> Callable[..., Run]:
    """Write a run of `parts` parts of `rounds` rounds of `ues` UEs with 4 spans per upload."""
    return write_synthetic


def write_synthetic(folder: Path, *, parts: int, rounds: int, ues: int) -> Run:
    """Every part has the numbers of the first, later: the answers to queries are known."""
    frames = _part(rounds, ues)
    for part in range(parts):
        first, shift = part * rounds, part * rounds * ROUND_S
        for table, frame in frames.items():
            times = [c for c in frame.columns if c in ("start_s", "end_s", "deadline_s", "time_s")]
            moved = frame.with_columns(pl.col("round") + first, pl.col(times) + shift)
            path = folder / table / f"part-{part:06d}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            moved.write_parquet(path, compression="lz4", statistics=True)
    (folder / "ues").mkdir()
    _typed(
        "ues", {"ue": np.arange(ues), "gnb": np.arange(ues) % 3, "class": ["phone"] * ues}
    ).write_parquet(folder / "ues" / "part-000000.parquet")
    records = {table: len(frame) * parts for table, frame in frames.items()}
    metadata = {
        "status": "done",
        "seed": 1,
        "name": "synthetic",
        "scheme": "none",
        "records": records,
    }
    (folder / "metadata.json").write_text(json.dumps(metadata))
    return Run(folder)


def _part(rounds: int, ues: int) -> dict[str, pl.DataFrame]:
    """Rounds from 1 on at three gNBs: all compute, wait for the slowest, send; 1 s of backhaul-free
    closing.
    """
    draw = np.random.default_rng(1)
    number = np.repeat(np.arange(1, rounds + 1), ues)
    ue = np.tile(np.arange(ues), rounds)
    opened = (number - 1) * ROUND_S
    download, compute = 0.1 + 0.001 * (ue % 7), draw.uniform(0.1, 1.0, len(ue))
    start = opened + 1.5
    airtime = draw.uniform(0.5, 5.0, len(ue))
    late = start + airtime > opened + DEADLINE_S
    outage = draw.random(len(ue)) < 0.1
    end = np.minimum(start + airtime, opened + DEADLINE_S)
    outcome = np.where(outage, 2, np.where(late, 1, 0))
    who = {"round": number, "ue": ue, "gnb": ue % 3, "module": ue % 4}
    begun, done = opened + download, opened + download + compute
    names = np.array(OUTCOMES)[outcome]
    uploads = {
        **who,
        "begun": number,
        "payload_bits": 1e6,
        "bandwidth_hz": 1e5,
        "power_w": 0.2,
        "distance_m": 10.0 + ue % 500,
        "bits_sent": 1e6 * (end - start) / airtime,
        "attempts": 1,
        "start_s": start,
        "end_s": end,
        "deadline_s": opened + DEADLINE_S,
        "download_s": download,
        "compute_s": compute,
        "wait_s": start - done,
        "airtime_s": end - start,
        "retransmit_s": 0.0,
        "backhaul_s": 0.0,
        "staleness": 0,
        "energy_j": 0.2 * (end - start),
        "outcome": names,
    }
    pieces = [
        {"kind": "broadcast", "start_s": opened, "end_s": begun, "energy_j": 0.0, "outcome": None},
        {
            "kind": "compute",
            "start_s": begun,
            "end_s": done,
            "energy_j": compute,
            "outcome": "on_time",
        },
        {"kind": "wait", "start_s": done, "end_s": start, "energy_j": 0.0, "outcome": None},
        {
            "kind": "uplink",
            "start_s": start,
            "end_s": end,
            "energy_j": 0.2 * (end - start),
            "outcome": names,
        },
    ]
    spans = pl.concat([_typed("spans", {**who, **piece}) for piece in pieces])
    per_round = np.repeat(np.arange(1, rounds + 1), 3)
    begins = (per_round - 1) * ROUND_S
    closing = {
        "round": per_round,
        "gnb": np.tile(np.arange(3), rounds),
        "start_s": begins,
        "deadline_s": begins + DEADLINE_S,
        "end_s": begins + ROUND_S,
        "subscribed": ues // 3,
    }
    return {
        "spans": spans,
        "uploads": _typed("uploads", uploads),
        "rounds": _typed("rounds", closing),
    }


def _typed(table: str, columns: dict[str, object]) -> pl.DataFrame:
    """A frame of the table's schema; what is not given is null, or 0 where it may not be."""
    length = max(len(v) for v in columns.values() if isinstance(v, np.ndarray | list))
    series = []
    for column in TABLES[table]:
        value = columns.get(column.name)
        dtype = table_schema(table)[column.name]
        if isinstance(value, np.ndarray | list):
            series.append(pl.Series(column.name, value).cast(dtype))
            continue
        if value is None and not column.nullable and column.kind in ("int", "float"):
            value = 0
        series.append(pl.repeat(value, length, dtype=dtype, eager=True).alias(column.name))
    assert columns.keys() <= {c.name for c in TABLES[table]}
    assert "uplink" in SPAN_KINDS
    return pl.DataFrame(series)

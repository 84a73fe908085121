"""What every registered scheme keeps when it trains: bits on the air are those of the tensors, and
no others move.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file

from netsim.assembly import Loaded, build_parts, build_simulation
from netsim.protocols import HEAD, LORA_A, LORA_B, Observation, Progress, RoundPlan
from netsim.results.writer import MemorySink
from netsim.scenario.load import load_scenario
from netsim.schemes.base import scheme_names

ROUNDS = 3
LOADED = Loaded()
SMALL: dict[str, Any] = {
    "rounds": ROUNDS,
    "ues.count": 5,
    "topology.window_km": 8,
    "radio.bandwidth_hz": 2e6,  # so narrow that some uploads are late
    "data.train_samples": 300,
    "data.test_samples": 20,
    "devices": [{"samples_min": 2, "samples_max": 3, "cpu_hz_min": 1e9, "cpu_hz_max": 2e9}],
    "learning.local_steps": 1,
    "learning.workers": 1,
}


class Snapshots:
    """A listener that keeps the bytes of every module at the end of each round."""

    def __init__(self) -> None:
        self.states: Callable[[], list[bytes]] = list
        self.after: list[list[bytes]] = []

    def status(self, text: str) -> None:
        pass

    def warning(self, text: str) -> None:
        pass

    def round_closed(self, progress: Progress) -> None:
        self.after.append(self.states())


@pytest.mark.parametrize("kind", scheme_names())
def test_bits_are_those_of_the_tensors_and_others_do_not_move(kind: str, tmp_path: Path) -> None:
    snapshots, sink = Snapshots(), MemorySink()
    scenario = load_scenario("quickstart", {**SMALL, "scheme.kind": kind})
    parts = build_parts(scenario, snapshots, LOADED)
    learner: Any = parts.learner
    snapshots.states = lambda: [vector.tobytes() for vector in learner.states]
    plans: dict[int, RoundPlan] = {}
    plan_as_usual = parts.scheme.plan

    def remembered(observation: Observation) -> RoundPlan:
        plans[observation.round] = plan_as_usual(observation)
        return plans[observation.round]

    parts.scheme.plan = remembered  # type: ignore[method-assign]
    build_simulation(parts, sink, snapshots).run(parts.scheme)
    learner.save(tmp_path)
    learner.close()

    copies = 1 + parts.learning.optimisation.control_variates  # these are as large as the module
    uploads = sink.frame("uploads")
    assert len(uploads) > 0
    for row in uploads.iter_rows(named=True):
        layout = learner._layouts[row["module"]]
        rank = layout.spec.rank if row["rank"] is None else row["rank"]
        plan = plans[row["begun"]]
        mine = (plan.ue == row["ue"]) & (plan.module == row["module"])
        given = plan.exchange.sent_parts, plan.exchange.more_up_bits, plan.exchange.on_air
        columns = [np.broadcast_to(column, plan.ue.shape)[mine] for column in given]
        parts_sent, more, on_air = (column.item() for column in columns)
        numbers = _numbers(tmp_path / str(row["module"]), layout.spec.rank, rank, parts_sent)
        numbers *= copies * on_air
        assert row["payload_bits"] == pytest.approx(32 * numbers + more, rel=1e-12)

    arrived = uploads.filter(pl.col("outcome") == "on_time")
    assert len(snapshots.after) == ROUNDS + 1
    waiting = set[int]()  # at gNBs, for a merge
    for number in range(1, ROUNDS + 1):
        touched = set(arrived.filter(pl.col("round") == number)["module"]) | waiting
        waiting = touched if plans[number].to_core_bits == 0 else set()
        touched -= waiting
        if not np.any(plans[number].exchange.trained):
            touched = set()  # losses were measured
        pairs = zip(snapshots.after[number - 1], snapshots.after[number], strict=True)
        moved = {n for n, (before, after) in enumerate(pairs) if before != after}
        assert moved == touched


def _numbers(folder: Path, own_rank: int, rank: int, parts: int) -> int:
    """Numbers in some parts, cut to a rank, of a saved module."""
    adapter = folder / "adapter_model.safetensors"
    tensors = load_file(adapter if adapter.exists() else folder / "model.safetensors")
    total = 0
    for name, tensor in tensors.items():
        factor = {"lora_A": LORA_A, "lora_B": LORA_B}
        (part, *_) = [part for key, part in factor.items() if key in name] or [HEAD]
        if parts & part or not own_rank:
            total += tensor.size if part == HEAD else tensor.size // own_rank * rank
    return total

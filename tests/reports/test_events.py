"""TensorBoard's own reader finds the run's numbers, simulated time as wall time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from netsim.errors import InputError
from netsim.reports.events import write_events
from netsim.results.compare import per_round
from netsim.results.reader import Run, open_run


def test_tensorboard_reads_the_run(learned: Path, tmp_path: Path) -> None:
    run = open_run(learned)
    write_events(run, tmp_path / "events")
    found = EventAccumulator(str(tmp_path / "events")).Reload()
    tags = found.Tags()["scalars"]
    assert {"accuracy/ensemble", "loss/module_3", "rounds/on_time", "rounds/energy_j"} <= set(tags)
    curve = run.learning_curve().collect()
    read = found.Scalars("accuracy/ensemble")
    assert [e.wall_time for e in read] == curve["time_s"].to_list()
    assert [e.step for e in read] == curve["round"].to_list()
    assert [e.value for e in read] == pytest.approx(curve["accuracy"].to_list(), abs=1e-6)
    on_time = per_round(run).collect()["on_time"].to_list()
    assert [e.value for e in found.Scalars("rounds/on_time")] == on_time


def test_same_run_same_bytes(network_run: Callable[..., Run], tmp_path: Path) -> None:
    one, other = (write_events(network_run(), tmp_path / name) for name in ("a", "b"))
    assert one.read_bytes() == other.read_bytes()


def test_without_the_extra_there_is_one_clear_error(
    network_run: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    with pytest.raises(InputError, match="pip install tensorboard"):
        write_events(network_run(), tmp_path / "events")
    assert not (tmp_path / "events").exists()

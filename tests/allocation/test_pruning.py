"""Pruning and bandwidth together: levels by hand, and the joint problem by brute force."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from netsim.allocation.bandwidth import allocate_bandwidth
from netsim.allocation.pruning import PruningTask, allocate_with_pruning, level_by_pruning

TWO = PruningTask(
    signal_w=np.array([1e-12, 4e-12]),
    interference_w=np.array([1e-13, 1e-13]),
    noise_psd_w_hz=np.full(2, 4e-21),
    bandwidth_hz=1e7,
    payload_bits=np.array([4e6, 4e6]),
    heard_s=np.array([0.1, 0.2]),
    computing_s=np.array([3.0, 1.0]),
    prunable=2 / 3,
    weight=np.array([0.25, 0.75]),
    mean_pruned=0.1,
    most_pruned=0.5,
    barrier=False,
)


def test_levels_by_hand() -> None:
    """Of 10, 8 and 2 s, 4 s each can be saved. A mean of 1/4 takes the first two to 7.5 s."""
    third = np.full(3, 1 / 3)
    saved = np.full(3, 4.0)
    found = level_by_pruning(np.array([10.0, 8.0, 2.0]), saved, third, mean=0.25, most=1.0)
    assert found == pytest.approx([2.5 / 4, 0.5 / 4, 0.0])
    # at most half may go: the first stays at 8 s, and nobody else needs to be pruned
    found = level_by_pruning(np.array([10.0, 8.0, 2.0]), saved, third, mean=0.25, most=0.5)
    assert found == pytest.approx([0.5, 0.0, 0.0])
    assert level_by_pruning(np.ones(3), saved, third, mean=0.0, most=1.0).tolist() == [0, 0, 0]


def finish_s(task: PruningTask, pruned: np.ndarray, share: float) -> float:
    shares = np.array([share, 1 - share])
    noise_w = task.noise_psd_w_hz * task.bandwidth_hz * shares
    sinr = task.signal_w / (task.interference_w + noise_w)
    upload_s = task.payload_bits / (task.bandwidth_hz * shares * np.log2(1 + sinr))
    start_s = task.heard_s + task.computing_s * (1 - task.prunable * pruned)
    if task.barrier:
        start_s = np.full(2, start_s.max())
    return float((start_s + upload_s).max())


@pytest.mark.parametrize("barrier", [True, False])
def test_no_choice_is_better_than_that_of_the_descent(barrier: bool) -> None:
    task = replace(TWO, barrier=barrier)
    found = allocate_with_pruning(task)
    assert task.weight @ found.pruned <= task.mean_pruned + 1e-9
    assert found.pruned.max() <= task.most_pruned
    own = finish_s(task, found.pruned, float(found.shares[0]))
    assert own == pytest.approx(found.finish_s, rel=1e-6)
    best = np.inf
    for first in np.linspace(0, min(0.5, 0.1 / 0.25), 81):
        second = min(0.5, (0.1 - 0.25 * first) / 0.75)
        for share in np.linspace(0.02, 0.98, 193):
            best = min(best, finish_s(task, np.array([first, second]), float(share)))
    assert found.finish_s <= best * 1.002
    assert best < finish_s(task, np.zeros(2), 0.5) * 0.97


def test_without_pruning_it_is_algorithm_1() -> None:
    task = replace(TWO, mean_pruned=0.0, barrier=True)
    found = allocate_with_pruning(task)
    alone = allocate_bandwidth(
        task.signal_w,
        task.interference_w,
        task.payload_bits,
        bandwidth_hz=task.bandwidth_hz,
        noise_psd_w_hz=task.noise_psd_w_hz,
    )
    assert found.shares == pytest.approx(alone.shares)
    assert found.finish_s == pytest.approx(3.1 + alone.finish_s)

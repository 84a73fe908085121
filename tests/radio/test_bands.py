"""Bands side by side, and their overlaps against a pass over all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from netsim.radio.bands import overlaps, stacked_bands


@pytest.mark.parametrize("seed", range(5))
def test_overlaps_are_those_of_all_pairs(seed: int) -> None:
    generator = np.random.default_rng(seed)
    count = int(generator.integers(1, 60))
    cell = generator.integers(0, 7, count)
    low, high = stacked_bands(cell, generator.uniform(1, 10, count), generator.random(count))
    victims = int(generator.integers(1, count + 1))
    found = overlaps(cell, low, high, victims)
    table = np.zeros((victims, count))
    table[found.victim, found.source] = found.hz
    assert len(found.hz) == (table > 0).sum()  # no pair twice
    shared = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    shared = np.where(cell[:, None] == cell, 0.0, np.maximum(shared, 0.0))[:victims]
    assert np.allclose(table, shared)


def test_bands_of_a_cell_lie_side_by_side() -> None:
    cell, hz = np.array([1, 0, 1, 1]), np.array([5.0, 2.0, 3.0, 4.0])
    low, high = stacked_bands(cell, hz, np.array([2.0, 0.0, 0.0, 1.0]))
    assert low.tolist() == [7.0, 0.0, 0.0, 3.0]
    assert (high - low).tolist() == hz.tolist()


def test_nobody() -> None:
    none = np.empty(0)
    low, high = stacked_bands(none.astype(np.int64), none, none)
    assert len(overlaps(none.astype(np.int64), low, high, 0).hz) == 0


def test_empty_bands_hide_no_others() -> None:
    """Shares of uploads that have ended are 0, and lie anywhere among the others by rounding."""
    rng = np.random.default_rng(3)
    for _ in range(200):
        cell = np.sort(rng.integers(0, 3, 12))
        hz = np.where(rng.random(12) < 0.5, 0.0, rng.random(12))
        low, high = stacked_bands(cell, hz, rng.random(12))
        found = overlaps(cell, low, high, 12)
        pairs = {(v, s) for v, s in zip(found.victim.tolist(), found.source.tolist(), strict=True)}
        expected = {
            (v, s)
            for v in range(12)
            for s in range(12)
            if cell[v] != cell[s] and min(high[v], high[s]) > max(low[v], low[s])
        }
        assert pairs == expected

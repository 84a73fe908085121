"""Resource grid, and shares as whole resource blocks."""

from __future__ import annotations

import numpy as np
import pytest

from netsim.errors import InputError
from netsim.radio.nr.grid import RESOURCE_BLOCKS, ResourceGrid, resource_blocks
from netsim.radio.nr.shares import on_whole_blocks, whole_blocks


@pytest.mark.parametrize(
    ("bandwidth_mhz", "spacing_khz", "blocks"),
    [(20, 15, 106), (100, 30, 273), (20, 30, 51), (100, 60, 135), (400, 120, 264)],
)
def test_blocks_of_a_channel(bandwidth_mhz: int, spacing_khz: int, blocks: int) -> None:
    assert resource_blocks(bandwidth_mhz * 1e6, spacing_khz * 1e3) == blocks


@pytest.mark.parametrize("spacing_khz", RESOURCE_BLOCKS)
def test_blocks_fill_most_of_the_channel_and_never_more(spacing_khz: int) -> None:
    for bandwidth_mhz, blocks in RESOURCE_BLOCKS[spacing_khz].items():
        used = blocks * 12 * spacing_khz * 1e3 / (bandwidth_mhz * 1e6)
        assert 0.7 < used < 1


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (
            {"bandwidth_hz": 55e6},
            r"radio.rate_model = nr and radio.nr.subcarrier_spacing_khz = 30 must be one of 5, 10",
        ),
        ({"subcarrier_spacing_hz": 20e3}, r"subcarrier spacing must be one of 15, 30, 60, 120 kHz"),
        ({"uplink_fraction": 0.0}, r"uplink fraction must lie in \(0, 1\]"),
        ({"symbols": 15}, r"symbols of a slot must lie in 1\.\.14"),
        ({"dmrs_elements": 168}, r"overheads must leave resource elements"),
        ({"grant_delay_slots": -1}, r"grant delay must not be negative"),
    ],
)
def test_what_nr_does_not_have(change: dict[str, float], rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        ResourceGrid(**change)  # type: ignore[arg-type]


def test_slots_and_elements() -> None:
    grid = ResourceGrid(uplink_fraction=0.25)
    assert grid.slot_s == pytest.approx(0.5e-3)
    assert grid.uplink_slots_per_s == pytest.approx(500)
    assert grid.elements_per_block == 156
    assert ResourceGrid(overhead_elements=18).elements_per_block == 138
    assert grid.grant_delay_s == pytest.approx(2e-3)
    assert grid.block_hz == 360e3


def test_largest_remainder() -> None:
    assert whole_blocks(np.array([0.5, 0.25, 0.25]), 273).tolist() == [137, 68, 68]
    assert whole_blocks(np.array([1.0]), 24).tolist() == [24]
    assert whole_blocks(np.full(4, 0.25), 51).tolist() == [13, 13, 13, 12]


def test_at_least_one_block_at_the_cost_of_others() -> None:
    assert whole_blocks(np.array([0.001, 0.999]), 24).tolist() == [1, 23]
    assert whole_blocks(np.array([0.001, 0.001, 0.498, 0.5]), 24).tolist() == [1, 1, 11, 11]


def test_what_does_not_fit_waits() -> None:
    assert whole_blocks(np.array([0.1, 0.4, 0.2, 0.3]), 3).tolist() == [0, 1, 1, 1]
    assert whole_blocks(np.array([0.0, 0.5]), 24).tolist() == [0, 12]


def test_blocks_of_random_shares() -> None:
    generator = np.random.default_rng(1)
    for _ in range(200):
        count = int(generator.integers(1, 60))
        share = generator.dirichlet(np.full(count, 0.3)) * generator.choice([1.0, 0.7])
        blocks = int(generator.choice([24, 51, 273]))
        found = whole_blocks(share, blocks)
        asked = np.count_nonzero(share > 0)
        assert found.sum() <= blocks
        assert np.count_nonzero(found) == min(asked, blocks)
        assert found.sum() >= min(np.floor(share.sum() * blocks - 1e-6), blocks)
        if asked < blocks // 2 and (share * blocks).min() > 1:
            assert np.abs(found - share * blocks).max() < 1


def test_cells_are_apart() -> None:
    share = np.array([0.5, 1.0, 0.5])
    cell = np.array([4, 7, 4])
    found = on_whole_blocks(share, cell, np.ones(3), 25)
    np.testing.assert_allclose(found, np.array([13, 25, 12]) / 25)


def test_blocks_that_are_taken_are_not_given_away() -> None:
    """A tenth of 24 blocks is free: two of three uploads get one each, the last one waits."""
    share = np.array([0.05, 0.03, 0.02])
    found = on_whole_blocks(share, np.zeros(3, dtype=np.int64), np.full(3, 0.1), 24)
    np.testing.assert_allclose(found, np.array([1, 1, 0]) / 24)

"""The division of rows over UEs."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pace import slowness

from netsim.errors import DataError, InputError
from netsim.learning.data.partition import Partition, RowKeys, ue_test_rows
from netsim.learning.data.worlds import DataSkew, draw_partition

LABEL = np.random.default_rng(0).integers(0, 3, 900)


def make(ues: int = 20, concentration: float = 0.5, seed: int = 0, **changes: float) -> Partition:
    arguments = {"samples_per_ue": 30, "validation_fraction": 0.1, **changes}
    # type: ignore[arg-type]
    return draw_partition(
        RowKeys(LABEL), DataSkew(label_concentration=concentration), ues=ues, seed=seed, **arguments
    )


@settings(max_examples=25, deadline=None)
@given(
    ues=st.integers(1, 40),
    concentration=st.sampled_from([0.01, 0.3, 5.0, np.inf]),
    seed=st.integers(0, 5),
)
def test_rows_match_their_counts(ues: int, concentration: float, seed: int) -> None:
    part = make(ues, concentration, seed)
    assert part.counts.shape == (ues, 3)
    assert (part.counts.sum(axis=1) == 30).all()
    for ue in range(ues):
        rows = part.rows(ue)
        assert np.bincount(LABEL[rows], minlength=3).tolist() == part.counts[ue].tolist()
        assert not set(rows.tolist()) & set(part.validation.tolist())


def test_more_ues_change_nobody() -> None:
    few, many = make(20), make(35)
    assert (few.counts == many.counts[:20]).all()
    assert all((few.rows(ue) == many.rows(ue)).all() for ue in range(20))
    assert (few.validation == many.validation).all()


def test_rows_are_shared_only_when_a_pool_is_exhausted() -> None:
    part = make(20, np.inf)  # 600 rows of 810
    rows = np.concatenate([part.rows(ue) for ue in range(20)])
    assert len(set(rows.tolist())) == 600
    part = make(60, np.inf)  # 1,800 of 810
    rows = np.concatenate([part.rows(ue) for ue in range(60)])
    assert set(rows.tolist()) | set(part.validation.tolist()) == set(range(900))
    used = np.bincount(rows, minlength=900)[np.setdiff1d(np.arange(900), part.validation)]
    assert (
        used.max() - used.min() <= 1 + 1
    )  # each pool goes round evenly; pools differ by a turn at most


def test_validation_rows_are_a_share_of_each_class() -> None:
    part = make(5)
    expected = [int(0.1 * n) for n in np.bincount(LABEL)]
    assert np.bincount(LABEL[part.validation]).tolist() == expected
    assert len(make(5, validation_fraction=0.0).validation) == 0


@pytest.mark.parametrize(
    ("concentration", "spread"), [(np.inf, 0.0), (1.0, 2 / 9 / 4), (0.1, 2 / 9 / 1.3)]
)
def test_mixtures_have_the_dirichlet_law(concentration: float, spread: float) -> None:
    label = np.arange(3000) % 3
    n = 400
    part = draw_partition(
        RowKeys(label),
        DataSkew(label_concentration=concentration),
        ues=3000,
        samples_per_ue=n,
        seed=1,
        validation_fraction=0,
    )
    share = part.counts / n
    # Mean 1/3; variance p(1-p)/(sum + 1) of Dirichlet(c, c, c), sum = 3 c, and multinomial noise
    # around it.
    variance = spread + (2 / 9 - spread) / n
    assert share.mean(axis=0) == pytest.approx([1 / 3] * 3, abs=5 * np.sqrt(variance / 3000))
    assert share.var() == pytest.approx(variance, rel=0.1)


def test_unbalanced_classes_keep_their_frequency() -> None:
    label = (np.arange(1000) % 10 == 0).astype(np.int64)
    part = draw_partition(
        RowKeys(label), DataSkew(label_concentration=1.0), ues=4000, samples_per_ue=50, seed=0
    )
    assert part.counts[:, 1].mean() / 50 == pytest.approx(0.1, abs=0.02)


def test_round_samples() -> None:
    part = make()
    first, again = part.round_samples(7, 3, 4, 16), part.round_samples(7, 3, 4, 16)
    assert (first == again).all()
    assert len(set(first.tolist())) == 16
    assert set(first.tolist()) <= set(part.rows(4).tolist())
    assert set(part.round_samples(7, 4, 4, 16).tolist()) != set(first.tolist())
    more = part.round_samples(7, 3, 4, 75)  # of 30 rows: twice all, and half of them
    assert (np.unique(more, return_counts=True)[1] >= 2).all()
    assert len(more) == 75


def test_sizes_per_ue() -> None:
    part = make(3, samples_per_ue=np.array([1, 50, 7]))  # type: ignore[arg-type]
    assert part.counts.sum(axis=1).tolist() == [1, 50, 7]


def test_a_hundred_thousand_ues_take_half_a_second() -> None:
    start = time.process_time()
    make(100_000)
    spent = time.process_time() - start
    assert spent < 0.5 * slowness()


@pytest.mark.parametrize(
    "changes",
    [
        {"ues": 0},
        {"concentration": 0.0},
        {"concentration": float("nan")},
        {"samples_per_ue": 0},
        {"validation_fraction": 1.0},
    ],
)
def test_bad_values(changes: dict[str, float]) -> None:
    with pytest.raises(InputError):
        make(**changes)  # type: ignore[arg-type]


def test_test_sets_of_ues_follow_their_mixtures() -> None:
    label = np.repeat([0, 1, 2], 400)
    held = draw_partition(
        RowKeys(label), DataSkew(label_concentration=0.3), ues=6, samples_per_ue=50, seed=1
    )
    more = draw_partition(
        RowKeys(label), DataSkew(label_concentration=0.3), ues=9, samples_per_ue=50, seed=1
    )
    test_label = np.tile([0, 1, 2], 3000)
    for ue in range(6):
        rows = ue_test_rows(held, RowKeys(test_label), 1, ue, 2000)
        assert len(set(rows.tolist())) == 2000  # there are rows enough
        share = np.bincount(test_label[rows], minlength=3) / 2000
        assert np.abs(share - held.counts[ue] / 50).max() < 4 * 0.5 / np.sqrt(2000)
        assert (rows == ue_test_rows(more, RowKeys(test_label), 1, ue, 2000)).all()
    assert not np.array_equal(
        ue_test_rows(held, RowKeys(test_label), 1, 0), ue_test_rows(held, RowKeys(test_label), 2, 0)
    )


def test_a_class_without_test_rows_gives_its_part_to_the_others() -> None:
    held = draw_partition(
        RowKeys(np.repeat([0, 1, 2], 40)),
        DataSkew(label_concentration=np.inf),
        ues=1,
        samples_per_ue=60,
        seed=0,
    )
    rows = ue_test_rows(held, RowKeys(np.array([0, 0, 1])), 0, 0)
    assert len(rows) == 100
    assert set(rows.tolist()) == {0, 1, 2}
    with pytest.raises(DataError, match="class"):
        ue_test_rows(held, RowKeys(np.array([7])), 0, 0)

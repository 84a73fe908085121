"""Worlds beyond label skew: sizes, domains, concepts, users, distance; rows held more than once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from netsim.errors import InputError
from netsim.learning.data.datasets import Split
from netsim.learning.data.natural import natural_partition
from netsim.learning.data.partition import KeyColumn, Partition, RowKeys, ue_test_rows
from netsim.learning.data.worlds import DataSkew, draw_partition

DRAWN = np.random.default_rng(0)
LABEL = DRAWN.integers(0, 3, 6000)
DOMAIN = DRAWN.integers(0, 4, 6000)
NAMES = ("a", "b", "c", "d")
SPLIT = Split([""] * 6000, None, LABEL, {"site": [NAMES[number] for number in DOMAIN]})
COLUMN = KeyColumn("site", NAMES)


def make(skew: DataSkew, ues: int = 50, **changes: object) -> Partition:
    arguments = {"samples_per_ue": 60, "seed": 0, **changes}
    return draw_partition(RowKeys(LABEL, domain=DOMAIN), skew, ues=ues, domain=COLUMN, **arguments)


@pytest.mark.parametrize("law", ["log_normal", "dirichlet"])
def test_sizes_have_their_mean_and_spread(law: str) -> None:
    sizes = make(DataSkew(size_law=law, size_spread=0.5), ues=4000).cells.sum(axis=1)
    spread = np.sqrt(np.exp(0.25) - 1) if law == "log_normal" else np.sqrt(2)
    assert sizes.mean() == pytest.approx(60, rel=0.05)
    assert sizes.std() / 60 == pytest.approx(spread, rel=0.1)
    assert sizes.min() >= 1
    assert (make(DataSkew(), ues=20).cells.sum(axis=1) == 60).all()


@pytest.mark.parametrize(
    "skew",
    [
        DataSkew(),
        DataSkew(label_concentration=0.3, domain_concentration=0.3),
        DataSkew(size_law="log_normal", domain_concentration=0.2, concept_share=0.5),
    ],
)
def test_rows_match_classes_and_domains_and_more_ues_change_nobody(skew: DataSkew) -> None:
    few = make(skew, ues=12)
    many = make(skew, ues=20)
    assert (few.cells == many.cells[:12]).all()
    assert (few.concept == many.concept[:12]).all()
    for ue in range(12):
        rows = few.rows(ue)
        assert (rows == many.rows(ue)).all()
        cells = np.bincount(DOMAIN[rows] * 3 + LABEL[rows], minlength=12)
        assert cells.tolist() == few.cells[ue].tolist()
        assert np.bincount(DOMAIN[rows], minlength=4).tolist() == few.domain_counts[ue].tolist()
        assert not set(rows.tolist()) & set(few.validation.tolist())


def test_domain_skew_leaves_the_labels_alone() -> None:
    even = make(DataSkew(), ues=400)
    skewed = make(DataSkew(domain_concentration=0.1), ues=400)
    share = skewed.domain_counts / 60
    assert share.max(axis=1).mean() > 0.8
    assert (even.domain_counts / 60).max(axis=1).mean() < 0.4
    assert np.abs(share.mean(axis=0) - 0.25).max() < 0.08  # on average they are as in the data
    assert np.abs(skewed.counts.mean(axis=0) - even.counts.mean(axis=0)).max() < 3


def test_concepts_permute_the_labels_of_a_share_of_the_ues() -> None:
    held = make(DataSkew(concept_share=0.5, concept_groups=3), ues=600)
    sizes = np.bincount(held.concept, minlength=3)
    assert sizes[0] == pytest.approx(300, abs=50)
    assert sizes[1] == pytest.approx(150, abs=40)
    assert (
        held.own_labels(np.arange(600), np.full(600, 2)).tolist()
        == ((2 + held.concept) % 3).tolist()
    )
    ue = int(np.flatnonzero(held.concept == 1)[0])
    mine = held.own_labels(np.array(ue), LABEL[held.rows(ue)])
    assert np.bincount(mine, minlength=3).tolist() == held.counts[ue].tolist()
    assert held.tasks_differ
    assert not draw_partition(
        RowKeys(LABEL), DataSkew(), ues=3, samples_per_ue=9, seed=0
    ).tasks_differ
    with pytest.raises(InputError, match="concept groups"):
        make(DataSkew(concept_share=0.5, concept_groups=4))


@pytest.mark.parametrize("wanted", [1.0, 0.6, -0.8])
def test_worlds_follow_distance(wanted: float) -> None:
    distance = np.random.default_rng(3).uniform(10, 500, 400)
    free = DataSkew(label_concentration=0.5, concept_share=0.5)
    held = make(
        DataSkew(label_concentration=0.5, concept_share=0.5, distance_correlation=wanted),
        ues=400,
        distance_m=distance,
    )
    order = held.concept * 10 + held.cells.reshape(400, 4, 3).sum(axis=1) @ np.arange(3) / 60
    assert spearmanr(order, distance).statistic == pytest.approx(wanted, abs=0.12)
    # the UEs have exchanged their worlds, which are the same ones
    assert sorted(held.concept.tolist()) == sorted(make(free, ues=400).concept.tolist())


def test_natural_partition_by_a_column() -> None:
    concept = np.zeros(3, dtype=np.int64)
    held = natural_partition(SPLIT, "site", ues=3, seed=0, validation_fraction=0.1, concept=concept)
    assert held.group is not None
    assert held.group_of_ue is not None
    assert len(set(held.group_of_ue.tolist())) == 3
    for ue in range(3):
        rows = held.rows(ue)
        assert set(DOMAIN[rows]) == {held.group_of_ue[ue]}
        assert not set(rows.tolist()) & set(held.validation.tolist())
        assert held.counts[ue].tolist() == np.bincount(LABEL[rows], minlength=3).tolist()
        test = ue_test_rows(held, held.keys(SPLIT), 0, ue)
        assert set(DOMAIN[test]) == {held.group_of_ue[ue]}


def test_ues_share_a_value_where_there_are_few() -> None:
    concept = np.zeros(10, dtype=np.int64)
    held = natural_partition(
        SPLIT, "site", ues=10, seed=0, validation_fraction=0.0, concept=concept
    )
    rows = np.concatenate([held.rows(ue) for ue in range(10)])
    assert sorted(rows.tolist()) == list(range(6000))
    assert not held.holdings.shared().any()
    with pytest.raises(InputError, match="column of the data"):
        natural_partition(SPLIT, "user", ues=2, seed=0, validation_fraction=0, concept=concept)


@pytest.mark.parametrize(("ues", "each"), [(4, 60), (40, 60), (200, 90), (3, 5000)])
def test_rows_held_more_than_once_are_counted(ues: int, each: int) -> None:
    label = np.random.default_rng(0).integers(0, 2, 1000)
    held = draw_partition(
        RowKeys(label), DataSkew(label_concentration=0.5), ues=ues, samples_per_ue=each, seed=0
    )
    rows = [set(held.rows(ue).tolist()) for ue in range(ues)]
    assert held.holdings.distinct().tolist() == [len(own) for own in rows]
    others = [set().union(*rows[:ue], *rows[ue + 1 :]) for ue in range(ues)]
    expected = [len(own & more) for own, more in zip(rows, others, strict=True)]
    assert held.holdings.shared().tolist() == expected

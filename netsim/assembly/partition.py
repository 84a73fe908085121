"""Which rows the UEs of a scenario hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from netsim.errors import ScenarioError
from netsim.learning.data.datasets import TextDataset
from netsim.learning.data.natural import natural_partition
from netsim.learning.data.partition import KeyColumn, Partition, RowKeys
from netsim.learning.data.worlds import DataSkew, draw_concepts, draw_partition
from netsim.protocols import HeldRows, Listener
from netsim.scenario.model import Scenario
from netsim.topology.deployment import Deployment
from netsim.units import FloatArray


def build_partition(
    scenario: Scenario,
    dataset: TextDataset,
    listener: Listener,
    *,
    distance_m: Callable[[], FloatArray],
) -> Partition:
    """The rows of every UE; `distance_m` [K] gives those to the gNBs at the start, if asked.

    Tells the listener where rows are used more than once.
    """
    chosen = scenario.data.partition
    skew = DataSkew(
        label_concentration=scenario.data.dirichlet_concentration,
        domain_concentration=chosen.domain_concentration,
        size_law=chosen.sizes,
        size_spread=chosen.size_spread,
        concept_share=chosen.concept_share,
        concept_groups=chosen.concept_groups,
        distance_correlation=chosen.distance_correlation,
    )
    if chosen.by is not None:
        concept = draw_concepts(skew, len(dataset.classes), scenario.ue_count, scenario.seed)
        found = natural_partition(
            dataset.train,
            chosen.by,
            ues=scenario.ue_count,
            seed=scenario.seed,
            validation_fraction=scenario.data.validation_fraction,
            concept=concept,
        )
    else:
        follows = skew.distance_correlation != 0
        found = _drawn(scenario, dataset, skew, distance_m() if follows else None)
    _report_reuse(scenario, found, listener)
    return found


def _drawn(
    scenario: Scenario,
    dataset: TextDataset,
    skew: DataSkew,
    distance_m: FloatArray | None,
) -> Partition:
    domain = None
    keys = RowKeys(dataset.train.label)
    name = scenario.data.partition.domain
    if name is not None:
        domain = KeyColumn.of(dataset.train, name)
        keys = RowKeys(dataset.train.label, domain=domain.index(dataset.train))
    return draw_partition(
        keys,
        skew,
        ues=scenario.ue_count,
        samples_per_ue=scenario.data.samples_per_ue,
        seed=scenario.seed,
        validation_fraction=scenario.data.validation_fraction,
        domain=domain,
        distance_m=distance_m,
    )


def _report_reuse(scenario: Scenario, partition: Partition, listener: Listener) -> None:
    """Say how many rows are held more than once, or refuse them."""
    held = int(partition.cells.sum())
    distinct = partition.holdings.distinct()
    shared = int((partition.holdings.shared() > 0).sum())
    repeating = int((distinct < partition.cells.sum(axis=1)).sum())
    if not shared and not repeating:
        return
    told = (
        f"{held} rows are held, more than there are of some classes: {shared} of {len(partition)} "
        f"UEs hold rows that others hold too, {repeating} hold a row more than once"
    )
    if scenario.data.partition.reuse == "refuse":
        raise ScenarioError(
            f"must be enough for data.partition.reuse = refuse; {told}",
            where="scenario: data.train_samples",
            value=scenario.data.train_samples,
        )
    listener.warning(told)


def distance_to_gnb(
    scenario: Scenario,
    deployment: Deployment,
    place_m: FloatArray,
) -> FloatArray:
    """Distance of places [K, 2] to the gNB that learns, or to the nearest one. [K], m."""
    sites = deployment.positions_m
    if scenario.federation == "cell":
        sites = sites[[deployment.learning_site]]
    nearest = np.full(len(place_m), np.inf)
    for site in sites:
        away = np.linalg.norm(deployment.seen_from(place_m, site) - site, axis=1)
        nearest = np.minimum(nearest, away)
    return nearest


def held_rows(partition: Partition) -> HeldRows:
    """What the tables tell of the partition."""
    group = None
    if partition.group is not None and partition.group_of_ue is not None:
        group = [partition.group.values[number] for number in partition.group_of_ue.tolist()]
    return HeldRows(
        domain_counts=partition.domain_counts,
        concept=partition.concept,
        distinct=partition.holdings.distinct(),
        shared=partition.holdings.shared(),
        group=group,
    )

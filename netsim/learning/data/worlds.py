"""Worlds: how the training rows are dealt to the UEs, and what their labels mean to them.

Label skew (T.-M. H. Hsu et al., 2019, arXiv:1909.06335): UE k draws its label mixture q_k ~
Dirichlet(concentration * C * p), where p [C] are the class frequencies of the training rows. The
mean mixture is p; with balanced classes this is the symmetric Dirichlet(concentration) of the
federated-learning literature. `inf` is IID: q_k = p.

Domain skew is the same over the values of a column. Sizes are equal, log-normal, or those of a
Dirichlet split: gamma variables of shape c, which are one once they are divided by their sum. All
have the mean `samples_per_ue`. Counts of classes and domains follow by a multinomial draw.

Concept shift: a share of the UEs takes class y for y + g, modulo C, with a shift g of their own
group.

Correlation with distance: the UEs' worlds (concept group, mixtures) are drawn as before, and then
exchanged among the UEs, so that their order and that of the distances have about the given rank
correlation: with a positive one, the far UEs are those of shifted concepts and of the last classes.

Symbols: K UEs, C classes, D domains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from netsim.errors import InputError
from netsim.learning.data.partition import KeyColumn, Partition, RowKeys
from netsim.learning.data.pools import PooledRows, shuffled_pools
from netsim.rng import stream
from netsim.units import FloatArray, IntArray

SIZE_LAWS = ("equal", "log_normal", "dirichlet")


@dataclass(frozen=True)
class DataSkew:
    """How the UEs' data differ."""

    label_concentration: float = float("inf")
    domain_concentration: float = float("inf")
    size_law: str = "equal"
    size_spread: float = 1.0  # sigma of ln n (log_normal), or c (dirichlet)
    concept_share: float = 0.0  # of the UEs, in shifted groups
    concept_groups: int = 2  # with the one whose labels are as in the data
    distance_correlation: float = 0.0

    def __post_init__(self) -> None:
        for value in (self.label_concentration, self.domain_concentration):
            if not value > 0:
                rule = "the Dirichlet concentration must be above 0 (inf: IID)"
                raise InputError(rule, value=value)
        if self.size_law not in SIZE_LAWS:
            rule = f"the law of sizes must be one of {', '.join(SIZE_LAWS)}"
            raise InputError(rule, value=self.size_law)
        if not 0 < self.size_spread < float("inf"):
            rule = "the spread of sizes must be above 0 and finite"
            raise InputError(rule, value=self.size_spread)
        if not 0 <= self.concept_share <= 1:
            rule = "the share of UEs with shifted concepts must be from 0 to 1"
            raise InputError(rule, value=self.concept_share)
        if not -1 <= self.distance_correlation <= 1:
            rule = "the correlation with distance must be from -1 to 1"
            raise InputError(rule, value=self.distance_correlation)


def draw_partition(
    keys: RowKeys,
    skew: DataSkew,
    *,
    ues: int,
    samples_per_ue: ArrayLike,
    seed: int,
    validation_fraction: float = 0.1,
    domain: KeyColumn | None = None,
    distance_m: FloatArray | None = None,
) -> Partition:
    """Divide the training rows with `keys` over UEs. Raises InputError.

    `samples_per_ue` is the (mean) number of rows that a UE holds, a number or [K]. Before that,
    `validation_fraction` of the rows of each class in each domain is set aside. `distance_m` [K] is
    needed for a correlation with it.
    """
    _check_counts(ues, validation_fraction)
    frequency = _class_frequency(keys.label)
    classes = len(frequency)
    domains = 1 if domain is None else len(domain.values)
    cell = keys.cell(classes)
    validation, pools = shuffled_pools(cell, domains * classes, validation_fraction, seed)

    mixture = _label_mixtures(frequency, skew.label_concentration, ues, seed)
    concept = draw_concepts(skew, classes, ues, seed)
    if domain is not None:
        mixture = _with_domains(mixture, cell, domains, skew, seed)
    if skew.distance_correlation:
        order = _exchanged(skew, mixture, concept, classes, distance_m=distance_m, seed=seed)
        mixture = mixture[order]
        concept = concept[order]
    sizes = _sizes(skew, np.asarray(samples_per_ue), ues, seed)
    # This draw and those before fill their arrays UE by UE, from streams of their own: more UEs
    # only append.
    counts = stream(seed, "learning.labels").multinomial(sizes, mixture).astype(np.int64)
    return Partition(
        holdings=PooledRows(counts, pools),
        cells=counts,
        classes=classes,
        validation=validation,
        concept=concept,
        domain=domain,
    )


def _check_counts(ues: int, validation_fraction: float) -> None:
    if ues < 1:
        raise InputError("there must be at least one UE", value=ues)
    if not 0 <= validation_fraction < 1:
        rule = "the validation fraction must be at least 0 and below 1"
        raise InputError(rule, value=validation_fraction)


def _check_concepts(skew: DataSkew, classes: int) -> None:
    if skew.concept_share and not 2 <= skew.concept_groups <= classes:
        rule = f"there must be from 2 concept groups to one for each class, {classes}"
        raise InputError(rule, value=skew.concept_groups)


def _class_frequency(label: IntArray) -> FloatArray:
    """Share of each class in the rows. [C]."""
    classes = int(label.max()) + 1
    frequency = np.bincount(label, minlength=classes) / len(label)
    if frequency.min() == 0:
        rule = "every class must occur in the training rows"
        raise InputError(rule, value=int(frequency.argmin()))
    return frequency


def _label_mixtures(
    frequency: FloatArray,
    concentration: float,
    ues: int,
    seed: int,
) -> FloatArray:
    """q_k of every UE, [K, C]."""
    return _mixtures(frequency, concentration, ues, stream(seed, "learning.mixture"))


def _mixtures(
    frequency: FloatArray,
    concentration: float,
    ues: int,
    generator: np.random.Generator,
) -> FloatArray:
    """Mixtures around `frequency` [C], one per UE. [K, C]."""
    classes = len(frequency)
    if np.isinf(concentration):
        return np.broadcast_to(frequency, (ues, classes))
    return generator.dirichlet(concentration * classes * frequency, size=ues)


def _with_domains(
    label_mixture: FloatArray,
    cell: IntArray,
    domains: int,
    skew: DataSkew,
    seed: int,
) -> FloatArray:
    """Mixtures over the cells, [K, D C], from those over the classes, [K, C].

    A UE's share of a cell is the cell's share of the data, times how much more of its class and of
    its domain the UE has than the data.
    """
    ues, classes = label_mixture.shape
    share = np.bincount(cell, minlength=domains * classes) / len(cell)
    share = share.reshape(domains, classes)
    of_domain = share.sum(axis=1)
    of_class = share.sum(axis=0)
    generator = stream(seed, "learning.domain_mixture")
    domain_mixture = _mixtures(of_domain, skew.domain_concentration, ues, generator)
    more_of_domain = domain_mixture / of_domain
    more_of_class = label_mixture / of_class
    weight = share * more_of_domain[:, :, None] * more_of_class[:, None, :]
    total = weight.sum(axis=(1, 2))
    if not (total > 0).all():
        rule = "the data must have rows of the classes in the domains that a UE has"
        raise InputError(rule, value=f"UE {int(total.argmin())}")
    mixture: FloatArray = (weight / total[:, None, None]).reshape(ues, -1)
    mixture /= mixture.sum(axis=1, keepdims=True)
    return mixture


def draw_concepts(
    skew: DataSkew,
    classes: int,
    ues: int,
    seed: int,
) -> IntArray:
    """Concept group of every UE, 0 where labels are as in the data. [K]."""
    _check_concepts(skew, classes)
    mark = stream(seed, "learning.concept").random(ues)
    if not skew.concept_share:
        return np.zeros(ues, dtype=np.int64)
    shifted_groups = skew.concept_groups - 1
    place = np.minimum(mark / skew.concept_share, 1.0) * shifted_groups
    group = 1 + np.floor(place).astype(np.int64)
    last = np.minimum(group, shifted_groups)
    return np.where(mark < skew.concept_share, last, 0)


def _sizes(
    skew: DataSkew,
    mean: IntArray,
    ues: int,
    seed: int,
) -> IntArray:
    """Rows that every UE holds, at least one. [K]."""
    equal = np.broadcast_to(mean.astype(np.int64), (ues,))
    if equal.min() < 1:
        raise InputError("each UE must hold at least one sample", value=int(equal.min()))
    if skew.size_law == "equal":
        return equal
    generator = stream(seed, "learning.sizes")
    spread = skew.size_spread
    if skew.size_law == "log_normal":
        relative = np.exp(spread * generator.standard_normal(ues) - spread**2 / 2)
    else:
        relative = generator.gamma(spread, 1 / spread, ues)
    rounded = np.rint(equal * relative).astype(np.int64)
    return np.maximum(rounded, 1)


def _exchanged(
    skew: DataSkew,
    mixture: FloatArray,
    concept: IntArray,
    classes: int,
    *,
    distance_m: FloatArray | None,
    seed: int,
) -> IntArray:
    """Which of the drawn worlds each UE gets. [K]."""
    if distance_m is None:
        raise InputError("data that follow distance need the UEs' distances")
    ues = len(concept)
    r = skew.distance_correlation
    noise = stream(seed, "learning.distance").standard_normal(ues)
    by_distance = r * _normal_scores(distance_m) + np.sqrt(1 - r**2) * _normal_scores(noise)
    own_class = np.tile(np.arange(classes), mixture.shape[1] // classes)
    mean_class = mixture @ own_class
    world_order = np.lexsort((mean_class, concept))
    order = np.empty(ues, dtype=np.int64)
    order[np.argsort(by_distance, kind="stable")] = world_order
    return order


def _normal_scores(values: FloatArray) -> FloatArray:
    """Standard normal quantiles in the order of the values. [K]."""
    from scipy.special import ndtri

    rank = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return np.asarray(ndtri((rank + 0.5) / len(values)))

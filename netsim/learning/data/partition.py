"""Which training rows each UE holds: label skew by a Dirichlet law.

T.-M. H. Hsu et al., "Measuring the effects of non-identical data distribution for federated visual
classification", 2019, arXiv:1909.06335.

UE k draws its label mixture q_k ~ Dirichlet(concentration * C * p), where p [C] are the class
frequencies of the training rows. The mean mixture is p; with balanced classes this is the symmetric
Dirichlet(concentration) of the federated-learning literature. `concentration = inf` is IID: q_k =
p.

Label counts follow by a multinomial draw, and UE k takes the next rows of each class pool, which
was shuffled once. An exhausted pool starts again at its beginning: its rows are then held by
several UEs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from netsim.errors import DataError, InputError
from netsim.rng import stream
from netsim.units import FloatArray, IntArray

UE_TEST_ROWS = 100  # least size of a UE's own test set (model-spec 10.11)


@dataclass(frozen=True)
class Partition:
    """Rows of K UEs over C classes. Adding UEs leaves the rows of the others as they are."""

    counts: IntArray  # [K, C] rows of each class that each UE holds
    validation: IntArray  # rows no UE holds: for learning rates and choices of the best module
    offset: IntArray  # [K, C] where each UE's rows begin in the endless repetition of each pool
    pools: tuple[IntArray, ...]  # C arrays of shuffled training rows

    def __len__(self) -> int:
        return len(self.counts)

    def rows(self, ue: int) -> IntArray:
        """Training rows of a UE, class by class."""
        parts = []
        for number, pool in enumerate(self.pools):
            start = self.offset[ue, number]
            count = self.counts[ue, number]
            index = (start + np.arange(count)) % len(pool)
            parts.append(pool[index])
        return np.concatenate(parts)

    def round_samples(
        self,
        seed: int,
        round: int,
        ue: int,
        count: int,
    ) -> IntArray:
        """The D_k = `count` rows that a UE trains on in a round.

        Drawn without replacement; a UE with fewer rows goes through all of them again, in a new
        order.
        """
        generator = stream(seed, "learning.batch", ue, round)
        return _in_turns(self.rows(ue), count, generator)


def partition_labels(
    label: IntArray,
    *,
    ues: int,
    samples_per_ue: ArrayLike,
    concentration: float,
    seed: int,
    validation_fraction: float = 0.1,
) -> Partition:
    """Divide training rows of classes `label` [rows] over UEs.

    The UEs hold `samples_per_ue` rows (a number or [K]). Before that, `validation_fraction` of the
    rows of each class is set aside (one row always stays).
    """
    if ues < 1:
        raise InputError("there must be at least one UE", value=ues)
    size = np.broadcast_to(np.asarray(samples_per_ue, dtype=np.int64), (ues,))
    _check_shares(size, concentration, validation_fraction)
    frequency = _frequency(label)
    validation, pools = _pools(label, len(frequency), validation_fraction, seed)
    mixture = _mixtures(frequency, ues, concentration, seed)
    # This draw and that of the mixtures fill their arrays UE by UE, from streams of their own: more
    # UEs only append.
    counts = stream(seed, "learning.labels").multinomial(size, mixture).astype(np.int64)
    return Partition(
        counts=counts,
        validation=validation,
        offset=np.cumsum(counts, axis=0) - counts,
        pools=pools,
    )


def _check_shares(
    size: IntArray,
    concentration: float,
    validation_fraction: float,
) -> None:
    if size.min() < 1:
        raise InputError("each UE must hold at least one sample", value=int(size.min()))
    if not concentration > 0:
        rule = "the Dirichlet concentration must be above 0 (inf: IID)"
        raise InputError(rule, value=concentration)
    if not 0 <= validation_fraction < 1:
        rule = "the validation fraction must be at least 0 and below 1"
        raise InputError(rule, value=validation_fraction)


def _frequency(label: IntArray) -> FloatArray:
    """Share of each class in the rows. [C]."""
    classes = int(label.max()) + 1
    frequency = np.bincount(label, minlength=classes) / len(label)
    if frequency.min() == 0:
        rule = "every class must occur in the training rows"
        raise InputError(rule, value=int(frequency.argmin()))
    return frequency


def _pools(
    label: IntArray,
    classes: int,
    validation_fraction: float,
    seed: int,
) -> tuple[IntArray, tuple[IntArray, ...]]:
    """Validation rows, and the others shuffled class by class."""
    validation = []
    pools = []
    for number in range(classes):
        of_class = np.flatnonzero(label == number)
        rows = stream(seed, "learning.pool", number).permutation(of_class)
        reserved = min(int(validation_fraction * len(rows)), len(rows) - 1)
        validation.append(rows[:reserved])
        pools.append(rows[reserved:])
    return np.sort(np.concatenate(validation)), tuple(pools)


def _mixtures(
    frequency: FloatArray,
    ues: int,
    concentration: float,
    seed: int,
) -> FloatArray:
    """q_k of every UE, [K, C]."""
    classes = len(frequency)
    if np.isinf(concentration):
        return np.broadcast_to(frequency, (ues, classes))
    weights = concentration * classes * frequency
    return stream(seed, "learning.mixture").dirichlet(weights, size=ues)


def ue_test_rows(
    partition: Partition,
    test_label: IntArray,
    seed: int,
    ue: int,
    count: int = UE_TEST_ROWS,
) -> IntArray:
    """D_k,te: `count` rows of the test split, drawn to the mixture of labels that a UE holds.

    `test_label` [rows] are the classes of the test split (model-spec 10.11). Class counts follow a
    multinomial law; the rows of a class are drawn without replacement as long as there are any
    left. A class that the test split lacks gives its part to the others. The same rows whatever the
    run does, and whichever other UEs there are.
    """
    generator = stream(seed, "learning.ue_test", ue)
    return _to_mixture(partition.counts[ue], test_label, count, generator)


def ue_validation_rows(
    partition: Partition,
    label: IntArray,
    seed: int,
    ue: int,
    count: int = UE_TEST_ROWS,
) -> IntArray:
    """The same of validation rows of classes `label` [rows]: a UE chooses its best module by them.

    Positions in `label`.
    """
    generator = stream(seed, "learning.ue_validation", ue)
    return _to_mixture(partition.counts[ue], label, count, generator)


def _to_mixture(
    held: IntArray,
    label: IntArray,
    count: int,
    generator: np.random.Generator,
) -> IntArray:
    """Indices of `count` of the rows of classes `label`, drawn to the mixture `held` [C]."""
    pools = [np.flatnonzero(label == number) for number in range(len(held))]
    there = np.array([len(pool) > 0 for pool in pools])
    weight = held * there
    if not weight.any():
        rule = "the measured rows must have a class that the UE holds rows of"
        raise DataError(rule, value=held.tolist())
    drawn = generator.multinomial(count, weight / weight.sum())
    parts = []
    for pool, number in zip(pools, drawn.tolist(), strict=True):
        if number:
            parts.append(_in_turns(pool, number, generator))
    return np.concatenate(parts)


def _in_turns(
    rows: IntArray,
    count: int,
    generator: np.random.Generator,
) -> IntArray:
    """`count` of the rows without replacement; if there are fewer, all of them in turns.

    Each turn has an order of its own.
    """
    passes = -(-count // len(rows))
    orders = [generator.permutation(rows) for _ in range(passes)]
    return np.concatenate(orders)[:count]

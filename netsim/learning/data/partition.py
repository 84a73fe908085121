"""Which training rows each UE holds: label skew by a Dirichlet law (Hsu et al., 2019,
arXiv:1909.06335).

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
from netsim.units import IntArray

UE_TEST_ROWS = 100  # least size of a UE's own test set (model-spec 10.11)


@dataclass(frozen=True)
class Partition:
    """Rows of K UEs over C classes. Adding UEs leaves the rows of the others as they are."""

    counts: IntArray  # [K, C] rows of each class that each UE holds
    validation: (
        IntArray  # rows no UE holds: for learning rates and best-module choices (model-spec 10.11)
    )
    offset: IntArray  # [K, C] where each UE's rows begin in the endless repetition of each pool
    pools: tuple[IntArray, ...]  # C arrays of shuffled training rows

    def __len__(self) -> int:
        return len(self.counts)

    def rows(self, ue: int) -> IntArray:
        """Training rows of a UE, class by class."""
        return np.concatenate(
            [
                pool[(start + np.arange(count)) % len(pool)]
                for pool, start, count in zip(
                    self.pools, self.offset[ue], self.counts[ue], strict=True
                )
            ]
        )

    def round_samples(self, seed: int, round: int, ue: int, count: int) -> IntArray:
        """The D_k = `count` rows that a UE trains on in a round.

        Drawn without replacement; a UE with fewer rows goes through all of them again, in a new
        order.
        """
        return _in_turns(self.rows(ue), count, stream(seed, "learning.batch", ue, round))


def partition_labels(
    label: IntArray,
    *,
    ues: int,
    samples_per_ue: ArrayLike,
    concentration: float,
    seed: int,
    validation_fraction: float = 0.1,
) -> Partition:
    """Divide training rows of classes `label` [rows] over UEs that hold `samples_per_ue` (a number
    or [K]).

    Before that, `validation_fraction` of the rows of each class is set aside (one row always
    stays).
    """
    size = np.broadcast_to(np.asarray(samples_per_ue, dtype=np.int64), (ues,))
    if ues < 1:
        raise InputError("there must be at least one UE", value=ues)
    if size.min() < 1:
        raise InputError("each UE must hold at least one sample", value=int(size.min()))
    if not concentration > 0:
        raise InputError(
            "the Dirichlet concentration must be above 0 (inf: IID)", value=concentration
        )
    if not 0 <= validation_fraction < 1:
        raise InputError(
            "the validation fraction must be at least 0 and below 1", value=validation_fraction
        )
    classes = int(label.max()) + 1
    frequency = np.bincount(label, minlength=classes) / len(label)
    if frequency.min() == 0:
        raise InputError(
            "every class must occur in the training rows", value=int(frequency.argmin())
        )

    validation, pools = [], []
    for number in range(classes):
        rows = stream(seed, "learning.pool", number).permutation(np.flatnonzero(label == number))
        reserved = min(int(validation_fraction * len(rows)), len(rows) - 1)
        validation.append(rows[:reserved])
        pools.append(rows[reserved:])

    # Both draws fill their arrays UE by UE from streams of their own, so more UEs only append.
    if np.isinf(concentration):
        mixture = np.broadcast_to(frequency, (ues, classes))
    else:
        weights = concentration * classes * frequency
        mixture = stream(seed, "learning.mixture").dirichlet(weights, size=ues)
    counts = stream(seed, "learning.labels").multinomial(size, mixture).astype(np.int64)
    return Partition(
        counts=counts,
        validation=np.sort(np.concatenate(validation)),
        offset=np.cumsum(counts, axis=0) - counts,
        pools=tuple(pools),
    )


def ue_test_rows(
    partition: Partition, test_label: IntArray, seed: int, ue: int, count: int = UE_TEST_ROWS
) -> IntArray:
    """D_k,te: `count` rows of the test split, drawn to the mixture of labels that a UE holds
    (10.11).

    test_label: classes of the test split, [rows]. Class counts follow a multinomial law; the rows
    of a class are drawn without replacement as long as there are any left. A class that the test
    split lacks gives its part to the others. The same rows whatever the run does, and whichever
    other UEs there are.
    """
    return _to_mixture(
        partition.counts[ue], test_label, count, stream(seed, "learning.ue_test", ue)
    )


def ue_validation_rows(
    partition: Partition, label: IntArray, seed: int, ue: int, count: int = UE_TEST_ROWS
) -> IntArray:
    """The same of validation rows of classes `label` [rows]: what a UE chooses its best module
    by.
    """
    return _to_mixture(
        partition.counts[ue], label, count, stream(seed, "learning.ue_validation", ue)
    )


def _to_mixture(
    held: IntArray, label: IntArray, count: int, generator: np.random.Generator
) -> IntArray:
    """Indices of `count` of the rows of classes `label`, drawn to the mixture `held` [C]."""
    pools = [np.flatnonzero(label == number) for number in range(len(held))]
    weight = held * np.array([len(pool) > 0 for pool in pools])
    if not weight.any():
        raise DataError(
            "the measured rows must have a class that the UE holds rows of", value=held.tolist()
        )
    drawn = generator.multinomial(count, weight / weight.sum()).tolist()
    return np.concatenate(
        [
            _in_turns(pool, number, generator)
            for pool, number in zip(pools, drawn, strict=True)
            if number
        ]
    )


def _in_turns(rows: IntArray, count: int, generator: np.random.Generator) -> IntArray:
    """`count` of the rows without replacement; if there are fewer, all of them again in a new
    order.
    """
    passes = -(-count // len(rows))
    return np.concatenate([generator.permutation(rows) for _ in range(passes)])[:count]

"""Points of a Poisson process around gNBs, of which interferers are thinned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from netsim import rng
from netsim.units import FloatArray, IntArray

FIELD_RADIUS = 3.0
"""Radius of the sampled field in units of phi^-1/2. Interferers beyond it count by their mean: the
spread of 0.07 P phi^(alpha/2) moves no success probability by more than 3e-4."""


class Points(NamedTuple):
    """Points of a Poisson process around the gNBs of UEs, before they are thinned, UE by UE. [P]"""

    victim: IntArray
    x: FloatArray  # pi phi r^2, uniform
    mark: FloatArray  # uniform, by which the point is kept
    own_quantile: Callable[[], FloatArray]  # uniform, of the distance to the point's own gNB
    number: IntArray | None  # of the point itself, where several UEs share it


UES_AT_A_TIME = 2048
"""So that points and what is worked out of them stay in cache, and in little memory."""


MOST_ROUNDS = 16


def rounds_at_once(ues: int) -> int:
    """Rounds whose points are drawn together, as long as UEs stay where they are."""
    return max(1, min(MOST_ROUNDS, UES_AT_A_TIME // max(ues, 1)))


def slices_of(ues: int) -> Iterator[slice]:
    """All UEs in order, some at a time; one slice at least."""
    for begin in range(0, max(ues, 1), UES_AT_A_TIME):
        yield slice(begin, min(begin + UES_AT_A_TIME, ues))


def own_points(seed: int, rounds: Sequence[int], attempt: int, ues: int) -> Iterator[Points]:
    """Points of each UE by itself; those of some UEs at a time.

    Of several rounds, UE k of the i-th one is victim i * ues + k. Then all UEs come at once.
    """
    area = np.pi * FIELD_RADIUS**2  # in units of 1/phi, so the mean number of points

    def streams(name: str) -> list[np.random.Generator]:
        return [rng.stream_of_round(seed, name, round, attempt) for round in rounds]

    counts = np.stack([one.poisson(area, ues) for one in streams("interferer_count")])
    # two numbers for each point, UE after UE: adding UEs leaves the others' points in place
    places = streams("interferer_place")
    own = cache(lambda: streams("interferer_own_distance"))
    victims = np.arange(counts.size).reshape(counts.shape)
    for some in slices_of(ues) if len(rounds) == 1 else [slice(None)]:
        points = counts[:, some].sum(axis=1).tolist()
        u = np.concatenate([one.random((n, 2)) for one, n in zip(places, points, strict=True)])
        yield Points(
            victim=np.repeat(victims[:, some].ravel(), counts[:, some].ravel()),
            x=u[:, 0] * area,
            mark=u[:, 1],
            own_quantile=_uniform(own, points),
            number=None,
        )


def _uniform(
    streams: Callable[[], list[np.random.Generator]], counts: list[int]
) -> Callable[[], FloatArray]:
    """So many numbers of each stream, once they are asked for."""
    return lambda: np.concatenate(
        [one.random(count) for one, count in zip(streams(), counts, strict=True)]
    )


def shared_points(seed: int, round: int, gnb: IntArray) -> Points:
    """Points around each gNB, the same for all of its UEs and attempts of a round."""
    area = np.pi * FIELD_RADIUS**2
    sites, at = np.unique(gnb, return_inverse=True)
    generators = list(rng.streams(seed, "persistent_interferers", round, last=sites))
    counts = np.array([generator.poisson(area) for generator in generators])
    drawn = [one.random((3, n)) for one, n in zip(generators, counts.tolist(), strict=True)]
    u = np.concatenate(drawn, axis=1)
    each = counts[at]
    victim = np.repeat(np.arange(len(gnb)), each)
    turn = np.arange(len(victim)) - np.repeat(np.cumsum(each) - each, each)
    number = (np.cumsum(counts) - counts)[at][victim] + turn
    return Points(
        victim=victim,
        x=u[0, number] * area,
        mark=u[1, number],
        own_quantile=lambda: u[2, number],
        number=number,
    )

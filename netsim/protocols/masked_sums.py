"""Secure aggregation as traffic and delay: sums of masked uploads. Modelled, not cryptographic.

K. Bonawitz et al., "Practical secure aggregation for privacy-preserving machine learning", ACM CCS
2017, against a curious gNB (four exchanges: keys, shares of secrets, masked numbers, unmasking).
With fewer partners than all: J. H. Bell et al., "Secure single-server aggregation with
(poly)logarithmic overhead", ACM CCS 2020. A gNB forms one sum for each module.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any, Self

import numpy as np

from netsim.rng import stream
from netsim.units import BoolArray, FloatArray, IntArray

LEAST_MEMBERS = 2
"""The sum of one upload would be the upload."""
ROUNDING = 1e-9


@dataclass(frozen=True)
class SecureAggregation:
    """What UEs and gNBs agree on for a whole run."""

    threshold: float  # part of a UE's partners that must answer
    partners: int | None  # of each UE, even; None: all others
    key_bits: int  # of a public key, a_K
    share_bits: int  # of a share of a secret, a_S
    round_trip_s: float  # of each exchange, besides its bits
    seed: int = 0  # of who is whose partner

    def partners_of(self, members: int) -> int:
        """k, of each of the members of a sum."""
        others = members - 1
        return others if self.partners is None else min(self.partners, others)

    def holders(self, members: int) -> int:
        """Who holds shares of a UE's secrets: all members, itself too; in a sparse graph, k."""
        partners = self.partners_of(members)
        return members if partners == members - 1 else partners

    def needed(self, members: int) -> int:
        """t: holders of a UE's shares that must answer."""
        return max(1, ceil(self.threshold * self.holders(members) - ROUNDING))

    def key_up_bits(self, members: int) -> float:
        """A UE's two public keys, and two encrypted shares for each partner."""
        return 2.0 * self.key_bits + 2.0 * self.share_bits * self.partners_of(members)

    def down_bits(self, members: int) -> float:
        """The partners' keys, and their shares."""
        return 2.0 * (self.key_bits + self.share_bits) * self.partners_of(members)

    def answer_bits(self, members: int) -> float:
        """One share of each UE whose shares it holds: of a mask, or of the key of who fell out."""
        return float(self.share_bits * self.holders(members))

    def recovers(self, answers: BoolArray) -> bool:
        """Whether so many answer that all masks can be taken off.

        answers [n]: members in the order of the ring on which partners are next to one another.
        """
        members, count = len(answers), int(answers.sum())
        if count < LEAST_MEMBERS:
            return False
        partners = self.partners_of(members)
        if partners == members - 1:
            return count >= self.needed(members)
        steps = range(1, partners // 2 + 1)
        heard = sum(np.roll(answers, step).astype(int) + np.roll(answers, -step) for step in steps)
        return bool(np.min(heard) >= self.needed(members))


@dataclass(frozen=True)
class MaskedSum:
    """What goes into the sum of a module at a gNB."""

    gnb: int
    module: int
    members: int  # n, of the plan
    numbers: int  # that each of them sends
    code_bits: float  # of each of them
    room_bits: int  # that each has besides, for the sum


@dataclass
class MaskedSums:
    """The C sums of a round, into which the M rows of its plan go."""

    rule: SecureAggregation
    sums: list[MaskedSum]
    of_row: IntArray  # [M]
    place: IntArray  # [M] on the ring of the sum's members
    arrived: IntArray = field(init=False)  # [C] members whose masked numbers have
    unmasked: BoolArray = field(init=False)  # [C]
    took_s: FloatArray = field(init=False)  # [C] from the last upload to the last answer

    def __post_init__(self) -> None:
        count = len(self.sums)
        self.arrived = np.zeros(count, dtype=np.int64)
        self.unmasked = np.zeros(count, dtype=bool)
        self.took_s = np.zeros(count)

    @classmethod
    def of(
        cls,
        rule: SecureAggregation,
        round: int,
        sums: list[MaskedSum],
        of_row: IntArray,
    ) -> Self:
        """Partners are drawn anew in every round, for each sum by itself."""
        place = np.zeros(len(of_row), dtype=np.int64)
        for number, one in enumerate(sums):
            draws = stream(rule.seed, "secure_aggregation", round, one.gnb, one.module)
            place[of_row == number] = draws.permutation(one.members)
        return cls(rule, sums, of_row, place)

    def select(self, rows: BoolArray | IntArray) -> Self:
        """With some of the rows [M]; the others fall out."""
        return replace(self, of_row=self.of_row[rows], place=self.place[rows])

    def close(self, arrived: IntArray) -> BoolArray:
        """Rows [R] of one gNB have arrived. Whether their sums can be unmasked, [R]."""
        for number in np.unique(self.of_row[arrived]).tolist():
            mine = arrived[self.of_row[arrived] == number]
            answers = np.zeros(self.sums[number].members, dtype=bool)
            answers[self.place[mine]] = True
            self.arrived[number] = len(mine)
            self.unmasked[number] = self.rule.recovers(answers)
        return self.unmasked[self.of_row[arrived]]

    def answers(self, rows: IntArray, rate_bps: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(bits, s since the gNB has asked) of what rows [R] answer at their rates [R]."""
        each = np.array([self.rule.answer_bits(one.members) for one in self.sums])
        bits = each[self.of_row[rows]]
        takes_s = bits / rate_bps
        np.maximum.at(self.took_s, self.of_row[rows], self.rule.round_trip_s + takes_s)
        return bits, takes_s

    def columns(self) -> dict[str, Any]:
        """Of the table `masked_sums`, but for the round."""
        rule, members = self.rule, [one.members for one in self.sums]
        return {
            "gnb": [one.gnb for one in self.sums],
            "module": [one.module for one in self.sums],
            "members": members,
            "partners": list(map(rule.partners_of, members)),
            "needed": list(map(rule.needed, members)),
            "arrived": self.arrived,
            "numbers": [one.numbers for one in self.sums],
            "number_bits": [one.code_bits + one.room_bits for one in self.sums],
            "room_bits": [one.room_bits for one in self.sums],
            "key_up_bits": list(map(rule.key_up_bits, members)),
            "down_bits": list(map(rule.down_bits, members)),
            "answer_bits": list(map(rule.answer_bits, members)),
            "unmasking_s": self.took_s,
            "unmasked": self.unmasked,
        }


def room_for(weights: IntArray) -> int:
    """Bits that a sum needs beside those of its terms, which are multiplied by weights [n].

    ceil(log2 n) where all weigh alike: the paper's R = n (R_U - 1) + 1.
    """
    total = int((weights // np.gcd.reduce(weights)).sum())
    return (total - 1).bit_length()


def sums_of(gnb: IntArray, module: IntArray) -> Iterator[tuple[int, int, IntArray]]:
    """(gNB, module, its rows) of every sum that rows [M] go into."""
    pairs = np.stack([gnb, module], axis=1)
    found, of_row = np.unique(pairs, axis=0, return_inverse=True)
    for number, (site, adapter) in enumerate(found.tolist()):
        yield site, adapter, np.flatnonzero(of_row.ravel() == number)

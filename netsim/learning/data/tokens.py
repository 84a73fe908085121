"""Texts as token numbers: each text tokenised once, many texts end to end without padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netsim.errors import InputError
from netsim.learning.data.datasets import Split
from netsim.learning.tokenizer_trial import without_panics
from netsim.units import IntArray

MOST_CHARACTERS = 512
"""Of a text, for each token that is kept; what lies behind is cut before tokens are made of it."""


@dataclass(frozen=True)
class Texts:
    """S texts of together T tokens, end to end, with their classes."""

    token: IntArray  # [T]
    segment: IntArray  # [T] 1 in the second sentence of a pair, for models that tell them apart
    length: IntArray  # [S] tokens of each text
    label: IntArray  # [S]

    def __len__(self) -> int:
        return len(self.length)

    def part(
        self,
        start: int,
        end: int,
    ) -> Texts:
        """Texts `start` to `end`."""
        ends = np.concatenate([[0], np.cumsum(self.length)])
        tokens = slice(int(ends[start]), int(ends[end]))
        return Texts(
            self.token[tokens],
            self.segment[tokens],
            self.length[start:end],
            self.label[start:end],
        )

    def padded(self, pad: int) -> tuple[IntArray, IntArray, IntArray]:
        """(token, segment, mask), each [S, longest], padded on the right."""
        mask = np.arange(self.length.max(initial=1)) < self.length[:, None]
        token = np.full(mask.shape, pad, dtype=np.int64)
        segment = np.zeros(mask.shape, dtype=np.int64)
        token[mask] = self.token
        segment[mask] = self.segment
        return token, segment, mask.astype(np.int64)


class TokenCache:
    """Tokens of the rows of one split, made when first asked for."""

    def __init__(
        self,
        tokenizer: Any,
        split: Split,
        max_tokens: int,
        vocabulary: int | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._split = split
        self._max_tokens = max_tokens
        self._vocabulary = vocabulary  # numbers that the model knows; None: all
        self._token: dict[int, NDArray[np.int32]] = {}
        self._segment: dict[int, NDArray[np.int8]] = {}

    def texts(self, rows: Sequence[int] | IntArray) -> Texts:
        """The texts of some rows, in that order; rows may repeat."""
        chosen = np.asarray(rows, dtype=np.int64).tolist()
        self._tokenise(chosen)
        length = [len(self._token[row]) for row in chosen]
        return Texts(
            token=_joined([self._token[row] for row in chosen]),
            segment=_joined([self._segment[row] for row in chosen]),
            length=np.array(length, dtype=np.int64),
            label=self._split.label[chosen],
        )

    def lengths(self, rows: IntArray) -> IntArray:
        """Tokens of each of some rows."""
        chosen = rows.tolist()
        self._tokenise(chosen)
        return np.array([len(self._token[row]) for row in chosen], dtype=np.int64)

    def _tokenise(self, chosen: list[int]) -> None:
        rows = sorted({row for row in chosen if row not in self._token})
        if not rows:
            return
        encoded = self._encoded(rows)
        tokens = encoded["input_ids"]
        self._check_known(tokens)
        segments = encoded.get("token_type_ids")
        for position, row in enumerate(rows):
            token = np.array(tokens[position], dtype=np.int32)
            segment = np.zeros(len(token), dtype=np.int8)
            if segments is not None:
                segment = np.array(segments[position], dtype=np.int8)
            self._token[row] = token
            self._segment[row] = segment

    def _check_known(self, tokens: Sequence[Sequence[int]]) -> None:
        """Raises InputError at a token that the model has no embedding for."""
        highest = max(map(max, filter(None, tokens)), default=0)
        if self._vocabulary is not None and highest >= self._vocabulary:
            rule = f"its tokens must be below {self._vocabulary}, the size of the model's embedding"
            raise InputError(rule, where=self._tokenizer.name_or_path, value=highest)

    def _encoded(self, rows: Sequence[int]) -> Any:
        """What the tokenizer makes of some rows. Raises InputError where it fails."""
        second = self._split.second
        most = self._max_tokens * MOST_CHARACTERS
        with without_panics(self._tokenizer.name_or_path):
            return self._tokenizer(
                [self._split.first[row][:most] for row in rows],
                None if second is None else [second[row][:most] for row in rows],
                truncation=True,
                max_length=self._max_tokens,
                return_attention_mask=False,
            )


def _joined(texts: Sequence[NDArray[Any]]) -> IntArray:
    if not texts:
        return np.zeros(0, dtype=np.int64)
    return np.concatenate(texts, dtype=np.int64)


def positions(length: IntArray) -> IntArray:
    """Of each token in its own text, from the texts' `length` [S]. Shape [T]."""
    first = np.cumsum(length) - length
    place: IntArray = np.arange(length.sum()) - np.repeat(first, length)
    return place


def runs(cost: IntArray, limit: int) -> Iterator[tuple[int, int]]:
    """Divide a sequence into runs (start, end) that cost at most `limit`, or have one member."""
    start = 0
    spent = 0
    for index, more in enumerate(cost.tolist()):
        spent += more
        if index > start and spent > limit:
            yield start, index
            start = index
            spent = more
    if len(cost):
        yield start, len(cost)


@dataclass(frozen=True)
class ChunkSize:
    """How many tokens are computed together."""

    aim: int
    whole: int  # as few as these are not divided


def even_runs(cost: IntArray, size: ChunkSize) -> Iterator[tuple[int, int]]:
    """Divide a sequence into runs (start, end) of nearly equal cost, close to what is aimed at.

    Their number is even where the sequence is divided, so that two workers end together.
    """
    total = int(cost.sum())
    pairs = max(1, round(total / (2 * size.aim)))
    count = 1 if total <= size.whole else 2 * pairs
    twice_middle = 2 * np.cumsum(cost) - cost  # a member belongs to the run of its middle
    share = twice_middle * count // (2 * max(total, 1))
    changes = np.flatnonzero(np.diff(share)) + 1
    edges = [0, *changes.tolist(), len(cost)]
    for start, end in pairwise(edges):
        if end > start:
            yield start, end

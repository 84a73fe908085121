"""What the bundled model is pre-trained on: documents as batches, and the first word vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from netsim.learning.builtin import text, tokenizer
from netsim.rng import stream
from netsim.units import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights."""

    seed: int = 0
    steps: int = 3500
    batch: int = 64  # documents per step
    documents: int = 60_000  # passed over again and again
    learning_rate: float = 1.5e-3
    vocabulary: int = 1500
    hidden: int = 128
    layers: int = 3
    heads: int = 4
    inner: int = 512
    positions: int = 128
    spread: float = 0.07  # standard deviation of the first weights
    plain_steps: int = 200  # first steps on plain documents: words before grammar
    last_masked: float = 0.6  # share of tokens masked in the last sentence of a document
    token_masked: float = 0.12  # share of tokens masked before it
    threads: int = 2


@dataclass(frozen=True)
class Encoded:
    """Documents as token numbers."""

    tokens: list[IntArray]
    segment: list[IntArray]  # number of the sentence a token belongs to; -1 for special tokens


def encode(trained: PreTrainedTokenizerFast, documents: Sequence[text.Document]) -> Encoded:
    """<s> first </s></s> second </s></s> third </s>, as the tokenizer encodes a pair."""
    flat = [sentence for document in documents for sentence in document]
    pieces = iter(trained(flat, add_special_tokens=False)["input_ids"])
    tokens = []
    segment = []
    for document in documents:
        row = [tokenizer.START]
        part = [-1]
        for number in range(len(document)):
            if number:
                row += [tokenizer.END, tokenizer.END]
                part += [-1, -1]
            piece = next(pieces)
            row += piece
            part += [number] * len(piece)
        row.append(tokenizer.END)
        part.append(-1)
        tokens.append(np.array(row, dtype=np.int64))
        segment.append(np.array(part, dtype=np.int64))
    return Encoded(tokens, segment)


def batches(encoded: Encoded, recipe: Recipe) -> Iterator[tuple[IntArray, IntArray]]:
    """(tokens, segment) of shape [batch, longest], padded; documents of like length together."""
    epoch = 0
    while True:
        rng = stream(recipe.seed, "builtin.order", epoch)
        order = rng.permutation(len(encoded.tokens))
        chunks: list[IntArray] = []
        for pool in np.array_split(order, max(1, len(order) // (64 * recipe.batch))):
            by_length = sorted(pool, key=lambda index: len(encoded.tokens[index]))
            for start in range(0, len(pool), recipe.batch):
                chunks.append(np.array(by_length[start : start + recipe.batch]))
        for number in rng.permutation(len(chunks)):
            yield _padded(encoded, chunks[number])
        epoch += 1


def _padded(encoded: Encoded, chosen: IntArray) -> tuple[IntArray, IntArray]:
    """(tokens, segment) of some documents."""
    longest = max(len(encoded.tokens[index]) for index in chosen)
    shape = (len(chosen), longest)
    tokens = np.full(shape, tokenizer.PAD, dtype=np.int64)
    segment = np.full(shape, -1, dtype=np.int64)
    for row, index in enumerate(chosen):
        size = len(encoded.tokens[index])
        tokens[row, :size] = encoded.tokens[index]
        segment[row, :size] = encoded.segment[index]
    return tokens, segment


def masked(
    segment: IntArray,
    recipe: Recipe,
    rng: np.random.Generator,
) -> BoolArray:
    """Which tokens to predict. Shape [batch, longest]."""
    last = segment == segment.max(axis=1, keepdims=True)
    share = np.where(last, recipe.last_masked, recipe.token_masked)
    return (segment >= 0) & (rng.random(segment.shape) < share)


def context_vectors(
    documents: Encoded,
    vocabulary: int,
    width: int,
) -> FloatArray:
    """Word vectors from the company that tokens keep. Shape [vocabulary, width].

    Their standard deviation is 1.

    Positive pointwise mutual information of tokens in different sentences of one document, reduced
    by its leading eigenvectors (Levy and Goldberg, 2014): words of praise start apart from words of
    blame, which a model that starts from noise takes most of its time to find out.
    """
    together = np.zeros((vocabulary, vocabulary))
    for tokens, segment in zip(documents.tokens, documents.segment, strict=True):
        words = np.flatnonzero(segment >= 0)
        first, second = np.meshgrid(words, words)
        apart = segment[first] != segment[second]
        np.add.at(together, (tokens[first[apart]], tokens[second[apart]]), 1.0)
    information = _positive_information(together)
    values, vectors = np.linalg.eigh(information)
    leading = np.argsort(-np.abs(values), kind="stable")[:width]
    found = vectors[:, leading] * np.sqrt(np.abs(values[leading]))
    found *= np.where(found.sum(axis=0) < 0, -1.0, 1.0)  # the sign of an eigenvector is arbitrary
    return np.asarray(found / found.std())


def _positive_information(together: FloatArray) -> FloatArray:
    """Positive pointwise mutual information, from how often two tokens stand together."""
    of_rows = together.sum(axis=1)
    of_columns = together.sum(axis=0)
    expected = np.outer(of_rows, of_columns) / together.sum()
    ratio = np.maximum(together, 1e-12) / np.maximum(expected, 1e-12)
    positive = np.maximum(np.log(ratio), 0.0)
    return np.where(together > 0, positive, 0.0)

"""Seeded text of the built-in tasks, and the unlabelled documents of the pre-training.

    reviews     is the opinion in this sentence of a review good or bad?
    passages    does this sentence answer this question?
    grades      which of six grades does this review give? Harder, and unevenly frequent

Texts are pure functions of (task, split, seed, index): asking for more changes none of those
before. A text belongs to one split by its own checksum, so splits share no text, whatever their
seeds; documents hold texts of the training split only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from zlib import crc32

import numpy as np

from netsim.errors import InputError
from netsim.learning.builtin import grades, passages, reviews
from netsim.learning.builtin.draws import Draws, endless
from netsim.units import IntArray

Example = tuple[str, str | None, int, str]
Document = tuple[str, ...]

TASKS = ("reviews", "passages", "grades")
DOCUMENT_TASKS = ("reviews", "passages")  # that the model was pre-trained on texts of
CLASSES: dict[str, tuple[str, ...]] = {
    "reviews": ("negative", "positive"),
    "passages": ("no_answer", "answer"),
    "grades": grades.GRADES,
}
SPLITS: dict[str, tuple[int, ...]] = {"train": (0, 1), "validation": (2,), "test": (3,)}

_EXAMPLE: dict[str, Callable[[Draws], Example]] = {
    "reviews": reviews.example,
    "passages": passages.example,
    "grades": grades.example,
}
_Grammar = dict[str, Callable[[Draws], tuple[Document, tuple[str, ...]]]]
_DOCUMENT: _Grammar = {"reviews": reviews.document, "passages": passages.document}
_PLAIN: _Grammar = {"reviews": reviews.plain_document, "passages": passages.plain_document}


@dataclass(frozen=True)
class Sentences:
    """Labelled texts of one task, `count` of them, no two alike."""

    first: list[str]  # the sentence, or the question (passages)
    second: list[str] | None  # the sentence beside the question; None for single sentences
    label: IntArray  # [count] index into CLASSES[task]
    domain: list[str]  # what the text is about: a product, or a kind of place (passages)

    def __len__(self) -> int:
        return len(self.first)


def generate(
    task: str,
    split: str,
    count: int,
    seed: int = 0,
) -> Sentences:
    """The first `count` texts of a split of a task under `seed`. Raises InputError."""
    if task not in TASKS:
        raise InputError(f"the task must be one of {', '.join(TASKS)}", value=task)
    if split not in SPLITS:
        raise InputError(f"the split must be one of {', '.join(SPLITS)}", value=split)
    if count < 0:
        raise InputError("the number of texts must not be negative", value=count)
    first = []
    second = []
    label = []
    domain = []
    for one, other, number, about in islice(_examples(task, split, seed), count):
        first.append(one)
        label.append(number)
        domain.append(about)
        if other is not None:
            second.append(other)
    pairs = task == "passages"
    return Sentences(
        first=first,
        second=second if pairs else None,
        label=np.array(label, dtype=np.int64),
        domain=domain,
    )


def unlabelled(
    count: int,
    seed: int = 0,
    *,
    plain: bool = False,
) -> list[Document]:
    """`count` documents of two or three sentences, the tasks in turn.

    Later sentences depend on the meaning of the first ones: what a customer did after the opinion,
    what one says to an answer or to a miss. In `plain` documents every word means what it says.
    """
    sources = [_documents(task, seed, plain) for task in DOCUMENT_TASKS]
    documents = []
    for index in range(count):
        source = sources[index % len(sources)]
        documents.append(next(source))
    return documents


def _examples(
    task: str,
    split: str,
    seed: int,
) -> Iterator[Example]:
    seen: set[str] = set()
    for draws in endless(seed, f"builtin.{task}.{split}"):
        example = _EXAMPLE[task](draws)
        key = _key(*example[:2])
        if _bucket(key) in SPLITS[split] and key not in seen:
            seen.add(key)
            yield example


def _documents(
    task: str,
    seed: int,
    plain: bool,
) -> Iterator[Document]:
    grammar = _PLAIN[task] if plain else _DOCUMENT[task]
    name = "plain" if plain else "unlabelled"
    for draws in endless(seed, f"builtin.{task}.{name}"):
        document, keys = grammar(draws)
        if all(_bucket(key) in SPLITS["train"] for key in keys):
            yield document


def _key(first: str, second: str | None) -> str:
    return first if second is None else f"{first}\t{second}"


def _bucket(key: str) -> int:
    checksum = crc32(key.encode())
    return checksum % 4

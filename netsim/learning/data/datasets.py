"""Labelled text: from the built-in generator, from files, from the Hugging Face hub.

A data set is one sentence or a pair of sentences per row, and one of C classes. Classes that are
integers are ordered by value, names alphabetically; a row holds the index of its class in that
order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from netsim.errors import DataError, InputError
from netsim.learning.builtin import text as builtin_text
from netsim.learning.data.table_files import (
    Table,
    files_named,
    find_column,
    label_cells,
    read_table,
    text_cells,
)
from netsim.rng import stream
from netsim.units import IntArray

# The names that GLUE, SuperGLUE and common hub data sets use; the first pair that is complete is
# taken.
PAIRS = (
    ("question", "sentence"),
    ("sentence1", "sentence2"),
    ("question1", "question2"),
    ("premise", "hypothesis"),
    ("#1 string", "#2 string"),
    ("question", "passage"),
    ("text1", "text2"),
    ("text_a", "text_b"),
)
SINGLES = ("sentence", "text", "review", "content", "sentence1")
LABELS = ("label", "labels", "gold_label", "class", "category", "target", "quality", "is_duplicate")
# A GLUE folder's own test file has no labels, so the development part serves as the test split.
TEST_STEMS = ("dev", "validation", "dev_matched", "validation_matched", "test")


@dataclass(frozen=True)
class Split:
    """Rows of one part of a data set."""

    first: list[str]
    second: list[str] | None  # None: single sentences
    label: IntArray  # [rows] index into the classes

    def __len__(self) -> int:
        return len(self.first)


@dataclass(frozen=True)
class TextDataset:
    """A classification task: training and test rows over the same classes."""

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split


@dataclass(frozen=True)
class Columns:
    """Names of the columns to read; None: recognised by the names in common use."""

    first: str | None = None
    second: str | None = None
    label: str | None = None


def load_builtin(task: str, train_count: int, test_count: int, seed: int) -> TextDataset:
    """Rows of the built-in generator; training and test rows share no text."""
    train, test = (
        builtin_text.generate(task, split, count, seed)
        for split, count in (("train", train_count), ("test", test_count))
    )
    return TextDataset(
        name=task,
        classes=builtin_text.CLASSES[task],
        train=Split(train.first, train.second, train.label),
        test=Split(test.first, test.second, test.label),
    )


def load_path(
    path: str | Path, *, columns: Columns | None = None, test_fraction: float = 0.2, seed: int = 0
) -> TextDataset:
    """A GLUE-style folder (train.tsv and dev.tsv, or the same in CSV or Parquet), or one file.

    A single file, or a folder with nothing but a training part, is divided: `test_fraction` of the
    rows, drawn under `seed`, become the test split.
    """
    path = Path(path)
    columns = columns or Columns()
    if not path.exists():
        raise DataError(
            "the data path does not exist; it must be a folder or a .tsv, .csv or .parquet file",
            where=path,
        )
    train_files = files_named(path, ("train",)) if path.is_dir() else [path]
    test_files = files_named(path, TEST_STEMS) if path.is_dir() else []
    if not train_files:
        raise DataError("the folder must have train.tsv, train.csv or train.parquet", where=path)
    train = [_read(file, columns) for file in train_files]
    test = [_read(file, columns) for file in test_files]
    return _dataset(path.stem, train, test, test_fraction, seed)


def capped(dataset: TextDataset, train_rows: int, test_rows: int, seed: int) -> TextDataset:
    """At most so many rows of each split, drawn under `seed` and kept in their order.

    Raises DataError if a class has no training row left.
    """
    parts = []
    for split, rows, name in (
        (dataset.train, train_rows, "train"),
        (dataset.test, test_rows, "test"),
    ):
        if len(split) > rows:
            chosen = stream(seed, f"data.{name}_cap").permutation(len(split))[:rows]
            split = _take(split, np.sort(chosen))
        parts.append(split)
    train, test = parts
    missing = [c for i, c in enumerate(dataset.classes) if not (train.label == i).any()]
    if missing:
        rule = (
            f"no row of class {missing[0]!r} is left among {len(train)} training rows; allow more"
        )
        raise DataError(rule, where=dataset.name)
    return TextDataset(dataset.name, dataset.classes, train, test)


def load_hub(
    name: str,
    config: str | None = None,
    *,
    columns: Columns | None = None,
    test_fraction: float = 0.2,
    seed: int = 0,
) -> TextDataset:
    """A data set of the Hugging Face hub by name (extra `hub`), such as "nyu-mll/glue" with config
    "sst2".
    """
    local = "save its parts as train.parquet and validation.parquet in a folder and give that as the data path"
    try:
        import datasets
    except ImportError as error:
        rule = f"a data set of the hub needs the extra 'hub' (pip install 'netsim[hub]'); without it, {local}"
        raise InputError(rule, value=name) from error
    try:
        parts = datasets.load_dataset(name, config)
    except (
        Exception
    ) as error:  # the library raises its own, requests', fsspec's and pyarrow's errors
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        rule = f"the data set cannot be loaded from the hub ({reason}); on a machine that can reach it, {local}"
        raise InputError(rule, value=name) from error
    if "train" not in parts:
        raise DataError(
            f"the data set must have a part 'train'; it has {', '.join(parts)}", where=name
        )
    test_name = next((stem for stem in TEST_STEMS if stem in parts), None)
    columns = columns or Columns()
    train = [_from_hub(name, "train", parts["train"], columns)]
    test = [_from_hub(name, test_name, parts[test_name], columns)] if test_name else []
    return _dataset(name, train, test, test_fraction, seed)


# -- from tables to classes ----------------------------------------------------------------------


@dataclass(frozen=True)
class _Rows:
    table: Table
    first: list[str]
    second: list[str] | None
    label: list[int] | list[str]


def _read(file: Path, columns: Columns) -> _Rows:
    return _rows(read_table(file), columns)


def _from_hub(name: str, part: str, rows: Any, columns: Columns) -> _Rows:
    cells: dict[str, list[object]] = {}
    for column, feature in rows.features.items():
        values: list[Any] = list(rows[column])
        names = getattr(
            feature, "names", None
        )  # a ClassLabel stores indices; its names are the classes
        if names:
            values = [names[i] if i is not None and 0 <= i < len(names) else None for i in values]
        cells[column] = values
    table = Table(Path(name) / part, cells, list(range(1, len(rows) + 1)), "row")
    return _rows(table, columns)


def _rows(table: Table, columns: Columns) -> _Rows:
    first, second = _text_columns(table, columns)
    label = find_column(table, columns.label, LABELS)
    if label is None:
        rule = f"a label column is missing (one of {', '.join(LABELS)}); the file has {', '.join(table.columns)}"
        raise DataError(rule, where=table.path)
    seconds = None if second is None else text_cells(table, second)
    return _Rows(table, text_cells(table, first), seconds, label_cells(table, label))


def _text_columns(table: Table, columns: Columns) -> tuple[str, str | None]:
    if columns.first is not None:
        first = find_column(table, columns.first, ())
        assert first is not None
        return first, find_column(table, columns.second, ())
    for pair in PAIRS:
        first, second = (find_column(table, None, (name,)) for name in pair)
        if first and second:
            return first, second
    first = find_column(table, None, SINGLES)
    if first is None:
        names = ", ".join(SINGLES[:2] + tuple("+".join(pair) for pair in PAIRS[:4]))
        rule = (
            f"a text column is missing (such as {names}); the file has {', '.join(table.columns)}"
        )
        raise DataError(rule, where=table.path)
    return first, None


def _dataset(
    name: str, train: Sequence[_Rows], test: Sequence[_Rows], test_fraction: float, seed: int
) -> TextDataset:
    known = sorted(
        {label for rows in train for label in rows.label},
        key=lambda label: (isinstance(label, str), label),
    )
    index = {label: number for number, label in enumerate(known)}
    if len(known) < 2:
        rule = "the training rows must have at least two classes"
        raise DataError(rule, where=train[0].table.path, value=known[0])
    if len({type(label) for label in known}) > 1:
        raise DataError("labels must be all integers or all names", where=train[-1].table.path)
    for rows in test:
        for row, label in enumerate(rows.label):
            if label not in index:
                rule = f"the label does not occur in the training rows ({', '.join(map(str, known[:8]))})"
                raise DataError(rule, where=rows.table.place(row), value=label)
        if (rows.second is None) != (train[0].second is None):
            raise DataError(
                "test and training rows must both be pairs or both single", where=rows.table.path
            )
    whole = _split(train, index)
    if test:
        return TextDataset(name, tuple(map(str, known)), whole, _split(test, index))
    kept, held_out = _divide(whole, test_fraction, seed, train[0].table.path)
    return TextDataset(name, tuple(map(str, known)), kept, held_out)


def _split(parts: Sequence[_Rows], index: dict[int | str, int]) -> Split:
    first = [text for rows in parts for text in rows.first]
    second = [text for rows in parts for text in rows.second or ()]
    label = np.array([index[label] for rows in parts for label in rows.label], dtype=np.int64)
    return Split(first, second if parts[0].second is not None else None, label)


def _divide(whole: Split, test_fraction: float, seed: int, path: Path) -> tuple[Split, Split]:
    order = stream(seed, "data.test_rows").permutation(len(whole))
    held_out = round(test_fraction * len(whole))
    if not 0 < held_out < len(whole):
        rule = f"{len(whole)} rows are too few to hold {test_fraction:g} of them out for the test split"
        raise DataError(rule, where=path)
    return _take(whole, np.sort(order[held_out:])), _take(whole, np.sort(order[:held_out]))


def _take(split: Split, rows: IntArray) -> Split:
    second = None if split.second is None else [split.second[row] for row in rows]
    return Split([split.first[row] for row in rows], second, split.label[rows])

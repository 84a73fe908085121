"""Labelled text: from the built-in generator, from files, from the Hugging Face hub.

A data set is one sentence or a pair of sentences per row, and one of C classes. Classes that are
integers are ordered by value, names alphabetically; a row holds the index of its class in that
order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from netsim.errors import DataError, InputError
from netsim.learning.builtin import text as builtin_text
from netsim.learning.data.cells import NO_LABEL
from netsim.learning.data.labelled_rows import LabelledRows, TextColumns, read_rows
from netsim.learning.data.part_files import part_files
from netsim.learning.data.text_dialect import TextDialect
from netsim.rng import stream
from netsim.units import IntArray

DOMAIN = "domain"  # the column of the built-in tasks: product, or kind of place


@dataclass(frozen=True)
class Split:
    """Rows of one part of a data set."""

    first: list[str]
    second: list[str] | None  # None: single sentences
    label: IntArray  # [rows] index into the classes
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)  # others, by name; [rows]

    def __len__(self) -> int:
        return len(self.first)

    def take(self, rows: IntArray) -> Split:
        """Some rows, in the order given."""
        second = None
        if self.second is not None:
            second = [self.second[row] for row in rows]
        first = [self.first[row] for row in rows]
        columns = {}
        for name, values in self.columns.items():
            columns[name] = [values[row] for row in rows]
        return Split(first, second, self.label[rows], columns)

    def column(self, name: str) -> Sequence[str]:
        """A column besides text and label. Raises InputError."""
        if name not in self.columns:
            known = ", ".join(self.columns) or "none"
            rule = f"the partition must go by a column of the data (there are: {known})"
            raise InputError(rule, value=name)
        return self.columns[name]


@dataclass(frozen=True)
class TextDataset:
    """A classification task: training and test rows over the same classes."""

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    notes: tuple[str, ...] = ()  # what was left out of the files


def load_builtin(
    task: str,
    train_count: int,
    test_count: int,
    seed: int,
) -> TextDataset:
    """Rows of the built-in generator; training and test rows share no text."""
    train = builtin_text.generate(task, "train", train_count, seed)
    test = builtin_text.generate(task, "test", test_count, seed)
    return TextDataset(
        name=task,
        classes=builtin_text.CLASSES[task],
        train=_split_of(train),
        test=_split_of(test),
    )


def _split_of(found: builtin_text.Sentences) -> Split:
    return Split(found.first, found.second, found.label, {DOMAIN: found.domain})


def load_path(
    path: str | Path,
    *,
    columns: TextColumns | None = None,
    dialect: TextDialect | None = None,
    test_fraction: float = 0.2,
    seed: int = 0,
) -> TextDataset:
    """A GLUE-style folder (train.tsv and dev.tsv, or CSV, JSONL or Parquet), or one file.

    The parts may lie in a folder within, as in a snapshot of the hub. A single file, or a folder
    without labelled test rows, is divided: `test_fraction` of the rows, drawn under `seed`, become
    the test split. Raises DataError.
    """
    path = Path(path)
    columns = columns or TextColumns()
    parts = part_files(path)
    train = [read_rows(file, columns, dialect) for file in parts.train]
    test = [read_rows(file, columns, dialect, may_lack_labels=True) for file in parts.test]
    return dataset_of(
        path.stem,
        train,
        test,
        test_fraction=test_fraction,
        seed=seed,
    )


def capped(
    dataset: TextDataset,
    train_rows: int,
    test_rows: int,
    seed: int,
) -> TextDataset:
    """At most so many rows of each split, drawn under `seed` and kept in their order.

    Raises DataError if a class has no training row left.
    """
    train = _capped(dataset.train, train_rows, "train", seed)
    test = _capped(dataset.test, test_rows, "test", seed)
    for number, name in enumerate(dataset.classes):
        if not (train.label == number).any():
            rule = f"no row of class {name!r} is left among {len(train)} training rows; allow more"
            raise DataError(rule, where=dataset.name)
    return replace(dataset, train=train, test=test)


def _capped(
    split: Split,
    rows: int,
    name: str,
    seed: int,
) -> Split:
    if len(split) <= rows:
        return split
    order = stream(seed, f"data.{name}_cap").permutation(len(split))
    return split.take(np.sort(order[:rows]))


# -- from rows to classes --------------------------------------------------------------------------


def dataset_of(
    name: str,
    train: list[LabelledRows],
    test: list[LabelledRows],
    *,
    test_fraction: float,
    seed: int,
) -> TextDataset:
    """A data set of the rows of some files; without test rows, some training rows are held out."""
    known = _classes(train)
    index = {label: number for number, label in enumerate(known)}
    notes = _left_out("training", train)
    measured = [_without_hidden(rows, index) for rows in test]
    for rows in measured:
        _check_test_rows(rows, train[0], index)
    whole = _split(train, index)
    if any(len(rows.label) for rows in measured):
        notes += _left_out("test", measured)
        kept, held_out = whole, _split(measured, index)
    else:
        kept, held_out = _divide(whole, test_fraction, seed, train[0].table.path)
        if test:
            notes.append(
                f"{name}: the test part has no labels; {len(held_out)} training rows are held out "
                "in its place"
            )
    return TextDataset(
        name,
        classes=tuple(map(str, known)),
        train=kept,
        test=held_out,
        notes=tuple(notes),
    )


def _left_out(part: str, files: list[LabelledRows]) -> list[str]:
    """How many rows of a part are left out, and why."""
    counts = {
        "rows without a label": sum(rows.unlabelled for rows in files),
        "rows without a text": sum(rows.textless for rows in files),
        "blank lines": sum(rows.table.blank for rows in files),
    }
    path = files[0].table.path
    return [f"{path}: {n} {part} {what} are left out" for what, n in counts.items() if n]


def _without_hidden(rows: LabelledRows, index: Mapping[int | str, int]) -> LabelledRows:
    """Test rows without those whose label is -1, which stands for a hidden one."""
    if NO_LABEL in index or NO_LABEL not in rows.label:
        return rows
    seen = [row for row, label in enumerate(rows.label) if label != NO_LABEL]
    second = rows.second
    return replace(
        rows,
        table=replace(rows.table, line=[rows.table.line[row] for row in seen]),
        first=[rows.first[row] for row in seen],
        second=None if second is None else [second[row] for row in seen],
        label=[rows.label[row] for row in seen],
        kept={name: [cells[row] for row in seen] for name, cells in rows.kept.items()},
        unlabelled=rows.unlabelled + len(rows.label) - len(seen),
    )


def _classes(train: list[LabelledRows]) -> list[int | str]:
    """The labels of the training rows in order: integers by value, names alphabetically."""
    found: set[int | str] = set()
    for rows in train:
        found.update(rows.label)
    known = sorted(found, key=lambda label: (isinstance(label, str), label))
    if len(known) < 2:
        rule = "the training rows must have at least two classes"
        raise DataError(rule, where=train[0].table.path, value=known[0])
    kinds = {type(label) for label in known}
    if len(kinds) > 1:
        raise DataError("labels must be all integers or all names", where=train[-1].table.path)
    return known


def _check_test_rows(
    rows: LabelledRows,
    train: LabelledRows,
    index: dict[int | str, int],
) -> None:
    for row, label in enumerate(rows.label):
        if label not in index:
            some = ", ".join(map(str, list(index)[:8]))
            rule = f"the label does not occur in the training rows ({some})"
            raise DataError(rule, where=rows.table.place(row), value=label)
    if (rows.second is None) != (train.second is None):
        rule = "test and training rows must both be pairs or both single"
        raise DataError(rule, where=rows.table.path)


def _split(parts: list[LabelledRows], index: dict[int | str, int]) -> Split:
    first: list[str] = []
    second: list[str] = []
    numbers: list[int] = []
    for rows in parts:
        first += rows.first
        second += rows.second or []
        numbers += [index[label] for label in rows.label]
    pairs = parts[0].second is not None
    label = np.array(numbers, dtype=np.int64)
    return Split(first, second if pairs else None, label, _kept_columns(parts))


def _kept_columns(parts: list[LabelledRows]) -> dict[str, list[str]]:
    """The further columns that were asked for, of all files together."""
    columns: dict[str, list[str]] = {name: [] for name in parts[0].kept}
    for rows in parts:
        for name, values in rows.kept.items():
            columns[name] += values
    return columns


def _divide(
    whole: Split,
    test_fraction: float,
    seed: int,
    path: Path,
) -> tuple[Split, Split]:
    """Training rows, and those that are held out for the test split."""
    order = stream(seed, "data.test_rows").permutation(len(whole))
    held_out = round(test_fraction * len(whole))
    if not 0 < held_out < len(whole):
        share = f"{test_fraction:g} of them"
        rule = f"{len(whole)} rows are too few to hold {share} out for the test split"
        raise DataError(rule, where=path)
    train = whole.take(np.sort(order[held_out:]))
    test = whole.take(np.sort(order[:held_out]))
    return train, test

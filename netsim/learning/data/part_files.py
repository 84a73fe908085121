"""Where the parts of a data set lie: in files, in shards, in snapshots of the hub."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from netsim.errors import DataError, InputError
from netsim.learning.data.table_files import SUFFIXES

# A GLUE folder's own test file has no labels, so the development part serves as the test split.
TEST_STEMS = ("dev", "validation", "dev_matched", "validation_matched", "test")
_TRAIN = ("train",)


class PartFiles(NamedTuple):
    """The files of each part; without test files some training rows are held out."""

    train: list[Path]
    test: list[Path]


def part_files(path: Path) -> PartFiles:
    """The parts of a folder, or a file that is all there is. Raises DataError.

    In a snapshot of the hub they lie in a folder `data`, or in one folder for each configuration.
    """
    if not path.exists():
        rule = (
            "the data path does not exist; it must be a folder or a .tsv, .csv, .jsonl or "
            ".parquet file"
        )
        raise DataError(rule, where=path)
    if not path.is_dir():
        return PartFiles([path], [])
    folder = _folder_of_parts(path)
    return PartFiles(files_named(folder, _TRAIN), files_named(folder, TEST_STEMS))


def _folder_of_parts(path: Path) -> Path:
    """The folder, or the one below it that has the training part. Raises DataError."""
    if files_named(path, _TRAIN):
        return path
    inner = [entry for entry in sorted(path.iterdir()) if entry.is_dir()]
    found = [folder for folder in inner if files_named(folder, _TRAIN)]
    if len(found) == 1:
        return found[0]
    if not found:
        rule = "the folder must have train.tsv, train.csv, train.jsonl or train.parquet"
        raise DataError(rule, where=path)
    names = ", ".join(folder.name for folder in found)
    rule = f"several folders have a training part ({names}); give one of them as the path"
    raise DataError(rule, where=path)


def files_named(folder: Path, stems: tuple[str, ...]) -> list[Path]:
    """The folder's file of the first stem it has (`train.tsv`), or that file's shards.

    Shards are named like `train-0-of-2.parquet` or `train_0.csv`, or lie in a folder `train`.
    """
    if not folder.is_dir():
        raise InputError("the folder does not exist", where=folder)
    for stem in stems:
        for suffix in SUFFIXES:
            whole = folder / f"{stem}{suffix}"
            if whole.is_file():
                return [whole]
            for pattern in (f"{stem}-*-of-*", f"{stem}[-_.][0-9]*", f"{stem}/*"):
                shards = sorted(folder.glob(f"{pattern}{suffix}"), key=_by_number)
                if shards:
                    return shards
    return []


def _by_number(path: Path) -> list[tuple[int, str]]:
    """Sort key of shards: 2 comes before 10."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]

"""Data sets of the Hugging Face hub (extra `hub`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from netsim.errors import DataError, InputError
from netsim.learning.data.datasets import TextDataset, dataset_of
from netsim.learning.data.labelled_rows import LabelledRows, TextColumns, rows_of
from netsim.learning.data.part_files import TEST_STEMS
from netsim.learning.data.table_files import Table

INSTEAD = (
    "save its parts as train.parquet and validation.parquet in a folder "
    "and give that as the data path"
)


@runtime_checkable
class _ClassLabel(Protocol):
    """A column that stores indices; its names are the classes."""

    names: list[str]


def load_hub(
    name: str,
    config: str | None = None,
    *,
    columns: TextColumns | None = None,
    test_fraction: float = 0.2,
    seed: int = 0,
) -> TextDataset:
    """A data set by its name, such as "nyu-mll/glue" with config "sst2". Raises InputError."""
    parts = _download(name, config)
    if "train" not in parts:
        rule = f"the data set must have a part 'train'; it has {', '.join(parts)}"
        raise DataError(rule, where=name)
    columns = columns or TextColumns()
    train = [_rows(name, "train", parts["train"], columns)]
    test = []
    test_name = next((stem for stem in TEST_STEMS if stem in parts), None)
    if test_name is not None:
        test.append(_rows(name, test_name, parts[test_name], columns))
    return dataset_of(
        name,
        train,
        test,
        test_fraction=test_fraction,
        seed=seed,
    )


def _download(name: str, config: str | None) -> Any:
    """The parts of the data set by name."""
    try:
        import datasets
    except ImportError as error:
        rule = (
            "a data set of the hub needs the extra 'hub' (pip install 'netsim-fedlora[hub]'); "
            f"without it, {INSTEAD}"
        )
        raise InputError(rule, value=name) from error
    try:
        return datasets.load_dataset(name, config)
    except Exception as error:  # the library raises its own, requests', fsspec's, pyarrow's errors
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        rule = (
            f"the data set cannot be loaded from the hub ({reason}); "
            f"on a machine that can reach it, {INSTEAD}"
        )
        raise InputError(rule, value=name) from error


def _rows(
    name: str,
    part: str,
    rows: Any,
    columns: TextColumns,
) -> LabelledRows:
    cells: dict[str, list[object]] = {}
    for column, feature in rows.features.items():
        values: list[Any] = list(rows[column])
        if isinstance(feature, _ClassLabel) and feature.names:
            values = [_class_name(feature, index) for index in values]
        cells[column] = values
    numbers = list(range(1, len(rows) + 1))
    table = Table(
        Path(name) / part,
        cells,
        numbers,
        "row",
    )
    return rows_of(table, columns, may_lack_labels=part != "train")


def _class_name(label: _ClassLabel, index: int | None) -> str | None:
    """Name of a class; None where a row has no label."""
    if index is None or not 0 <= index < len(label.names):
        return None
    return label.names[index]

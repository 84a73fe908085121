"""Data sets: GLUE folders, column names, classes, and what is said about broken files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from netsim.errors import DataError, InputError
from netsim.learning.data.datasets import load_builtin, load_path
from netsim.learning.data.hub import load_hub
from netsim.learning.data.labelled_rows import TextColumns

GLUE = Path(__file__).parents[2].parent / "shared/data/glue"
needs_glue = pytest.mark.skipif(
    not GLUE.is_dir(), reason="the GLUE samples lie beside the repository only"
)


def folder(
    path: Path, train: str | bytes, dev: str | bytes = "sentence\tlabel\nbad\t0\n", end: str = "tsv"
) -> Path:
    for name, content in (("train", train), ("dev", dev)):
        raw = content if isinstance(content, bytes) else content.encode()
        (path / f"{name}.{end}").write_bytes(raw)
    return path


GOOD = "sentence\tlabel\ngood\t1\nbad\t0\n"


@needs_glue
def test_single_sentences_of_glue() -> None:
    data = load_path(GLUE / "sst2")
    assert data.classes == ("0", "1")
    assert data.train.second is None
    with (GLUE / "sst2/train.tsv").open("rb") as lines:
        assert len(data.train) == sum(1 for _ in lines) - 1
    assert data.test.first[0].startswith("it 's a charming")
    assert data.test.label[0] == 1


@needs_glue
def test_pairs_of_glue() -> None:
    data = load_path(GLUE / "qnli")
    assert data.classes == ("entailment", "not_entailment")
    assert data.train.second is not None
    # The marks in this row are text, not quoting.
    assert '"Christ and His salvation"' in (data.test.second or [""])[0]
    assert data.test.label[0] == 0


def test_reading_needs_no_torch() -> None:
    code = (
        "import sys, netsim.learning.data.datasets, netsim.learning.data.partition, netsim.learning.payload\n"
        "assert not {'torch', 'transformers', 'peft', 'polars'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "header",
    [
        "sentence1\tsentence2",
        "premise\thypothesis",
        "Question1\tQuestion2",
        "question\tsentence",
        "#1 String\t#2 String",
    ],
)
def test_pair_columns_are_recognised(tmp_path: Path, header: str) -> None:
    text = f"index\t{header}\tlabel\n7\ta b\tc d\tyes\n8\te\tf\tno\n"
    data = load_path(folder(tmp_path, text, text))
    assert data.classes == ("no", "yes")
    assert (data.train.first[0], (data.train.second or [])[0]) == ("a b", "c d")
    assert data.train.label.tolist() == [1, 0]


def test_integer_classes_are_ordered_by_value(tmp_path: Path) -> None:
    rows = "".join(f"text {i}\t{label}\n" for i, label in enumerate((10, 9, -1, 2, 10)))
    data = load_path(folder(tmp_path, "text\tlabel\n" + rows, "text\tlabel\nx\t9\n"))
    assert data.classes == ("-1", "2", "9", "10")
    assert data.train.label.tolist() == [3, 2, 0, 1, 3]


def test_named_columns(tmp_path: Path) -> None:
    text = "a,b,c\nx,y,0\nz,w,1\n"
    data = load_path(folder(tmp_path, text, text, "csv"), columns=TextColumns("b", None, "c"))
    assert data.train.first == ["y", "w"]
    assert data.train.second is None


def test_csv_quotes_and_lines(tmp_path: Path) -> None:
    text = '\ufefftext,label\r\n"one, ""two""\nthree",a\r\nfour,b\r\n'
    data = load_path(folder(tmp_path, text, text, "csv"))
    assert data.train.first == ['one, "two"\nthree', "four"]


def test_parquet_and_shards(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": ["a", "b", "c"], "label": [0, 1, 1]})
    frame[:2].write_parquet(tmp_path / "train-00000-of-00002.parquet")
    frame[2:].write_parquet(tmp_path / "train-00001-of-00002.parquet")
    frame.write_parquet(tmp_path / "validation.parquet")
    data = load_path(tmp_path)
    assert data.train.first == ["a", "b", "c"]
    assert data.test.label.tolist() == [0, 1, 1]


def test_one_file_is_divided_by_seed(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    path.write_text("text,label\n" + "".join(f"t{i},{i % 2}\n" for i in range(50)))
    data, again, other = load_path(path), load_path(path), load_path(path, seed=1)
    assert (len(data.train), len(data.test)) == (40, 10)
    assert not set(data.train.first) & set(data.test.first)
    assert data.test.first == again.test.first != other.test.first


def test_built_in_data() -> None:
    data = load_builtin("passages", 50, 20, 0)
    assert (len(data.train), len(data.test), len(data.classes)) == (50, 20, 2)
    assert data.train.second is not None
    assert set(np.unique(data.train.label)) == {0, 1}


BROKEN = {
    "too few columns": ("sentence\tlabel\ngood\t1\nbad\n", "train.tsv, line 3", "2 columns"),
    "too many columns": ("sentence\tlabel\ngood\t1\tx\nbad\t0\n", "train.tsv, line 2", "not 3"),
    "empty label": ("sentence\tlabel\ngood\t1\nbad\t\n", "train.tsv, line 3", "'label' must be"),
    "NaN label": ("sentence\tlabel\ngood\t1\nbad\tNaN\n", "train.tsv, line 3", "NaN"),
    "score for a label": ("sentence\tlabel\ngood\t0.25\nbad\t1\n", "train.tsv, line 2", "0.25"),
    "one odd label": ("sentence\tlabel\na\t1\nb\t0\nc\tx\n", "train.tsv, line 4", "all integers"),
    "empty text": ("sentence\tlabel\ngood\t1\n \t0\n", "train.tsv, line 3", "not empty"),
    "empty file": ("", "train.tsv", "empty"),
    "header only": ("sentence\tlabel\n", "train.tsv", "no rows"),
    "no label column": ("sentence\tscore\na\t1\n", "train.tsv", "label column is missing"),
    "no text column": ("words\tlabel\na\t1\n", "train.tsv", "text column is missing"),
    "same column twice": ("sentence\tlabel\tlabel\na\t1\t1\n", "train.tsv, line 1", "must differ"),
    "one class": ("sentence\tlabel\na\t1\nb\t1\n", "train.tsv", "two classes"),
    "not UTF-8": (b"sentence\tlabel\ngood\t1\nb\xff\xfed\t0\n", "train.tsv, line 3", "UTF-8"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_are_named(tmp_path: Path, case: str) -> None:
    content, place, rule = BROKEN[case]
    with pytest.raises(DataError) as caught:
        load_path(folder(tmp_path, content))
    assert place in str(caught.value)
    assert rule in str(caught.value)


def test_label_unknown_to_the_training_rows(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"dev\.tsv, line 3: .*does not occur in the training rows .*found 2"
    ):
        load_path(folder(tmp_path, GOOD, "sentence\tlabel\nfine\t1\nodd\t2\n"))


def test_broken_csv_and_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text,label\na,0\n"open,1\n')
    with pytest.raises(DataError, match=r"a\.csv, line 3: .*well-formed"):
        load_path(path)
    path = tmp_path / "a.parquet"
    path.write_bytes(b"no parquet")
    with pytest.raises(DataError, match=r"a\.parquet: .*must be Parquet"):
        load_path(path)
    pl.DataFrame({"text": ["a", "b", None], "label": [0.0, float("nan"), 1.0]}).write_parquet(path)
    with pytest.raises(DataError, match=r"a\.parquet, row 3: 'text' must be text"):
        load_path(path)
    pl.DataFrame({"text": ["a", "b"], "label": [0.0, float("nan")]}).write_parquet(path)
    with pytest.raises(DataError, match=r"a\.parquet, row 2: 'label' must be .*nan"):
        load_path(path)


def test_missing_places(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        load_path(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"must have train\.tsv"):
        load_path(tmp_path)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(DataError, match=r"must end in \.tsv"):
        load_path(tmp_path / "a.txt")


def test_hub_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(InputError, match=r"netsim-fedlora\[hub\].*data path"):
        load_hub("nyu-mll/glue", "sst2")


@pytest.mark.parametrize("name", ["train.tsv", "train-0-of-1.tsv"])
@pytest.mark.parametrize("kind", ["a link", "a device", "a pipe"])
def test_a_data_folder_holds_plain_files(kind: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(GOOD)
    train = tmp_path / name
    if kind == "a pipe":
        os.mkfifo(train)
    else:
        train.symlink_to(tmp_path / "secret" if kind == "a link" else Path("/dev/zero"))
    with pytest.raises(InputError, match=r"plain file|must have train.tsv"):
        load_path(tmp_path)

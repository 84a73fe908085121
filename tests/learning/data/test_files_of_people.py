"""Data sets as people have them: labels that mean none, separators, encodings, shards, no header."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from netsim.errors import DataError
from netsim.learning.data.column_options import parse_data_columns
from netsim.learning.data.datasets import TextDataset, load_path

WORDS = ("the kettle leaks", "a quick answer", "two parts were missing", "the strap fits well")


def _rows(count: int, labels: tuple[str, ...], separator: str = ",") -> str:
    lines = (f"{WORDS[k % 4]} item {k}{separator}{labels[k % len(labels)]}" for k in range(count))
    return "".join(f"{line}\n" for line in lines)


def _folder(tmp_path: Path, **files: str) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def _load(path: Path, columns: str = "") -> TextDataset:
    options = parse_data_columns(columns)
    return load_path(path, columns=options.columns, dialect=options.dialect)


def test_names_of_columns(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text("review,sentiment\n" + _rows(40, ("negative", "positive")))
    assert _load(path).classes == ("negative", "positive")
    path.write_text("words,mood\n" + _rows(40, ("sad", "glad")))
    with pytest.raises(DataError, match=r"words, mood; say data.columns = text=COLUMN"):
        _load(path)
    with pytest.raises(DataError, match=r"words, mood; say data.columns = label=COLUMN"):
        _load(path, "text=words")
    assert _load(path, "text=words,label=mood").classes == ("glad", "sad")


def test_empty_header_cells(tmp_path: Path) -> None:
    path = tmp_path / "sms.csv"
    rows = (f"{('spam', 'ham')[k % 2]},{WORDS[k % 4]} {k},,\n" for k in range(20))
    path.write_text("label,text,,\n" + "".join(rows))
    assert _load(path).classes == ("ham", "spam")


def test_minus_one_beside_classes_from_zero_is_none(tmp_path: Path) -> None:
    train = "text,label\n" + _rows(90, ("0", "1", "2", "0", "1", "2", "0", "1", "2", "-1"))
    found = _load(_folder(tmp_path, train=train, validation="text,label\n" + _rows(9, ("0", "2"))))
    assert found.classes == ("0", "1", "2")
    assert len(found.train) == 81
    assert [note.split(": ")[1] for note in found.notes] == [
        "9 training rows without a label are left out"
    ]


def test_minus_one_may_be_a_class(tmp_path: Path) -> None:
    path = tmp_path / "moods.csv"
    path.write_text("text,label\n" + _rows(60, ("-1", "0", "1")))
    assert _load(path).classes == ("-1", "0", "1")
    path.write_text("text,label\n" + _rows(60, ("-1", "1")))
    assert _load(path).classes == ("-1", "1")


@pytest.mark.parametrize("test", ["text\n" + _rows(9, ("",)), "text,label\n" + _rows(9, ("-1",))])
def test_a_test_part_without_labels_is_passed_over(test: str, tmp_path: Path) -> None:
    test = test.replace(",\n", "\n")
    train = "text,label\n" + _rows(60, ("0", "1"))
    found = _load(_folder(tmp_path, train=train, test=test))
    assert (len(found.train), len(found.test)) == (48, 12)
    note = "set: the test part has no labels; 12 training rows are held out in its place"
    assert found.notes == (note,)


def test_too_many_rows_without_a_label_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + _rows(40, ("0", "1", "")))
    with pytest.raises(DataError, match=r"a\.csv, line 4: 'label' must be an integer or a name"):
        _load(path)
    path.write_text("text,label\n" + _rows(40, ("",)))
    with pytest.raises(DataError, match="no row has a label in 'label'"):
        _load(path)


def test_a_snapshot_of_the_hub(tmp_path: Path) -> None:
    (tmp_path / "snapshot" / "data").mkdir(parents=True)
    frame = pl.DataFrame({"text": [f"text {k}" for k in range(20)], "label": [0, 1] * 10})
    frame.write_parquet(tmp_path / "snapshot" / "data" / "train-00000-of-00001.parquet")
    assert _load(tmp_path / "snapshot").classes == ("0", "1")
    (tmp_path / "snapshot" / "data").rename(tmp_path / "snapshot" / "plain_text")
    assert _load(tmp_path / "snapshot").classes == ("0", "1")
    for name in ("cola", "sst2"):
        (tmp_path / "glue" / name).mkdir(parents=True)
        frame.write_parquet(tmp_path / "glue" / name / "train-00000-of-00001.parquet")
    with pytest.raises(DataError, match=r"several folders have a training part \(cola, sst2\)"):
        _load(tmp_path / "glue")


def test_no_header(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = (f'"{1 + k % 2}","title {k}","{WORDS[k % 4]} {k}"\n' for k in range(20))
    path.write_text("".join(rows))
    with pytest.raises(DataError, match=r"line 1: there seems to be no header; if so, say"):
        _load(path)
    found = _load(path, "header=no,label=1,text=3")
    assert found.classes == ("1", "2")
    assert len(found.train) + len(found.test) == 20


def _csv(separator: str) -> Callable[[Path], None]:
    text = f"text{separator}label\n" + _rows(20, ("no", "yes"), separator)
    return lambda path: path.write_bytes(text.encode("utf-8"))


def test_separators_are_seen(tmp_path: Path) -> None:
    for separator in ",;\t|":
        _csv(separator)(tmp_path / "a.csv")
        assert _load(tmp_path / "a.csv").classes == ("no", "yes")
    (tmp_path / "a.csv").write_text("text|label\n" + _rows(20, ("a,b", "c"), "|"))
    assert _load(tmp_path / "a.csv", "separator=bar").classes == ("a,b", "c")


def test_encodings(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    text = "text,label\n" + _rows(20, ("schön", "öde"))
    path.write_bytes(text.encode("utf-16"))
    assert _load(path).classes == ("schön", "öde")
    path.write_bytes(text.encode("cp1252"))
    with pytest.raises(DataError, match="line 2: the text must be UTF-8; if it is another"):
        _load(path)
    assert _load(path, "encoding=windows-1252").classes == ("schön", "öde")
    with pytest.raises(DataError, match="encoding must be one of"):
        _load(path, "encoding=klingon")


def test_lines_of_json(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = (f'{{"text": "{WORDS[k % 4]} {k}", "label": {k % 2}}}\n' for k in range(20))
    path.write_text("".join(lines) + "\n")
    assert _load(path).classes == ("0", "1")
    path.write_text('{"text": "a", "label": 0}\n[1]\n')
    with pytest.raises(DataError, match=r"a\.jsonl, line 2: each line must be a JSON object"):
        _load(path)


@pytest.mark.parametrize(
    "name", ["train-{}-of-11", "train_{}", "train.{}", "train/part-{}", "train-{}²1"]
)
def test_shards(name: str, tmp_path: Path) -> None:
    for shard in (0, 2, 10):
        path = tmp_path / f"{name.format(shard)}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"text,label\nshard {shard},{shard % 4}\nmore,{1 + shard % 4}\n")
    (tmp_path / "validation.csv").write_text("text,label\na,1\nb,2\n")
    found = _load(tmp_path)
    assert [text for text in found.train.first if text != "more"] == [
        "shard 0",
        "shard 2",
        "shard 10",
    ]
    assert len(found.test) == 2


def test_blank_lines_and_rows_without_a_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "\ntext,label\n" + _rows(20, ("no", "yes")) + "\n ,no\n  \n" + _rows(2, ("no",))
    )
    found = _load(path)
    assert len(found.train) + len(found.test) == 22
    assert [note.split(": ")[1] for note in found.notes] == [
        "1 training rows without a text are left out",
        "3 training blank lines are left out",
    ]
    path = tmp_path / "a.jsonl"
    lines = [f'{{"text": "{WORDS[k % 4]} {k}", "label": {k % 2}}}' for k in range(20)]
    path.write_text("\n".join([*lines[:9], "", '{"text": null, "label": 0}', *lines[9:]]))
    assert len(_load(path).notes) == 2
    path = tmp_path / "b.csv"
    path.write_text("text,label\n" + _rows(20, ("no", "yes")) + ",no\n" * 9)
    with pytest.raises(DataError, match=r"b\.csv, line 22: 'text' must be text and not empty"):
        _load(path)


def test_pairs_whose_second_sentence_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = (f"q {k},{'' if k == 5 else 'an answer'},{k % 2}\n" for k in range(20))
    path.write_text("question,sentence,label\n" + "".join(rows))
    found = _load(path)
    assert len(found.train) + len(found.test) == 19
    assert "q 5" not in found.train.first + found.test.first

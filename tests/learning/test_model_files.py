"""Models of unknown origin: what a folder names is checked, and nothing in it ends the process."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netsim.errors import InputError, NetsimError
from netsim.learning.data.datasets import Split
from netsim.learning.data.tokens import MOST_CHARACTERS, TokenCache
from netsim.learning.model_files import check_model_folder
from netsim.learning.model_loading import load_foundation
from netsim.learning.model_shape import read_shape
from netsim.learning.tokenizer_trial import check_tokenizer, without_panics

PANICS = {
    "pre_tokenizer": {"type": "FixedLength", "length": 0},
    "normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAAAAAA"},
}
ABORTS = {
    "padding": {
        "strategy": {"Fixed": 10**12},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "<pad>",
    }
}


@pytest.fixture
def folder(tmp_path: Path, model_folder: Callable[[str], str]) -> Path:
    """A copy of a good folder."""
    return Path(shutil.copytree(model_folder("bert"), tmp_path / "model"))


def _change(path: Path, **changes: Any) -> None:
    found = json.loads(path.read_text())
    path.write_text(json.dumps({**found, **changes}))


def _refusal(folder: Path) -> str:
    with pytest.raises(NetsimError) as caught:
        check_model_folder(folder)
    return str(caught.value)


@pytest.mark.parametrize("file", ["pytorch_model.bin", "../outside.safetensors", "no.safetensors"])
def test_an_index_names_safetensors_that_lie_beside_it(file: str, folder: Path) -> None:
    (folder.parent / "outside.safetensors").write_bytes(b"")
    (folder / "pytorch_model.bin").write_bytes(b"")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"bert.x": file}}))
    said = _refusal(folder)
    assert "weight_map must name *.safetensors files that lie beside it" in said
    assert f"{index}, bert.x" in said
    index.write_text(json.dumps({"weight_map": {"bert.x": "model.safetensors"}}))
    check_model_folder(folder)


LEADS_AWAY: dict[str, Callable[[Path], None]] = {
    "a link": lambda path: path.symlink_to(path.parents[1] / "secret"),
    "a loop": lambda path: path.symlink_to(path.name),
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a pipe": os.mkfifo,
}


@pytest.mark.parametrize("kind", LEADS_AWAY)
@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json", "new.json"])
def test_a_model_folder_holds_plain_files(name: str, kind: str, folder: Path) -> None:
    path = folder / name
    if path.exists():
        path.rename(folder.parent / "secret")
    else:
        (folder.parent / "secret").touch()
    LEADS_AWAY[kind](path)
    said = _refusal(folder)
    assert said.startswith(str(path))
    assert "must be a plain file, not a link" in said or "cannot be read" in said
    if name == "config.json":
        with pytest.raises(NetsimError, match=r"plain file|cannot be read"):
            read_shape(folder)


def test_a_snapshot_of_the_hubs_cache_is_made_of_links(folder: Path, tmp_path: Path) -> None:
    repository = tmp_path / "models--made--up"
    snapshot = repository / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    folder.rename(repository / "blobs")
    for blob in (repository / "blobs").iterdir():
        (snapshot / blob.name).symlink_to(Path("..") / ".." / "blobs" / blob.name)
    check_model_folder(snapshot)
    (tmp_path / "secret").touch()
    (repository / "blobs" / "more.json").symlink_to(tmp_path / "secret")
    (snapshot / "more.json").symlink_to(Path("..") / ".." / "blobs" / "more.json")
    assert "must be a plain file" in _refusal(snapshot)


def test_weights_that_are_cut_short(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    assert _refusal(folder) == f"{weights}: is no whole safetensors file"


def test_a_configuration_that_cannot_be(folder: Path) -> None:
    config = folder / "config.json"
    _change(config, num_hidden_layers=10**9)
    assert "config.json, num_hidden_layers: must be at most 1000" in _refusal(folder)
    _change(config, num_hidden_layers=3, hidden_size=10**9)
    assert "config.json, hidden_size: must be at most 16777216" in _refusal(folder)
    config.write_text("[" * 100_000)
    assert "not JSON of a sane depth" in _refusal(folder)


def test_hostile_tokenizers_are_tried_in_a_process_of_their_own(folder: Path) -> None:
    file = folder / "tokenizer.json"
    good = file.read_text()
    check_tokenizer(folder)
    for key, value in {**PANICS, **ABORTS}.items():
        file.write_text(good)
        _change(file, **{key: value})
        with pytest.raises(InputError, match="the model's tokenizer cannot be used") as caught:
            check_tokenizer(folder)
        assert len(str(caught.value).splitlines()) == 1


def test_a_panic_is_an_error() -> None:
    class PanicException(BaseException):
        """As the binding of Rust names it."""

    with (
        pytest.raises(InputError, match="cannot be used: index out of bounds"),
        without_panics("m"),
    ):
        raise PanicException("index out of bounds")
    with pytest.raises(KeyboardInterrupt), without_panics("m"):
        raise KeyboardInterrupt


def test_tokenizers_without_padding_and_end(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    found = json.loads(path.read_text())
    del found["pad_token"]
    path.write_text(json.dumps(found))
    with pytest.raises(InputError, match="neither a padding nor an end token"):
        load_foundation(str(folder), 2)


def test_tokens_that_the_model_does_not_know(folder: Path) -> None:
    loaded = load_foundation(str(folder), 2)
    split = Split(["a good kettle"], None, np.zeros(1, dtype=np.int64))
    known = TokenCache(loaded.tokenizer, split, 16, 10_000)
    assert known.texts([0]).length.tolist() == [5]
    with pytest.raises(InputError, match=r"its tokens must be below 2, .*embedding"):
        TokenCache(loaded.tokenizer, split, 16, 2).texts([0])


def test_long_texts_are_cut_before_they_are_tokenised(folder: Path) -> None:
    tokenizer = load_foundation(str(folder), 2).tokenizer
    longest = 0

    def watched(texts: list[str], *rest: Any, **options: Any) -> Any:
        nonlocal longest
        longest = max(map(len, texts))
        return tokenizer(texts, *rest, **options)

    watched.name_or_path = ""  # type: ignore[attr-defined]
    text = "good " * 400_000
    split = Split([text], None, np.zeros(1, dtype=np.int64))
    found = TokenCache(watched, split, 16).texts([0])
    assert longest == 16 * MOST_CHARACTERS
    whole = TokenCache(tokenizer, Split([text[:9_000]], None, split.label), 16).texts([0])
    assert found.token.tolist() == whole.token.tolist()

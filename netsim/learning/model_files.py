"""A model folder in the hub's format, looked at before anything in it is loaded.

Only safetensors are read: pickled weights can run code, and so they are not read either where the
index of a model in several files names them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from netsim.errors import DataError, InputError
from netsim.plain import check_plain_or_cached
from netsim.results.plain_files import read_json

CONFIG = "config.json"
INDEX = "model.safetensors.index.json"
SAFETENSORS = ".safetensors"
MOST_LAYERS = 1000
MOST_SIZE = 2**24
_SIZES = ("layers", "n_layer", "size", "dim", "embd", "d_model", "d_ff", "heads", "positions")
BESIDE_CONFIG = (
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "generation_config.json",
)
"""Files that are read with a model where they are there."""
TOKENIZERS = ("tokenizer.json", "vocab.txt", "tokenizer.model", "vocab.json")


def check_model_folder(folder: Path) -> None:
    """Raises InputError, or DataError where a file cannot be read or leads out of the folder."""
    _check_sizes(read_config(folder), folder / CONFIG)
    for entry in sorted(folder.iterdir()):
        if entry.is_symlink() or not entry.is_dir():  # what lies deeper is not read
            check_plain_or_cached(entry)
            _check_weights(entry)
    for name in BESIDE_CONFIG:
        if (folder / name).is_file():
            read_json((folder / name).resolve())
    if not any(folder.glob(f"*{SAFETENSORS}")):
        raise _no_weights(folder)
    if (folder / INDEX).is_file():
        _check_index(folder)
    if not any((folder / file).is_file() for file in TOKENIZERS):
        raise InputError("the model folder must have a tokenizer (tokenizer.json)", where=folder)


def read_config(folder: Path) -> dict[str, Any]:
    """What config.json of a model folder says. Raises InputError if there is none, or DataError."""
    path = folder / CONFIG
    if not os.path.lexists(path):
        rule = "the model folder must have config.json, as the hub's format does"
        raise InputError(rule, where=folder)
    check_plain_or_cached(path)
    return read_json(path.resolve())


def _check_sizes(config: Mapping[str, Any], path: Path) -> None:
    """Raises InputError at a size that no model has, which would take hours or all memory."""
    for key, value in config.items():
        most = MOST_LAYERS if key.endswith(("layers", "n_layer")) else MOST_SIZE
        if isinstance(value, int) and key.endswith(_SIZES) and value > most:
            raise InputError(f"must be at most {most}", where=f"{path}, {key}", value=value)


def _check_weights(path: Path) -> None:
    """Raises DataError for a file of weights that is cut short, or is none."""
    if path.suffix != SAFETENSORS:
        return
    try:
        with safe_open(path, framework="numpy") as weights:  # reads the header, checks the length
            weights.keys()
    except (OSError, SafetensorError):
        raise DataError("is no whole safetensors file", where=path) from None


def _no_weights(folder: Path) -> InputError:
    pickles = sorted(path.name for path in (*folder.glob("*.bin"), *folder.glob("*.pt")))
    rule = "the model folder must have its weights as *.safetensors"
    if pickles:
        rule += (
            "; pickled weights are not read because loading them can run code: convert them first"
        )
    return InputError(rule, where=folder, value=pickles or None)


def _check_index(folder: Path) -> None:
    """Raises InputError unless the index names files of the folder, all of them safetensors."""
    path = folder / INDEX
    parts = read_json(path.resolve()).get("weight_map")
    if not isinstance(parts, dict) or not parts:
        raise InputError("weight_map must name the file of every weight", where=path)
    for weight, file in parts.items():
        plain = isinstance(file, str) and Path(file).name == file and file.endswith(SAFETENSORS)
        if not plain or not (folder / file).is_file():
            rule = "weight_map must name *.safetensors files that lie beside it"
            raise InputError(rule, where=f"{path}, {weight}", value=file)

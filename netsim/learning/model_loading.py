"""Loads a foundation model: built in, from a folder, or from the hub.

Only safetensors are read and no code of a model repository is run.
"""

from __future__ import annotations

from pathlib import Path

import torch

from netsim.errors import InputError
from netsim.learning.builtin import model_folder
from netsim.learning.builtin.frozen_model import HEAD, FrozenModel, FrozenTokenizer
from netsim.learning.foundation import Foundation, most_tokens
from netsim.learning.model_files import check_model_folder
from netsim.learning.payload import BUILTIN
from netsim.learning.tokenizer_trial import check_tokenizer

WEIGHTS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def load_foundation(
    name: str,
    classes: int,
    *,
    weights: str = "float32",
    device: str = "cpu",
) -> Foundation:
    """Load "builtin", a local folder in the format of the hub, or a name on the hub.

    `weights` is how they are stored, "float32" or "bfloat16". `device` is "cpu", "cuda", or "auto":
    "cuda" where there is one. Raises InputError.
    """
    if weights not in WEIGHTS:
        raise InputError(f"the weights must be stored as {' or '.join(WEIGHTS)}", value=weights)
    place = _device(device)
    loaded = _find(name, classes)
    loaded.model.to(place, WEIGHTS[weights])
    return loaded


def _device(name: str) -> torch.device:
    if name not in ("auto", "cpu", "cuda"):
        raise InputError("the device must be auto, cpu or cuda", value=name)
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise InputError("this machine has no device that torch can use by CUDA", value=name)
    chosen = "cuda" if there and name != "cpu" else "cpu"
    return torch.device(chosen)


def _find(name: str, classes: int) -> Foundation:
    if name == BUILTIN:
        return _built_in(classes)
    # transformers takes a while to import, and the built-in model does without.
    from netsim.learning.hub_models import check_tokenizer_of_hub
    from netsim.learning.transformers_models import load_with_transformers

    folder = Path(name).expanduser()
    if folder.is_dir():
        check_model_folder(folder)
        check_tokenizer(folder)
        return load_with_transformers(str(folder), folder.resolve().name, classes, local=True)
    if name.startswith(("/", ".", "~")) or name.count("/") > 1 or not name:
        rule = (
            "the foundation model must be 'builtin', an existing folder, "
            "or a name on the hub (owner/model)"
        )
        raise InputError(rule, value=name)
    check_tokenizer_of_hub(name)
    return load_with_transformers(name, name, classes, local=False)


def _built_in(classes: int) -> Foundation:
    model = FrozenModel(model_folder(), classes)
    tokenizer = FrozenTokenizer(model_folder())
    return Foundation(
        name=BUILTIN,
        model=model,
        tokenizer=tokenizer,
        classes=classes,
        head=(HEAD,),
        max_tokens=most_tokens(model.config, tokenizer),
    )

"""Modules as files that others load: PEFT's adapters, or whole models in the hub's format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from netsim.errors import RunError
from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.foundation import Foundation

UES = "ues"  # folder of modules with parts of a UE's own
BASE = "base"  # folder of frozen weights that have been changed

# What depends on where and by which version the model was loaded.
PASSING = ("_name_or_path", "transformers_version")


def save_module(
    layout: AdapterLayout,
    vector: Vector,
    foundation: Foundation,
    folder: Path,
) -> None:
    """Write one module to `folder` as PEFT would, in bytes that depend on nothing but the module.

    PEFT's own writer puts sets in the order of their hashes, the path of the base model, and its
    version. A full module is written as a model folder for the Auto classes' `from_pretrained`.
    Raises RunError if the disk fails.
    """
    views = layout.views(torch.from_numpy(vector))
    tensors = {name: view.clone() for name, view in views.items()}
    if layout.spec.full:
        weights = "model.safetensors"
        config = "config.json"
        fields = _model_config(foundation)
    else:
        weights = "adapter_model.safetensors"
        config = "adapter_config.json"
        fields = peft_config(layout, foundation.name)
    _write(folder, weights, tensors, config, fields)


def save_model(foundation: Foundation, folder: Path) -> None:
    """Write a foundation model as a folder for the Auto classes' `from_pretrained`.

    Raises RunError if the disk fails.
    """
    tensors = {}
    for name, parameter in _whole_model(foundation).named_parameters():
        tensors[name] = parameter.detach().cpu().contiguous()
    fields = _model_config(foundation)
    _write(folder, "model.safetensors", tensors, "config.json", fields)


def _write(
    folder: Path,
    weights: str,
    tensors: dict[str, torch.Tensor],
    config: str,
    fields: dict[str, Any],
) -> None:
    """Both files of a module or a model. Raises RunError."""
    text = json.dumps(fields, indent=2, sort_keys=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(tensors, folder / weights, metadata={"format": "pt"})
        (folder / config).write_text(text + "\n", encoding="utf-8")
    except (OSError, SafetensorError) as error:
        said = error.strerror if isinstance(error, OSError) else None
        raise RunError(f"{folder}: cannot be written: {said or error}") from None


def peft_config(layout: AdapterLayout, base_name: str) -> dict[str, Any]:
    """Fields of PEFT's LoraConfig."""
    alpha = layout.spec.lora_alpha
    return {
        "peft_type": "LORA",
        "task_type": "SEQ_CLS",
        "base_model_name_or_path": base_name,
        "inference_mode": True,
        "r": layout.spec.rank,
        "lora_alpha": int(alpha) if float(alpha).is_integer() else alpha,
        "lora_dropout": 0.0,
        "target_modules": sorted(layout.spec.target_modules),
        "modules_to_save": sorted(name.rpartition(".")[2] for name in layout.head),
        "bias": "none",
        "fan_in_fan_out": layout.transposed,
        "init_lora_weights": True,
        "use_rslora": False,
        "use_dora": False,
    }


def _model_config(foundation: Foundation) -> dict[str, Any]:
    """config.json without what depends on where and by which version the model was loaded."""
    model = _whole_model(foundation)
    fields: dict[str, Any] = model.config.to_dict()
    fields["architectures"] = [type(model).__name__]
    return {name: value for name, value in fields.items() if name not in PASSING}


def _whole_model(foundation: Foundation) -> Any:
    # transformers takes a while to import, and adapters are written without it.
    from netsim.learning.transformers_models import with_forward

    return with_forward(foundation)

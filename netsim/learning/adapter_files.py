"""Modules as files that others load: PEFT's adapters, or whole models in the hub's format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from netsim.learning.adapters import Layout, Vector
from netsim.learning.foundation import Foundation


def save(plan: Layout, vector: Vector, foundation: Foundation, folder: Path) -> None:
    """Write one module to `folder` as PEFT would, in bytes that depend on nothing but the module.

    PEFT's own writer puts sets in the order of their hashes, the path of the base model, and its
    version. A full module is written as a model folder for the Auto classes' `from_pretrained`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: view.clone() for name, view in plan.views(torch.from_numpy(vector)).items()}
    if plan.spec.full:
        weights, config, fields = "model.safetensors", "config.json", _model_config(foundation)
    else:
        weights, config = "adapter_model.safetensors", "adapter_config.json"
        fields = peft_config(plan, foundation.name)
    save_file(tensors, folder / weights, metadata={"format": "pt"})
    text = json.dumps(fields, indent=2, sort_keys=True)
    (folder / config).write_text(text + "\n", encoding="utf-8")


def peft_config(plan: Layout, base_name: str) -> dict[str, Any]:
    """Fields of PEFT's LoraConfig."""
    alpha = plan.spec.lora_alpha
    return {
        "peft_type": "LORA",
        "task_type": "SEQ_CLS",
        "base_model_name_or_path": base_name,
        "inference_mode": True,
        "r": plan.spec.rank,
        "lora_alpha": int(alpha) if float(alpha).is_integer() else alpha,
        "lora_dropout": 0.0,
        "target_modules": sorted(plan.spec.target_modules),
        "modules_to_save": sorted(name.rpartition(".")[2] for name in plan.head),
        "bias": "none",
        "fan_in_fan_out": plan.transposed,
        "init_lora_weights": True,
        "use_rslora": False,
        "use_dora": False,
    }


def _model_config(foundation: Foundation) -> dict[str, Any]:
    """config.json without what depends on where and by which version the model was loaded."""
    fields: dict[str, Any] = foundation.model.config.to_dict()
    fields["architectures"] = [type(foundation.model).__name__]
    return {k: v for k, v in fields.items() if k not in ("_name_or_path", "transformers_version")}

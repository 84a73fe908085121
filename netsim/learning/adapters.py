"""The N LoRA modules: all their tensors in one vector each, named and saved as PEFT does.

Module n holds, for every layer that its targets name, A [rank, in] (Kaiming-uniform, as PEFT starts it) and
B [out, rank] (zero), and a classification head of its own. Both starts come from the module's seed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from netsim.errors import InputError
from netsim.learning.foundation import Foundation
from netsim.learning.spec import ModuleSpec
from netsim.rng import stream

PREFIX = "base_model.model."  # of every tensor name in PEFT's files
Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Layout:
    """Where each tensor of a module stands in its vector [size].

    The A of layers that share an input (query, key and value of one block) stand side by side, so that they
    are also one matrix [sum of ranks, in]. LoRA tensors come first, the head last.
    """

    spec: ModuleSpec
    shapes: dict[str, tuple[int, ...]]  # PEFT's name -> shape, in the order of the vector
    head: tuple[str, ...]  # the head's modules
    lora_size: int
    transposed: bool  # the base layers store [in, out] (GPT-2's Conv1D)

    @cached_property
    def starts(self) -> dict[str, int]:
        """PEFT's name -> first index."""
        sizes = [prod(shape) for shape in self.shapes.values()]
        return dict(zip(self.shapes, np.cumsum([0, *sizes])[:-1].tolist(), strict=True))

    @property
    def size(self) -> int:
        """Numbers in the vector."""
        return sum(prod(shape) for shape in self.shapes.values())

    def trained_size(self, train_head: bool) -> int:
        """Numbers that are trained and sent: all, or those before the head."""
        return self.size if train_head else self.lora_size

    def views(self, vector: torch.Tensor) -> dict[str, torch.Tensor]:
        """The named tensors, as views of a vector that has at least the tensors' length."""
        return {
            name: vector[start : start + prod(shape)].view(shape)
            for (name, shape), start in zip(self.shapes.items(), self.starts.values(), strict=True)
            if start + prod(shape) <= vector.numel()
        }


def layout(foundation: Foundation, spec: ModuleSpec) -> Layout:
    """Layout of a module on a foundation model."""
    layers = _target_layers(foundation, spec)
    shapes: dict[str, tuple[int, ...]] = {}
    blocks: dict[str, list[str]] = {}
    for path in layers:
        blocks.setdefault(path.rpartition(".")[0], []).append(path)
    for paths in blocks.values():
        shapes |= {f"{PREFIX}{path}.lora_A.weight": (spec.rank, layers[path][0]) for path in paths}
        shapes |= {f"{PREFIX}{path}.lora_B.weight": (layers[path][1], spec.rank) for path in paths}
    lora_size = sum(prod(shape) for shape in shapes.values())
    inside = tuple(f"{name}." for name in foundation.head)
    for name, parameter in foundation.model.named_parameters():
        if name.startswith(inside):
            shapes[PREFIX + name] = tuple(parameter.shape)
    kinds = {layers[path][2] for path in layers}
    if len(kinds) > 1:
        raise InputError("target_modules must be layers of one kind", value=spec.target_modules)
    return Layout(spec, shapes, foundation.head, lora_size, transposed=kinds == {"Conv1D"})


def _target_layers(foundation: Foundation, spec: ModuleSpec) -> dict[str, tuple[int, int, str]]:
    """Path -> (in, out, kind) of every layer outside the head whose path ends with a target."""
    inside = tuple(f"{name}." for name in foundation.head)
    linear: dict[str, tuple[int, int, str]] = {}
    for path, module in foundation.model.named_modules():
        kind = type(module).__name__
        if kind not in ("Linear", "Conv1D") or path.startswith(inside) or path in foundation.head:
            continue
        rows, columns = module.weight.shape
        linear[path] = (columns, rows, kind) if kind == "Linear" else (rows, columns, kind)
    for target in spec.target_modules:
        if not any(f".{path}".endswith(f".{target}") for path in linear):
            names = sorted({path.rpartition(".")[2] for path in linear})
            rule = f"a target module must name linear layers of the model, such as {', '.join(names)}"
            raise InputError(rule, value=target)
    targets = tuple(f".{target}" for target in spec.target_modules)
    return {path: layer for path, layer in linear.items() if f".{path}".endswith(targets)}


def initial_vector(plan: Layout, initializer_range: float) -> Vector:
    """The module before training: A uniform in +-1/sqrt(in) (PEFT's Kaiming law), B zero, a fresh head."""
    lora, head = (stream(plan.spec.seed, name) for name in ("learning.lora_start", "learning.head_start"))
    parts: list[NDArray[np.float64]] = []
    for name, shape in plan.shapes.items():
        if name.endswith(".lora_A.weight"):
            bound = 1 / sqrt(shape[1])
            parts.append(lora.uniform(-bound, bound, prod(shape)))
        elif len(shape) > 1 and not name.endswith(".lora_B.weight"):
            parts.append(head.normal(0.0, initializer_range, prod(shape)))
        else:  # B, biases; the scale of a normalisation layer starts at 1
            parts.append(np.full(prod(shape), float(_is_scale(name))))
    return np.concatenate(parts).astype(np.float32)


def _is_scale(name: str) -> bool:
    return name.endswith(".weight") and not name.endswith(".lora_B.weight")


def payload_bits(
    plans: Sequence[Layout], *, train_head: bool, bits_per_parameter: float
) -> NDArray[np.float64]:
    """Upload size of each module, bit: the numbers of the tensors sent, times their width. Shape [module]."""
    return np.array([plan.trained_size(train_head) * bits_per_parameter for plan in plans])


def save(plan: Layout, vector: Vector, base_name: str, folder: Path) -> None:
    """Write one module to `folder` as PEFT would, in bytes that depend on nothing but the module.

    PEFT's own writer puts sets in the order of their hashes, the path of the base model, and its version.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: view.clone() for name, view in plan.views(torch.from_numpy(vector)).items()}
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    text = json.dumps(peft_config(plan, base_name), indent=2, sort_keys=True)
    (folder / "adapter_config.json").write_text(text + "\n", encoding="utf-8")


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

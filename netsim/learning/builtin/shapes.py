"""Sizes of the bundled model and of LoRA modules on it, from model/shapes.json, without torch.

A network-only run needs the size of what it uploads, not the weights.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from netsim.errors import InputError
from netsim.learning.builtin import model_folder


def foundation_parameters() -> int:
    """Parameters of the encoder as downloaded, without any head."""
    return int(_shapes()["foundation_parameters"])


def head_parameters(num_labels: int) -> int:
    """Parameters of the classification head.

    A dense layer h x h, and one h x num_labels, with biases.
    """
    hidden = int(_shapes()["hidden_size"])
    dense = hidden * hidden + hidden
    outer = hidden * num_labels + num_labels
    return dense + outer


def lora_parameters(
    rank: int,
    target_modules: Sequence[str],
    num_labels: int = 2,
    train_head: bool = True,
) -> int:
    """Trained parameters of one LoRA module: what a UE uploads.

    A target names linear layers as PEFT does: by the end of their path, whole names only ("dense"
    takes "attention.output.dense", "intermediate.dense" and "output.dense").
    """
    head = head_parameters(num_labels) if train_head else 0
    return sum(factor_parameters(rank, target_modules)) + head


def factor_parameters(rank: int, target_modules: Sequence[str]) -> tuple[int, int]:
    """Parameters of all A, and of all B, of one LoRA module."""
    of_a = of_b = 0
    for layer in _target_layers(target_modules):
        of_a += layer["count"] * rank * layer["in"]
        of_b += layer["count"] * rank * layer["out"]
    return of_a, of_b


def base_parameters(target_modules: Sequence[str]) -> int:
    """Parameters of the frozen weights of the layers that a module adapts."""
    layers = _target_layers(target_modules)
    return sum(layer["count"] * layer["in"] * layer["out"] for layer in layers)


def _target_layers(target_modules: Sequence[str]) -> list[dict[str, int]]:
    """Sizes of the layers that targets name."""
    layers: dict[str, dict[str, int]] = _shapes()["linear_layers"]
    chosen: set[str] = set()
    for target in target_modules:
        found = {path for path in layers if f".{path}".endswith(f".{target}")}
        if not found:
            raise InputError(f"a target module must end one of {', '.join(layers)}", value=target)
        chosen |= found
    return [layers[path] for path in sorted(chosen)]


@cache
def _shapes() -> dict[str, Any]:
    text = (model_folder() / "shapes.json").read_text(encoding="utf-8")
    shapes: dict[str, Any] = json.loads(text)
    return shapes

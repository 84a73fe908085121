"""The plain engine: any model with a sequence-classification head, through PEFT.

It trains one ticket after another. The fast engines are tested against it, and it serves every
architecture that has none.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from peft import LoraConfig, get_peft_model
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from netsim.learning.adapter_files import peft_config
from netsim.learning.adapters import AdapterLayout
from netsim.learning.data.tokens import Texts
from netsim.learning.engine.activations import Activations
from netsim.learning.engine.local_descent import Gradient, LocalResult, Start
from netsim.learning.engine.part_gradients import Part, train
from netsim.learning.engine.pruning import refuse_pruned
from netsim.learning.foundation import Foundation, config_value
from netsim.learning.spec import LocalTraining
from netsim.learning.transformers_models import with_forward
from netsim.units import IntArray


@dataclass(frozen=True)
class _PeftModel:
    """A PEFT model of a module's shape."""

    model: Any
    trainable: dict[str, torch.nn.Parameter]  # by the names of PEFT's files

    @contextmanager
    def recomputed(self, wanted: bool) -> Iterator[None]:
        """If it is wanted: layers keep their inputs only, and are computed again when needed.

        That of transformers applies while training only, when dropout does too.
        """
        layers = _layers(self.model) if wanted else []
        for layer in layers:
            layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)
        try:
            yield
        finally:
            for layer in layers:
                del layer.forward  # its class's comes to light again


class GenericEngine:
    """Engine through PEFT's own modules and autograd."""

    def __init__(
        self,
        foundation: Foundation,
        *,
        train_head: bool,
    ) -> None:
        self.train_head = train_head
        self.pad = int(foundation.tokenizer.pad_token_id)
        self._foundation = foundation
        self._base = with_forward(foundation)
        self._activations = Activations.of(foundation, times=2)
        self._made: dict[tuple[Any, ...], _PeftModel] = {}

    def train(
        self,
        starts: Sequence[Start],
        samples: IntArray,
        texts: Texts,
        local: LocalTraining,
    ) -> list[LocalResult]:
        """One ticket after another."""
        refuse_pruned(starts)
        results = []
        first = 0
        for start, count in zip(starts, samples.tolist(), strict=True):
            own = texts.part(first, first + count)
            results.append(self._ticket(start, own, local))
            first += count
        return results

    def logits(
        self,
        starts: Sequence[Start],
        texts: Texts,
    ) -> NDArray[np.float32]:
        """Shape [modules, texts, classes]."""
        return self._activations.logits(texts, lambda part: self._logits(starts, part))

    def _logits(
        self,
        starts: Sequence[Start],
        texts: Texts,
    ) -> NDArray[np.float32]:
        scores = []
        for start in starts:
            made = self._peft_model(start.layout)
            with torch.no_grad():
                _write(start.layout, made, torch.from_numpy(start.vector))
                logits = self._forward(made.model, self._inputs(texts, made.model))
            scores.append(logits.cpu().numpy())
        return np.stack(scores)

    def _ticket(
        self,
        start: Start,
        texts: Texts,
        local: LocalTraining,
    ) -> LocalResult:
        made = self._peft_model(start.layout)
        with torch.no_grad():
            _write(start.layout, made, torch.from_numpy(start.vector))
        (result,) = train(
            [start],
            np.array([len(texts)]),
            texts,
            local,
            make=self._gradient_of,
            bound=self._activations,
            train_head=self.train_head,
            device=self._foundation.device,
        )
        return result

    def _gradient_of(self, part: Part) -> Gradient:
        """Of a part of one ticket's texts."""
        layout = part.starts[0].layout
        size = part.sizes[0]
        made = self._peft_model(layout)
        inputs = self._inputs(part.texts, made.model)
        label = torch.from_numpy(part.texts.label).to(self._foundation.device)
        names = [name for name, at in layout.starts.items() if at < size and layout.trains(name)]
        trained = [made.trainable[name] for name in names]

        def gradient(w: torch.Tensor, g: torch.Tensor) -> Sequence[torch.Tensor]:
            with torch.no_grad():
                _write(layout, made, w)
            with made.recomputed(part.recompute):
                logits = self._forward(made.model, inputs)
                lost = torch.nn.functional.cross_entropy(logits, label, reduction="none")
                gradients = torch.autograd.grad(lost.mean(), trained)
            for name, found in zip(names, gradients, strict=True):
                layout.view(name, g).copy_(found)
            return [lost.detach()]

        return gradient

    def _forward(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
    ) -> torch.Tensor:
        """Logits [S, C]; products in bfloat16 where the frozen weights are."""
        foundation = self._foundation
        with torch.autocast(foundation.device.type, torch.bfloat16, enabled=foundation.half):
            logits: torch.Tensor = model(**inputs).logits.float()
        return logits

    def _inputs(
        self,
        texts: Texts,
        model: Any,
    ) -> dict[str, torch.Tensor]:
        """What the model's forward pass takes."""
        device = self._foundation.device
        token, segment, mask = texts.padded(self.pad)
        inputs = {
            "input_ids": torch.from_numpy(token).to(device),
            "attention_mask": torch.from_numpy(mask).to(device),
        }
        if config_value(model.config, "type_vocab_size", 0) > 1:
            inputs["token_type_ids"] = torch.from_numpy(segment).to(device)
        return inputs

    def _peft_model(self, layout: AdapterLayout) -> _PeftModel:
        """The PEFT model of a module's shape, made once."""
        spec = layout.spec
        key = (spec.rank, spec.lora_alpha, spec.target_modules)
        if key not in self._made:
            made = _whole(self._base) if spec.full else _with_lora(self._base, layout)
            _without_caches(made.model)
            self._made[key] = made
        return self._made[key]


def _layers(model: Any) -> list[torch.nn.Module]:
    """The layers that stand in a row in a model: members of its outermost lists of modules."""
    found: list[torch.nn.Module] = []
    lists: list[str] = []
    for name, module in model.named_modules():
        if name.startswith(tuple(lists)):
            continue
        if isinstance(module, torch.nn.ModuleList):
            lists.append(f"{name}.")
            found += module
    return found


def _whole(base: Any) -> _PeftModel:
    """A copy of the model with weights of its own, all of them trained."""
    model = copy.deepcopy(base).float().requires_grad_(True).eval()
    return _PeftModel(model, dict(model.named_parameters()))


def _with_lora(base: Any, layout: AdapterLayout) -> _PeftModel:
    """PEFT's model with adapters of the layout's shape.

    PEFT rewires the model it is given; it gets a copy with modules of its own that shares the
    weights.
    """
    shared = {id(p): p for p in (*base.parameters(), *base.buffers())}
    fields = peft_config(layout, "")
    del fields["peft_type"]
    fields["inference_mode"] = False
    fields["base_model_name_or_path"] = None
    # PEFT draws a start of its own, which is overwritten, and warns of names and versions.
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = get_peft_model(copy.deepcopy(base, shared), LoraConfig(**fields))
    model.eval()  # no dropout; gradients flow all the same
    named = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
            named[_name_in_file(name)] = parameter
    return _PeftModel(model, {name: named[name] for name in layout.shapes})


def _without_caches(model: Any) -> None:
    """Nothing is generated: keys and values of earlier tokens need not be kept."""
    for module in model.modules():
        if isinstance(module, PreTrainedModel):
            module.config.update({"use_cache": False})


def _name_in_file(name: str) -> str:
    """PEFT's name of a tensor in its files, from its name in the model."""
    without_adapter = name.replace(".modules_to_save.default.", ".")
    return without_adapter.replace(".default.weight", ".weight")


def _write(
    layout: AdapterLayout,
    made: _PeftModel,
    vector: torch.Tensor,
) -> None:
    """Copy a module's vector into the model."""
    for name, view in layout.views(vector).items():
        made.trainable[name].copy_(view)

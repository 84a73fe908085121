"""The plain engine: any model with a sequence-classification head, through PEFT, one ticket after another.

It is what the fast engine is tested against, and what serves every architecture that has none.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from peft import LoraConfig, get_peft_model

from netsim.learning.adapters import Layout, Vector, peft_config
from netsim.learning.foundation import Foundation
from netsim.learning.gradients import Chunk, Upload, descend
from netsim.learning.spec import LocalTraining
from netsim.learning.tokens import Texts


class GenericEngine:
    """Engine through PEFT's own modules and autograd."""

    def __init__(self, foundation: Foundation, layouts: Sequence[Layout], *, train_head: bool) -> None:
        self.layouts = layouts
        self.train_head = train_head
        self.pad = int(foundation.tokenizer.pad_token_id)
        self._foundation = foundation
        self._peft: dict[tuple[Any, ...], tuple[Any, dict[str, torch.nn.Parameter]]] = {}

    def train(self, chunk: Chunk, states: Sequence[Vector], local: LocalTraining) -> list[Upload]:
        """The uploads of a chunk's tickets, in their order."""
        uploads, start = [], 0
        for module, samples in zip(chunk.module.tolist(), chunk.samples.tolist(), strict=True):
            uploads.append(
                self._ticket(module, states[module], chunk.texts.part(start, start + samples), local)
            )
            start += samples
        return uploads

    def logits(self, module: int, state: Vector, texts: Texts) -> NDArray[np.float32]:
        """Shape [texts, classes]."""
        plan = self.layouts[module]
        model, parameters = self._model(plan)
        with torch.no_grad():
            _write(plan, parameters, torch.from_numpy(state))
            logits: NDArray[np.float32] = model(**_inputs(texts, self.pad, model)).logits.float().numpy()
        return logits

    def _ticket(self, module: int, state: Vector, texts: Texts, local: LocalTraining) -> Upload:
        plan = self.layouts[module]
        model, parameters = self._model(plan)
        size = plan.trained_size(self.train_head)
        inputs = _inputs(texts, self.pad, model)
        label = torch.from_numpy(texts.label)
        with torch.no_grad():
            _write(plan, parameters, torch.from_numpy(state))
        trained = [parameters[name] for name, start in plan.starts.items() if start < size]

        def gradient(w: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                _write(plan, parameters, w)
            loss = torch.nn.functional.cross_entropy(model(**inputs).logits, label)
            grads = torch.autograd.grad(loss, trained)
            torch.cat([part.reshape(-1) for part in grads], out=g)
            return loss.detach()[None]

        w = torch.from_numpy(state[:size].copy())
        upload, loss, norm = descend(w, [size], gradient, local)
        return Upload(module, len(texts), upload.numpy(), float(loss[0]), float(norm[0]))

    def _model(self, plan: Layout) -> tuple[Any, dict[str, torch.nn.Parameter]]:
        """A PEFT model of the module's shape, and its trainable tensors by the names of PEFT's files."""
        spec = plan.spec
        key = (spec.rank, spec.lora_alpha, spec.target_modules)
        if key not in self._peft:
            base = self._foundation.model
            # PEFT rewires the model it is given; the copy has modules of its own and shares the weights.
            shared = {id(p): p for p in (*base.parameters(), *base.buffers())}
            own = {"inference_mode": False, "base_model_name_or_path": None}
            fields = {k: v for k, v in peft_config(plan, "").items() if k != "peft_type"}
            # PEFT draws a start of its own, which is overwritten, and warns of names and versions.
            with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = get_peft_model(copy.deepcopy(base, shared), LoraConfig(**{**fields, **own}))
            model.eval()  # no dropout; gradients flow all the same
            named = {
                name.replace(".modules_to_save.default.", ".").replace(".default.weight", ".weight"): p
                for name, p in model.named_parameters()
                if p.requires_grad
            }
            self._peft[key] = model, {name: named[name] for name in plan.shapes}
        return self._peft[key]


def _write(plan: Layout, parameters: dict[str, torch.nn.Parameter], vector: torch.Tensor) -> None:
    for name, view in plan.views(vector).items():
        parameters[name].copy_(view)


def _inputs(texts: Texts, pad: int, model: Any) -> dict[str, torch.Tensor]:
    token, segment, mask = (torch.from_numpy(array) for array in texts.padded(pad))
    inputs = {"input_ids": token, "attention_mask": mask}
    if getattr(model.config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = segment
    return inputs

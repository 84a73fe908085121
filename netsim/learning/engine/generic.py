"""The plain engine: any model with a sequence-classification head, through PEFT, one ticket after
another.

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

from netsim.learning.adapter_files import peft_config
from netsim.learning.adapters import Layout
from netsim.learning.data.tokens import Texts
from netsim.learning.engine.local_descent import Local, Start, descend
from netsim.learning.foundation import Foundation
from netsim.learning.spec import LocalTraining
from netsim.units import IntArray


class GenericEngine:
    """Engine through PEFT's own modules and autograd."""

    def __init__(self, foundation: Foundation, *, train_head: bool) -> None:
        self.train_head = train_head
        self.pad = int(foundation.tokenizer.pad_token_id)
        self._foundation = foundation
        self._peft: dict[tuple[Any, ...], tuple[Any, dict[str, torch.nn.Parameter]]] = {}

    def train(
        self, starts: Sequence[Start], samples: IntArray, texts: Texts, local: LocalTraining
    ) -> list[Local]:
        """One ticket after another."""
        ends = np.cumsum(samples).tolist()
        return [
            self._ticket(start, texts.part(end - count, end), local)
            for start, count, end in zip(starts, samples.tolist(), ends, strict=True)
        ]

    def logits(self, starts: Sequence[Start], texts: Texts) -> NDArray[np.float32]:
        """Shape [modules, texts, classes]."""
        scores = []
        for start in starts:
            model, parameters = self._model(start.plan)
            with torch.no_grad():
                _write(start.plan, parameters, torch.from_numpy(start.vector))
                scores.append(self._forward(model, self._inputs(texts, model)).cpu().numpy())
        return np.stack(scores)

    def _ticket(self, start: Start, texts: Texts, local: LocalTraining) -> Local:
        plan = start.plan
        model, parameters = self._model(plan)
        size = plan.trained_size(self.train_head)
        inputs = self._inputs(texts, model)
        label = torch.from_numpy(texts.label).to(self._foundation.device)
        with torch.no_grad():
            _write(plan, parameters, torch.from_numpy(start.vector))
        trained = [parameters[name] for name, first in plan.starts.items() if first < size]

        def gradient(w: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                _write(plan, parameters, w)
            loss = torch.nn.functional.cross_entropy(self._forward(model, inputs), label)
            grads = torch.autograd.grad(loss, trained)
            torch.cat([part.reshape(-1) for part in grads], out=g)
            return loss.detach()[None]

        w = torch.tensor(start.vector[:size], device=self._foundation.device)
        return descend(w, [plan], [size], gradient, local)[0]

    def _forward(self, model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        """Logits [S, C]; products in bfloat16 where the frozen weights are."""
        foundation = self._foundation
        with torch.autocast(foundation.device.type, torch.bfloat16, enabled=foundation.half):
            logits: torch.Tensor = model(**inputs).logits.float()
        return logits

    def _inputs(self, texts: Texts, model: Any) -> dict[str, torch.Tensor]:
        device = self._foundation.device
        token, segment, mask = (
            torch.from_numpy(array).to(device) for array in texts.padded(self.pad)
        )
        inputs = {"input_ids": token, "attention_mask": mask}
        if getattr(model.config, "type_vocab_size", 0) > 1:
            inputs["token_type_ids"] = segment
        return inputs

    def _model(self, plan: Layout) -> tuple[Any, dict[str, torch.nn.Parameter]]:
        """A PEFT model of the module's shape, and its trainable tensors by the names of PEFT's
        files.
        """
        spec = plan.spec
        key = (spec.rank, spec.lora_alpha, spec.target_modules)
        if key not in self._peft:
            base = self._foundation.model
            if spec.full:
                self._peft[key] = _whole(base)
                return self._peft[key]
            # PEFT rewires the model it is given; the copy has modules of its own and shares the
            # weights.
            shared = {id(p): p for p in (*base.parameters(), *base.buffers())}
            own = {"inference_mode": False, "base_model_name_or_path": None}
            fields = {k: v for k, v in peft_config(plan, "").items() if k != "peft_type"}
            # PEFT draws a start of its own, which is overwritten, and warns of names and versions.
            with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = get_peft_model(copy.deepcopy(base, shared), LoraConfig(**{**fields, **own}))
            model.eval()  # no dropout; gradients flow all the same
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.data = parameter.data.float()
            named = {
                name.replace(".modules_to_save.default.", ".").replace(
                    ".default.weight", ".weight"
                ): p
                for name, p in model.named_parameters()
                if p.requires_grad
            }
            self._peft[key] = model, {name: named[name] for name in plan.shapes}
        return self._peft[key]


def _whole(base: Any) -> tuple[Any, dict[str, torch.nn.Parameter]]:
    """A copy of the model with weights of its own, all of them trained."""
    model = copy.deepcopy(base).float().requires_grad_(True).eval()
    return model, dict(model.named_parameters())


def _write(plan: Layout, parameters: dict[str, torch.nn.Parameter], vector: torch.Tensor) -> None:
    for name, view in plan.views(vector).items():
        parameters[name].copy_(view)

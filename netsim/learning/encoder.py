"""The fast engine of encoders (families.py): forward and backward, written out for packed texts.

Tickets of many UEs and modules share every product with a frozen weight. Left out, of what PEFT and autograd
do UE by UE, are work on padding (only attention has slots, packing.py), gradients of frozen weights,
everything below the lowest adapter in the backward pass, and most of the last layer (first_token.py).

Symbols: T tokens of S texts of G tickets, h hidden, f intermediate, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import split_with_sizes as cut

from netsim.learning.adapters import PREFIX, Layout
from netsim.learning.families import ROBERTA, family_of
from netsim.learning.first_token import LastLayer, apart, last_layer, last_layer_back
from netsim.learning.foundation import Foundation
from netsim.learning.gradients import Local, Start, descend
from netsim.learning.layers import (
    Places,
    layer_back,
    layer_forward,
    layer_of,
    norm_of,
    pair_of,
)
from netsim.learning.lowrank import LowRank
from netsim.learning.packing import Packing, pack
from netsim.learning.spec import LocalTraining
from netsim.learning.tokens import Texts, positions
from netsim.units import IntArray


def supports(foundation: Foundation, layouts: Sequence[Layout]) -> bool:
    """Is this an encoder, and are these modules, that this engine computes?"""
    family = family_of(foundation)
    if family is None or any(plan.spec.full for plan in layouts):
        return False
    prefix = f"{PREFIX}{foundation.model.base_model_prefix}.{family.layer}."
    paths = tuple(
        f".{path}.lora_{x}.weight" for place in family.places.values() for path in place for x in "AB"
    )
    names = [name for plan in layouts for name in plan.shapes if ".lora_" in name]
    return all(name.startswith(prefix) and name.endswith(paths) for name in names)


@dataclass(frozen=True)
class Affine:
    """A linear layer of a head; its gradients, if it is trained."""

    weight: torch.Tensor  # [out, in]
    bias: torch.Tensor
    weight_grad: torch.Tensor | None
    bias_grad: torch.Tensor | None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.addmm(self.bias, x, self.weight.t())

    def back(self, dy: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Gradient of the input; fills those of the weights."""
        if self.weight_grad is not None and self.bias_grad is not None:
            torch.mm(dy.t(), x, out=self.weight_grad)
            torch.sum(dy, 0, out=self.bias_grad)
        return torch.mm(dy, self.weight)


@dataclass(frozen=True)
class _Tickets:
    """A chunk's tickets, end to end: how many texts each has, and their trained tensors."""

    texts: tuple[int, ...]  # [G]
    of: torch.Tensor  # [S, 1] how many texts the ticket of each text has
    lora: list[Places]  # of each layer but the last
    last: LastLayer
    head: list[tuple[Affine, Affine]]  # [G] inner and outer


class EncoderEngine:
    """Engine for the families of families.py."""

    def __init__(self, foundation: Foundation, layouts: Sequence[Layout], *, train_head: bool) -> None:
        self.train_head = train_head
        family = family_of(foundation)
        assert family is not None  # supports() holds
        self.family, config = family, foundation.model.config
        self.heads = int(getattr(config, family.heads))
        self.device = foundation.device
        self.weights = {name: p.detach() for name, p in foundation.model.named_parameters()}
        base = f"{foundation.model.base_model_prefix}."
        encoder = {n.removeprefix(base): p for n, p in self.weights.items() if n.startswith(base)}
        self.word = encoder["embeddings.word_embeddings.weight"]
        self.position = encoder["embeddings.position_embeddings.weight"]
        self.segment = encoder.get("embeddings.token_type_embeddings.weight")
        epsilon = float(getattr(config, "layer_norm_eps", 1e-12))  # DistilBERT's is fixed
        self.embedding_norm = norm_of(encoder, "embeddings.LayerNorm", epsilon)
        # BERT counts positions from 0, the RoBERTa family from the one after the padding index.
        self.first_position = int(config.pad_token_id) + 1 if family is ROBERTA else 0
        depth = int(getattr(config, family.depth))
        self.layers = [layer_of(encoder, family, i, epsilon) for i in range(depth)]
        self.path = f"{PREFIX}{base}{family.layer}."
        names = [name for plan in layouts for name in plan.shapes if name.startswith(self.path)]
        self.lowest = min(int(name.removeprefix(self.path).partition(".")[0]) for name in names)

    # -- the Engine protocol ---------------------------------------------------------------------

    def train(
        self, starts: Sequence[Start], samples: IntArray, texts: Texts, local: LocalTraining
    ) -> list[Local]:
        """All tickets together."""
        plans = [start.plan for start in starts]
        sizes = [plan.trained_size(self.train_head) for plan in plans]
        w = torch.cat([self._there(s.vector[:size]) for s, size in zip(starts, sizes, strict=True)])
        packing = pack(texts.length, samples, self.heads, self.device)
        label = self._there(texts.label)
        fixed: list[tuple[_Tickets, torch.Tensor, torch.Tensor | None]] = []

        def gradient(w: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
            if not fixed:  # views of w and g: they stay valid, both are changed in place
                tickets = self._bind(starts, texts, w, g, sizes, samples)
                fixed.append((tickets, *self._below(texts, packing, tickets, local.local_steps)))
            tickets, x, product = fixed[0]
            saved: list[Any] = []
            first = self._forward(x, packing, tickets, saved, start=self.lowest, product=product)
            return self._backward(first, label, packing, tickets, saved)

        return descend(w, plans, sizes, gradient, local)

    def logits(self, starts: Sequence[Start], texts: Texts) -> NDArray[np.float32]:
        """Shape [modules, texts, classes]."""
        samples = np.array([len(texts)])
        packing = pack(texts.length, samples, self.heads, self.device)
        below: tuple[torch.Tensor, torch.Tensor | None] | None = None
        scores = []
        for start in starts:
            w = self._there(start.vector)
            tickets = self._bind([start], texts, w, w, [start.plan.size], samples)
            if below is None:
                below = self._below(texts, packing, tickets, len(starts))
            x, product = below
            first = self._forward(x, packing, tickets, None, start=self.lowest, product=product)
            scores.append(self._head(first, tickets)[0].cpu().numpy())
        return np.stack(scores)

    def _there(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)

    # -- binding: vectors to places --------------------------------------------------------------

    def _bind(
        self,
        starts: Sequence[Start],
        texts: Texts,
        w: torch.Tensor,
        g: torch.Tensor,
        sizes: Sequence[int],
        samples: IntArray,
    ) -> _Tickets:
        first = np.cumsum(samples) - samples
        tokens, rows = tuple(np.add.reduceat(texts.length, first).tolist()), tuple(samples.tolist())
        views = []
        for start, own, grad in zip(
            starts, torch.split(w, list(sizes)), torch.split(g, list(sizes)), strict=True
        ):
            plan = start.plan
            views.append((plan, plan.views(own), plan.views(grad), own, grad))
        lora = []
        for i in range(len(self.layers)):
            path = f"{self.path}{i}."
            places = self.family.places.items()
            count = rows if i == len(self.layers) - 1 else tokens
            lora.append(
                {at: LowRank(tuple(pair_of(path, names, *v) for v in views), count) for at, names in places}
            )
        head = []
        for start, (plan, trained, gradients, _, _) in zip(starts, views, strict=True):
            tensors = trained if self.train_head else plan.views(self._there(start.vector))
            inner = self._affine(self.family.inner, tensors, gradients)
            head.append((inner, self._affine(self.family.outer, tensors, gradients)))
        of = self._there(np.repeat(samples, samples).astype(np.float32)[:, None])
        return _Tickets(rows, of, lora[:-1], apart(lora[-1], self.word.shape[1], self.heads), head)

    def _affine(self, name: str, own: dict[str, torch.Tensor], grad: dict[str, torch.Tensor]) -> Affine:
        """A layer of the head: the ticket's own, or (a pooler that came with the model) the frozen one."""
        weight, bias = f"{PREFIX}{name}.weight", f"{PREFIX}{name}.bias"
        if weight not in own:
            return Affine(
                self.weights[f"{name}.weight"].float(), self.weights[f"{name}.bias"].float(), None, None
            )
        return Affine(own[weight], own[bias], grad.get(weight), grad.get(bias))

    # -- forward ---------------------------------------------------------------------------------

    def _embed(self, texts: Texts) -> torch.Tensor:
        """Input of the first layer [T, h]; the same in every step."""
        x = self.word[self._there(texts.token)].float()
        x += self.position[self._there(positions(texts.length) + self.first_position)]
        if self.segment is not None:
            x += self.segment[self._there(texts.segment)]
        return self.embedding_norm(x)[0]

    def _below(
        self, texts: Texts, packing: Packing, tickets: _Tickets, times: int
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """What no adapter changes: the lowest adapted layer's input, and its product with frozen weights.

        The product is left out if it would be used once, or is that of the last layer.
        """
        x = self._forward(self._embed(texts), packing, tickets, None, end=self.lowest)
        again = times > 1 and self.lowest < len(self.layers) - 1
        return x, self.layers[self.lowest].qkv(x) if again else None

    def _forward(
        self,
        x: torch.Tensor,
        plan: Packing,
        tickets: _Tickets,
        saved: list[Any] | None,
        start: int = 0,
        end: int | None = None,
        product: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Output of the layers from `start` to before `end`; the last gives the first tokens only [S, h].

        `product`: that of layer `start` with its frozen weights, which is the same in every step.
        """
        layers = list(zip(self.layers, tickets.lora, strict=False))
        for layer, lora in layers[start:end]:
            x = layer_forward(layer, x, plan, lora, saved, product)
            product = None
        return x if end is not None else last_layer(self.layers[-1], x, plan, tickets.last, saved)

    def _head(self, first: torch.Tensor, tickets: _Tickets) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits [S, C] and what enters the classifier's last layer [S, h]."""
        rows, head = tickets.texts, tickets.head
        parts = [inner.forward(x) for (inner, _), x in zip(head, cut(first, rows), strict=True)]
        active = torch.cat(parts)
        active = active.tanh_() if self.family.activation == "tanh" else active.relu_()
        parts = [outer.forward(x) for (_, outer), x in zip(head, cut(active, rows), strict=True)]
        return torch.cat(parts), active

    # -- backward --------------------------------------------------------------------------------

    def _backward(
        self,
        first: torch.Tensor,
        label: torch.Tensor,
        plan: Packing,
        tickets: _Tickets,
        saved: list[Any],
    ) -> torch.Tensor:
        """Fill every gradient; returns the mean loss of each ticket [G]."""
        logits, active = self._head(first, tickets)
        log_p = torch.log_softmax(logits, -1)
        losses = -log_p.gather(1, label[:, None])[:, 0]
        d_logits = log_p.exp_()
        d_logits[torch.arange(len(label), device=self.device), label] -= 1.0
        d_logits /= tickets.of
        dx = self._head_back(d_logits, active, first, tickets)
        dx = last_layer_back(self.layers[-1], dx, plan, tickets.last, saved.pop(), bool(saved))
        for i in range(len(self.layers) - 2, self.lowest - 1, -1):
            dx = layer_back(self.layers[i], dx, plan, tickets.lora[i], saved.pop(), i > self.lowest)
        return torch.stack([part.mean() for part in cut(losses, tickets.texts)])

    def _head_back(
        self, d_logits: torch.Tensor, active: torch.Tensor, first: torch.Tensor, tickets: _Tickets
    ) -> torch.Tensor:
        """Gradient of the first tokens' hidden state [S, h]."""
        rows, head = tickets.texts, tickets.head
        parts = zip(head, cut(d_logits, rows), cut(active, rows), strict=True)
        d_active = torch.cat([outer.back(dy, x) for (_, outer), dy, x in parts])
        if self.family.activation == "tanh":
            d_inner = torch.ops.aten.tanh_backward(d_active, active)
        else:
            d_inner = d_active.mul_(active > 0)
        parts = zip(head, cut(d_inner, rows), cut(first, rows), strict=True)
        return torch.cat([inner.back(dy, x) for (inner, _), dy, x in parts])

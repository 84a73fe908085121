"""The fast engine: forward and backward of a RoBERTa or BERT encoder, written out for packed texts.

Tickets of many UEs and modules share every product with a frozen weight. Left out, of what PEFT and autograd
do UE by UE, are work on padding (only attention has slots, attention.py), gradients of frozen weights,
everything below the lowest adapter in the backward pass, and most of the last layer (layers.py).

Symbols: T tokens of S texts of G tickets, h hidden, f intermediate, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netsim.learning import attention
from netsim.learning.adapters import PREFIX, Layout
from netsim.learning.foundation import Foundation
from netsim.learning.gradients import Local, Start, descend
from netsim.learning.layers import (
    PLACES,
    Rows,
    last_layer,
    last_layer_back,
    layer_back,
    layer_forward,
    layer_of,
    norm_of,
    pair_of,
)
from netsim.learning.lowrank import LowRank, Ranges
from netsim.learning.spec import LocalTraining
from netsim.learning.tokens import Texts
from netsim.units import IntArray

FAMILIES = ("roberta", "xlm-roberta", "camembert", "bert")


def supports(foundation: Foundation, layouts: Sequence[Layout]) -> bool:
    """Is this an encoder, and are these modules, that this engine computes?"""
    config = foundation.model.config
    if config.model_type not in FAMILIES or config.hidden_act != "gelu":
        return False
    if getattr(config, "is_decoder", False) or getattr(config, "add_cross_attention", False):
        return False
    if getattr(config, "position_embedding_type", "absolute") not in ("absolute", None):
        return False
    known = tuple(f".{path}.lora_{x}.weight" for paths in PLACES.values() for path in paths for x in "AB")
    names = [name for plan in layouts for name in plan.shapes if ".lora_" in name]
    if any(plan.spec.full for plan in layouts):
        return False
    return foundation.head == ("classifier",) and all(
        name.startswith(f"{PREFIX}{config_prefix(foundation)}.encoder.layer.") and name.endswith(known)
        for name in names
    )


def config_prefix(foundation: Foundation) -> str:
    """Name of the encoder within the model."""
    return str(foundation.model.base_model_prefix)


@dataclass(frozen=True)
class _Tickets:
    """Where a chunk's tickets stand, and their trained tensors."""

    rows: Rows
    lora: list[dict[str, LowRank]]  # layer -> place -> factors
    head: list[dict[str, torch.Tensor]]  # [G]
    head_grad: list[dict[str, torch.Tensor] | None]  # [G]


class EncoderEngine:
    """Engine for the families named in FAMILIES."""

    def __init__(self, foundation: Foundation, layouts: Sequence[Layout], *, train_head: bool) -> None:
        self.train_head = train_head
        config = foundation.model.config
        self.heads = int(config.num_attention_heads)
        self.prefix = config_prefix(foundation)
        weights = {name: p.detach() for name, p in foundation.model.named_parameters()}
        encoder = {
            name.removeprefix(f"{self.prefix}."): p
            for name, p in weights.items()
            if name.startswith(self.prefix)
        }
        self.word = encoder["embeddings.word_embeddings.weight"]
        self.position = encoder["embeddings.position_embeddings.weight"]
        self.segment = encoder["embeddings.token_type_embeddings.weight"]
        self.embedding_norm = norm_of(encoder, "embeddings.LayerNorm", config.layer_norm_eps)
        # BERT counts positions from 0, the RoBERTa family from the one after the padding index.
        self.first_position = 0 if config.model_type == "bert" else int(config.pad_token_id) + 1
        self.layers = [
            layer_of(encoder, f"encoder.layer.{i}", config.layer_norm_eps)
            for i in range(config.num_hidden_layers)
        ]
        pooler = encoder.get("pooler.dense.weight")
        self.pooler = None if pooler is None else (pooler, encoder["pooler.dense.bias"])
        lowest = [
            int(name.removeprefix(f"{PREFIX}{self.prefix}.encoder.layer.").partition(".")[0])
            for plan in layouts
            for name in plan.shapes
            if ".lora_" in name
        ]
        self.lowest = min(lowest)

    # -- the Engine protocol ---------------------------------------------------------------------

    def train(
        self, starts: Sequence[Start], samples: IntArray, texts: Texts, local: LocalTraining
    ) -> list[Local]:
        """All tickets together."""
        plans = [start.plan for start in starts]
        sizes = [plan.trained_size(self.train_head) for plan in plans]
        w = torch.cat(
            [torch.from_numpy(start.vector[:size]) for start, size in zip(starts, sizes, strict=True)]
        )
        ends = np.cumsum(samples)
        ranges = list(zip((ends - samples).tolist(), ends.tolist(), strict=True))
        packing = attention.pack(texts.length, self.heads)
        embedded = self._embed(texts)
        label = torch.from_numpy(texts.label)

        bound: list[_Tickets] = []

        def gradient(w: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
            if not bound:  # views of w and g: they stay valid, both are changed in place
                bound.append(self._bind(starts, texts, w, g, sizes, ranges))
            saved: list[Any] = []
            first = self._forward(embedded, packing, bound[0], saved)
            return self._backward(first, label, packing, bound[0], saved)

        return descend(w, plans, sizes, gradient, local)

    def logits(self, starts: Sequence[Start], texts: Texts) -> NDArray[np.float32]:
        """Shape [modules, texts, classes]. Layers below the lowest adapter are computed once."""
        packing = attention.pack(texts.length, self.heads)
        common: torch.Tensor | None = None
        scores = []
        for start in starts:
            w = torch.from_numpy(start.vector)
            tickets = self._bind([start], texts, w, w, [start.plan.size], [(0, len(texts))])
            if common is None:
                common = self._forward(self._embed(texts), packing, tickets, None, end=self.lowest)
            first = self._forward(common, packing, tickets, None, start=self.lowest)
            scores.append(self._head(first, tickets)[0].numpy())
        return np.stack(scores)

    # -- binding: vectors to places --------------------------------------------------------------

    def _bind(
        self,
        starts: Sequence[Start],
        texts: Texts,
        w: torch.Tensor,
        g: torch.Tensor,
        sizes: Sequence[int],
        ranges: Ranges,
    ) -> _Tickets:
        token_end = np.concatenate([[0], np.cumsum(texts.length)])
        views = []
        for start, own, grad in zip(
            starts, torch.split(w, list(sizes)), torch.split(g, list(sizes)), strict=True
        ):
            plan = start.plan
            views.append((plan, plan.views(own), plan.views(grad), own, grad))
        lora = []
        for i in range(len(self.layers)):
            prefix = f"{PREFIX}{self.prefix}.encoder.layer.{i}."
            lora.append(
                {
                    place: LowRank(tuple(pair_of(prefix, paths, *view) for view in views))
                    for place, paths in PLACES.items()
                }
            )
        head, head_grad = [], []
        prefix = f"{PREFIX}classifier."
        for start, (plan, trained, gradients, _, _) in zip(starts, views, strict=True):
            tensors = trained if self.train_head else plan.views(torch.from_numpy(start.vector))
            own_head = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
            head.append(own_head)
            grads = {n.removeprefix(prefix): t for n, t in gradients.items() if n.startswith(prefix)}
            head_grad.append(grads or None)
        tokens = [(int(token_end[a]), int(token_end[b])) for a, b in ranges]
        return _Tickets(Rows(tokens, ranges), lora, head, head_grad)

    # -- forward ---------------------------------------------------------------------------------

    def _embed(self, texts: Texts) -> torch.Tensor:
        """Input of the first layer [T, h]; the same in every step."""
        ends = np.cumsum(texts.length)
        position = np.arange(len(texts.token)) - np.repeat(ends - texts.length, texts.length)
        x = self.word[torch.from_numpy(texts.token)]
        x += self.position[torch.from_numpy(position + self.first_position)]
        x += self.segment[torch.from_numpy(texts.segment)]
        return self.embedding_norm(x)[0]

    def _forward(
        self,
        x: torch.Tensor,
        plan: attention.Packing,
        tickets: _Tickets,
        saved: list[Any] | None,
        start: int = 0,
        end: int | None = None,
    ) -> torch.Tensor:
        """Output of the layers from `start` to before `end`; the last gives the first tokens only [S, h]."""
        last = len(self.layers) - 1
        for i, layer in enumerate(self.layers[:end]):
            if i < start:
                continue
            kept = saved if i >= self.lowest else None
            run = last_layer if i == last else layer_forward
            x = run(layer, x, plan, tickets.rows, tickets.lora[i], kept)
        return x

    def _head(self, first: torch.Tensor, tickets: _Tickets) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits [S, C] and what enters the classifier's last layer [S, h]."""
        if self.pooler is not None:
            inner = torch.addmm(self.pooler[1], first, self.pooler[0].t()).tanh_()
            parts = [
                torch.addmm(head["bias"], inner[a:b], head["weight"].t())
                for head, (a, b) in zip(tickets.head, tickets.rows.texts, strict=True)
            ]
            return torch.cat(parts), inner
        inner = torch.empty_like(first)
        parts = []
        for head, (a, b) in zip(tickets.head, tickets.rows.texts, strict=True):
            torch.addmm(head["dense.bias"], first[a:b], head["dense.weight"].t(), out=inner[a:b]).tanh_()
            parts.append(torch.addmm(head["out_proj.bias"], inner[a:b], head["out_proj.weight"].t()))
        return torch.cat(parts), inner

    # -- backward --------------------------------------------------------------------------------

    def _backward(
        self,
        first: torch.Tensor,
        label: torch.Tensor,
        plan: attention.Packing,
        tickets: _Tickets,
        saved: list[Any],
    ) -> torch.Tensor:
        """Fill every gradient; returns the mean loss of each ticket [G]."""
        logits, inner = self._head(first, tickets)
        log_p = torch.log_softmax(logits, -1)
        losses = -log_p.gather(1, label[:, None])[:, 0]
        d_logits = log_p.exp_()
        d_logits[torch.arange(len(label)), label] -= 1.0
        for a, b in tickets.rows.texts:
            d_logits[a:b] /= b - a
        dx = self._head_back(d_logits, inner, first, tickets)
        last = len(self.layers) - 1
        for i in range(last, self.lowest - 1, -1):
            run = last_layer_back if i == last else layer_back
            dx = run(self.layers[i], dx, plan, tickets.rows, tickets.lora[i], saved.pop(), i > self.lowest)
        return torch.stack([losses[a:b].mean() for a, b in tickets.rows.texts])

    def _head_back(
        self, d_logits: torch.Tensor, inner: torch.Tensor, first: torch.Tensor, tickets: _Tickets
    ) -> torch.Tensor:
        """Gradient of the first tokens' hidden state [S, h]."""
        last = "" if self.pooler is not None else "out_proj."
        d_inner = torch.empty_like(inner)
        for head, grad, (a, b) in zip(tickets.head, tickets.head_grad, tickets.rows.texts, strict=True):
            torch.mm(d_logits[a:b], head[f"{last}weight"], out=d_inner[a:b])
            if grad is not None:
                torch.mm(d_logits[a:b].t(), inner[a:b], out=grad[f"{last}weight"])
                torch.sum(d_logits[a:b], 0, out=grad[f"{last}bias"])
        d_inner = torch.ops.aten.tanh_backward(d_inner, inner)
        if self.pooler is not None:
            return torch.mm(d_inner, self.pooler[0])
        d_first = torch.empty_like(first)
        for head, grad, (a, b) in zip(tickets.head, tickets.head_grad, tickets.rows.texts, strict=True):
            torch.mm(d_inner[a:b], head["dense.weight"], out=d_first[a:b])
            if grad is not None:
                torch.mm(d_inner[a:b].t(), first[a:b], out=grad["dense.weight"])
                torch.sum(d_inner[a:b], 0, out=grad["dense.bias"])
        return d_first

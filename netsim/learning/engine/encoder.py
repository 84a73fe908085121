"""The fast engine of encoders (families.py): forward and backward, written out for packed texts.

Tickets of many UEs and modules share every product with a frozen weight. Left out, of what PEFT and
autograd do UE by UE, are work on padding (but for attention's slots and a few idle tokens,
packing.py), gradients of frozen weights, everything below the lowest adapter in the backward pass,
and most of the last layer (first_token.py).

Symbols: T tokens of S texts of G tickets, h hidden, f intermediate, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import split_with_sizes as cut

from netsim.learning.adapters import PREFIX, Layout
from netsim.learning.data.tokens import Texts, positions
from netsim.learning.engine.alike_tickets import alike
from netsim.learning.engine.encoder_families import ROBERTA, family_of
from netsim.learning.engine.encoder_layers import (
    Places,
    layer_back,
    layer_forward,
    layer_of,
    norm_of,
    pairs_of,
)
from netsim.learning.engine.first_token import LastLayer, last_layer, last_layer_back, last_layer_of
from netsim.learning.engine.head import Heads, heads_of
from netsim.learning.engine.local_descent import Local, Start, descend
from netsim.learning.engine.low_rank import LowRank
from netsim.learning.engine.packing import Packing, pack
from netsim.learning.foundation import Foundation
from netsim.learning.spec import LocalTraining
from netsim.units import IntArray


def supports(foundation: Foundation, layouts: Sequence[Layout]) -> bool:
    """Is this an encoder, and are these modules, that this engine computes?"""
    family = family_of(foundation)
    if family is None or any(plan.spec.full for plan in layouts):
        return False
    prefix = f"{PREFIX}{foundation.model.base_model_prefix}.{family.layer}."
    paths = tuple(
        f".{path}.lora_{x}.weight"
        for place in family.places.values()
        for path in place
        for x in "AB"
    )
    names = [name for plan in layouts for name in plan.shapes if ".lora_" in name]
    return all(name.startswith(prefix) and name.endswith(paths) for name in names)


@dataclass(frozen=True)
class _Tickets:
    """What a chunk's G tickets add at each place, on views of their trained tensors."""

    texts: tuple[int, ...]  # [G]
    of: torch.Tensor  # [S, 1] how many texts the ticket of each text has
    lora: list[Places]  # of each layer but the last
    last: LastLayer
    heads: Heads


class EncoderEngine:
    """Engine for the families of families.py."""

    def __init__(
        self, foundation: Foundation, layouts: Sequence[Layout], *, train_head: bool
    ) -> None:
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
        self.path = f"{PREFIX}{base}{family.layer}."
        names = [name for plan in layouts for name in plan.shapes if name.startswith(self.path)]
        self.lowest = min(int(name.removeprefix(self.path).partition(".")[0]) for name in names)
        *lower, last = (layer_of(encoder, family, i, epsilon) for i in range(depth))
        self.layers = [*(layer.pack(back=i >= self.lowest) for i, layer in enumerate(lower)), last]

    # -- the Engine protocol ---------------------------------------------------------------------

    @torch.inference_mode()
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
                tickets = self._bind(starts, texts, w, g, sizes, samples, packing.tokens)
                fixed.append((tickets, *self._below(texts, packing, tickets, local.local_steps)))
            tickets, x, product = fixed[0]
            saved: list[Any] = []
            first = self._forward(x, packing, tickets, saved, start=self.lowest, product=product)
            return self._backward(first, label, packing, tickets, saved)

        return descend(w, plans, sizes, gradient, local)

    @torch.inference_mode()
    def logits(self, starts: Sequence[Start], texts: Texts) -> NDArray[np.float32]:
        """Shape [modules, texts, classes]."""
        samples = np.array([len(texts)])
        packing = pack(texts.length, samples, self.heads, self.device)
        below: tuple[torch.Tensor, torch.Tensor | None] | None = None
        scores = []
        for start in starts:
            w = self._there(start.vector)
            tickets = self._bind([start], texts, w, w, [start.plan.size], samples, packing.tokens)
            if below is None:
                below = self._below(texts, packing, tickets, len(starts))
            x, product = below
            first = self._forward(x, packing, tickets, None, start=self.lowest, product=product)
            scores.append(tickets.heads.logits(first)[0].cpu().numpy())
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
        rows: int,
    ) -> _Tickets:
        """Views of `w` and `g` where they are needed; `rows` T is what tokens and idle ones come
        to.
        """
        first = np.cumsum(samples) - samples
        tokens = np.add.reduceat(texts.length, first).tolist()
        tokens.append(rows - sum(tokens))
        groups, last = list(alike(starts, sizes, samples, w, g)), len(self.layers) - 1

        def places(layer: int, count: Sequence[int]) -> Places:
            prefix = f"{self.path}{layer}."
            return {
                at: LowRank(
                    tuple(chain(*(pairs_of(prefix, paths, group) for group in groups))),
                    tuple(count),
                )
                for at, paths in self.family.places.items()
                if at != "qkv" or layer < last
            }

        qkv = [f"{self.path}{last}.{path}" for path in self.family.places["qkv"]]
        of = self._there(np.repeat(samples, samples).astype(np.float32)[:, None])
        return _Tickets(
            texts=tuple(samples.tolist()),
            of=of,
            lora=[places(layer, tokens) for layer in range(last)],
            last=last_layer_of(qkv, groups, self.heads, places(last, samples.tolist())),
            heads=heads_of(self.family, groups, self.weights),
        )

    # -- forward ---------------------------------------------------------------------------------

    def _embed(self, texts: Texts, rows: int) -> torch.Tensor:
        """Input of the first layer [T, h]; the same in every step."""
        x = self.word[self._there(texts.token)].float()
        x += self.position[self._there(positions(texts.length) + self.first_position)]
        if self.segment is not None:
            x += self.segment[self._there(texts.segment)]
        x = self.embedding_norm(x)[0]
        return torch.nn.functional.pad(x, (0, 0, 0, rows - len(x)))

    def _below(
        self, texts: Texts, packing: Packing, tickets: _Tickets, times: int
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """What no adapter changes: the lowest adapted layer's input, and its product with frozen
        weights.

        The product is left out if it would be used once, or is that of the last layer.
        """
        x = self._forward(
            self._embed(texts, packing.tokens), packing, tickets, None, end=self.lowest
        )
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
        """Output of the layers from `start` to before `end`; the last gives the first tokens only
        [S, h].

        `product`: that of layer `start` with its frozen weights, which is the same in every step.
        """
        layers = list(zip(self.layers, tickets.lora, strict=False))
        for layer, lora in layers[start:end]:
            x = layer_forward(layer, x, plan, lora, saved, product)
            product = None
        return x if end is not None else last_layer(self.layers[-1], x, plan, tickets.last, saved)

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
        logits, active = tickets.heads.logits(first)
        log_p = torch.log_softmax(logits, -1)
        losses = -log_p.gather(1, label[:, None])[:, 0]
        d_logits = log_p.exp_()
        d_logits[torch.arange(len(label), device=self.device), label] -= 1.0
        d_logits /= tickets.of
        dx = tickets.heads.back(d_logits, active, first)
        dx = last_layer_back(self.layers[-1], dx, plan, tickets.last, saved.pop(), bool(saved))
        for i in range(len(self.layers) - 2, self.lowest - 1, -1):
            dx = layer_back(self.layers[i], dx, plan, tickets.lora[i], saved.pop(), i > self.lowest)
        return torch.stack([part.mean() for part in cut(losses, tickets.texts)])

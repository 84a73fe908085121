"""The fast engine of encoders: forward and backward, written out for packed texts.

Tickets of many UEs and modules share every product with a frozen weight. PEFT and autograd, UE by
UE, would also do work on padding (here only attention's slots and a few idle tokens, packing.py),
gradients of frozen weights, the backward pass below the lowest adapter, and most of the last layer
(first_token.py). All that is left out.

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

from netsim.learning.adapters import PREFIX, AdapterLayout
from netsim.learning.data.tokens import Texts
from netsim.learning.engine.alike_tickets import group_alike
from netsim.learning.engine.embeddings import embeddings_of
from netsim.learning.engine.encoder_families import family_of
from netsim.learning.engine.encoder_layers import (
    layer_back,
    layer_forward,
    layer_of,
)
from netsim.learning.engine.encoder_tickets import EncoderTickets, TicketBinder
from netsim.learning.engine.first_token import last_layer, last_layer_back
from netsim.learning.engine.local_descent import LocalResult, Start, descend
from netsim.learning.engine.packing import Packing, pack
from netsim.learning.engine.pruning import Pruned
from netsim.learning.foundation import Foundation, config_value
from netsim.learning.spec import LocalTraining
from netsim.units import IntArray


@dataclass(frozen=True)
class _Below:
    """What no adapter changes."""

    x: torch.Tensor  # [T, h] input of the lowest adapted layer
    product: torch.Tensor | None  # [T, 3 h] of x with that layer's frozen weights, if used again


class EncoderEngine:
    """Engine for the families of encoder_families.py."""

    def __init__(
        self,
        foundation: Foundation,
        layouts: Sequence[AdapterLayout],
        *,
        train_head: bool,
    ) -> None:
        self.train_head = train_head
        family = family_of(foundation)
        assert family is not None  # supports() holds
        self.family = family
        config = foundation.model.config
        self.heads = int(config.num_attention_heads)
        self.device = foundation.device
        self.weights = {name: p.detach() for name, p in foundation.model.named_parameters()}

        base = f"{foundation.model.base_model_prefix}."
        encoder = {n.removeprefix(base): p for n, p in self.weights.items() if n.startswith(base)}
        epsilon = float(config_value(config, "layer_norm_eps", 1e-12))  # DistilBERT's is fixed
        self.embeddings = embeddings_of(encoder, family, config.pad_token_id, epsilon)

        self.path = f"{PREFIX}{base}{family.layer}."
        self.lowest = _lowest_layer(layouts, self.path)
        depth = int(config.num_hidden_layers)
        *lower, last = [layer_of(encoder, family, i, epsilon) for i in range(depth)]
        packed = [layer.pack(back=i >= self.lowest) for i, layer in enumerate(lower)]
        self.layers = [*packed, last]
        self._binder = TicketBinder(
            family=family,
            path=self.path,
            depth=depth,
            heads=self.heads,
            weights=self.weights,
        )

    # -- the Engine protocol ---------------------------------------------------------------------

    @torch.inference_mode()
    def train(
        self,
        starts: Sequence[Start],
        samples: IntArray,
        texts: Texts,
        local: LocalTraining,
    ) -> list[LocalResult]:
        """All tickets together."""
        sizes = [start.layout.trained_size(self.train_head) for start in starts]
        trained = [start.vector[:size] for start, size in zip(starts, sizes, strict=True)]
        w = torch.cat([self._to_device(vector) for vector in trained])
        packing = pack(texts.length, samples, self.heads, self.device)
        label = self._to_device(texts.label)
        fixed: list[tuple[EncoderTickets, _Below]] = []

        def gradient(w: torch.Tensor, g: torch.Tensor) -> Sequence[torch.Tensor]:
            if not fixed:  # views of w and g: they stay valid, both are changed in place
                groups = list(
                    group_alike(
                        starts,
                        sizes,
                        samples,
                        w,
                        g,
                    )
                )
                pruned = Pruned.of(starts, self.layers)
                tickets = self._binder.bind(groups, texts, samples, packing, pruned)
                fixed.append((tickets, self._below(texts, packing, tickets, local.local_steps)))
            tickets, below = fixed[0]
            saved: list[Any] = []
            first = self._above(below, packing, tickets, saved)
            return self._backward(
                first,
                label,
                packing,
                tickets,
                saved,
            )

        return descend(
            w,
            starts,
            sizes,
            gradient,
            local,
        )

    @torch.inference_mode()
    def logits(
        self,
        starts: Sequence[Start],
        texts: Texts,
    ) -> NDArray[np.float32]:
        """Shape [modules, texts, classes]."""
        samples = np.array([len(texts)])
        packing = pack(texts.length, samples, self.heads, self.device)
        below: _Below | None = None
        scores = []
        for start in starts:
            w = self._to_device(start.vector)
            groups = list(
                group_alike(
                    [start],
                    [start.layout.size],
                    samples,
                    w,
                    w,
                )
            )
            tickets = self._binder.bind(groups, texts, samples, packing)
            if below is None:
                below = self._below(texts, packing, tickets, len(starts))
            first = self._above(below, packing, tickets, None)
            logits, _ = tickets.heads.logits(first)
            scores.append(logits.cpu().numpy())
        return np.stack(scores)

    def _to_device(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)

    # -- forward ---------------------------------------------------------------------------------

    def _below(
        self,
        texts: Texts,
        packing: Packing,
        tickets: EncoderTickets,
        times: int,
    ) -> _Below:
        """The part of the forward pass that no adapter changes, used `times` times.

        The product with frozen weights is left out if it would be used once, or is that of the last
        layer.
        """
        x = self.embeddings(texts, packing.tokens)
        for layer, lora in zip(self.layers[: self.lowest], tickets.lora, strict=False):
            x = layer_forward(
                layer,
                x,
                packing,
                lora,
                None,
            )
        if times > 1 and self.lowest < len(self.layers) - 1:
            return _Below(x, self.layers[self.lowest].qkv(x))
        return _Below(x, None)

    def _above(
        self,
        below: _Below,
        packing: Packing,
        tickets: EncoderTickets,
        saved: list[Any] | None,
    ) -> torch.Tensor:
        """Hidden state [S, h] of the first tokens after the last layer.

        `saved` gets what the backward pass needs; None where there is none.
        """
        x = below.x
        product = below.product
        for i in range(self.lowest, len(self.layers) - 1):
            x = layer_forward(
                self.layers[i],
                x,
                packing,
                tickets.lora[i],
                saved,
                product=product,
            )
            product = None
        return last_layer(
            self.layers[-1],
            x,
            packing,
            tickets.last,
            saved,
        )

    # -- backward --------------------------------------------------------------------------------

    def _backward(
        self,
        first: torch.Tensor,
        label: torch.Tensor,
        packing: Packing,
        tickets: EncoderTickets,
        saved: list[Any],
    ) -> Sequence[torch.Tensor]:
        """Fill every gradient; returns the losses of each ticket's texts, [G] of [s]."""
        logits, active = tickets.heads.logits(first)
        log_p = torch.log_softmax(logits, -1)
        losses = -log_p.gather(1, label[:, None])[:, 0]

        d_logits = log_p.exp_()
        d_logits[torch.arange(len(label), device=self.device), label] -= 1.0
        d_logits /= tickets.texts_of_own
        d_first = tickets.heads.back(d_logits, active, first)

        kept = saved.pop()
        below = bool(saved)
        last = self.layers[-1]
        dx = last_layer_back(
            last,
            d_first,
            packing,
            tickets.last,
            kept=kept,
            below=below,
        )
        for i in range(len(self.layers) - 2, self.lowest - 1, -1):
            kept = saved.pop()
            below = i > self.lowest
            lora = tickets.lora[i]
            dx = layer_back(
                self.layers[i],
                dx,
                packing,
                lora,
                kept=kept,
                below=below,
            )
        return cut(losses, tickets.texts)


def _lowest_layer(layouts: Sequence[AdapterLayout], path: str) -> int:
    """The lowest layer, of those named `path` and a number, that any adapter changes."""
    numbers = []
    for layout in layouts:
        for name in layout.shapes:
            if not name.startswith(path):
                continue
            below = name.removeprefix(path)
            number = below.partition(".")[0]
            numbers.append(int(number))
    return min(numbers)

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
from netsim.learning.engine.activations import Activations
from netsim.learning.engine.embeddings import embeddings_of
from netsim.learning.engine.encoder_families import family_of
from netsim.learning.engine.encoder_layers import (
    LayerInput,
    layer_back,
    layer_forward,
    layer_of,
)
from netsim.learning.engine.encoder_tickets import EncoderTickets, TicketBinder
from netsim.learning.engine.first_token import last_layer, last_layer_back
from netsim.learning.engine.local_descent import Gradient, LocalResult, Start
from netsim.learning.engine.packing import Packing, pack
from netsim.learning.engine.part_gradients import Part, train
from netsim.learning.foundation import Foundation, config_value
from netsim.learning.model_layouts import lowest_layer
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
        self.activations = Activations.of(foundation)
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
        self.lowest = lowest_layer(layouts, self.path)
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
            layers=self.layers,
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
        return train(
            starts,
            samples,
            texts,
            local,
            make=self._gradient_of,
            bound=self.activations,
            train_head=self.train_head,
            device=self.device,
        )

    @torch.inference_mode()
    def logits(
        self,
        starts: Sequence[Start],
        texts: Texts,
    ) -> NDArray[np.float32]:
        """Shape [modules, texts, classes]."""
        return self.activations.logits(texts, lambda part: self._logits(starts, part))

    def _gradient_of(self, part: Part) -> Gradient:
        packing = pack(part.texts.length, part.samples, self.heads, self.device)
        label = self._to_device(part.texts.label)
        fixed: list[tuple[EncoderTickets, _Below]] = []

        def gradient(w: torch.Tensor, g: torch.Tensor) -> Sequence[torch.Tensor]:
            if not fixed:  # views of w and g: they stay valid, both are changed in place
                tickets = self._binder.bind(
                    part,
                    packing,
                    w,
                    g,
                )
                fixed.append((tickets, self._below(part.texts, packing, tickets, part.steps)))
            tickets, below = fixed[0]
            saved: list[Any] = []
            first = self._above(
                below,
                packing,
                tickets,
                saved,
                recompute=part.recompute,
            )
            return self._backward(
                first,
                label,
                packing,
                tickets,
                saved,
            )

        return gradient

    def _logits(
        self,
        starts: Sequence[Start],
        texts: Texts,
    ) -> NDArray[np.float32]:
        samples = np.array([len(texts)])
        packing = pack(texts.length, samples, self.heads, self.device)
        below: _Below | None = None
        scores = []
        for start in starts:
            w = self._to_device(start.vector)
            one = Part(
                [start],
                [start.layout.size],
                samples,
                texts,
                steps=len(starts),
                recompute=False,
            )
            tickets = self._binder.bind(
                one,
                packing,
                w,
                w,
            )
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
        *,
        recompute: bool = False,
    ) -> torch.Tensor:
        """Hidden state [S, h] of the first tokens after the last layer.

        `saved` gets what the backward pass needs; None where there is none. With `recompute` it
        gets the inputs of layers only.
        """
        x = below.x
        product = below.product
        for i in range(self.lowest, len(self.layers) - 1):
            if recompute and saved is not None:
                saved.append(LayerInput(x, product))
            x = layer_forward(
                self.layers[i],
                x,
                packing,
                tickets.lora[i],
                None if recompute else saved,
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
        losses, d_first = tickets.heads.losses_back(first, label, tickets.texts_of_own)

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
            if isinstance(kept, LayerInput):
                kept = kept.forward(self.layers[i], packing, lora)
            dx = layer_back(
                self.layers[i],
                dx,
                packing,
                lora,
                kept=kept,
                below=below,
            )
        return cut(losses, tickets.texts)

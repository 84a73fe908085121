"""The fast engine of small decoders: one packed pass for many tickets, there and back.

Texts of all tickets are packed end to end. Products with frozen weights are shared; only attention
has slots (texts of similar length together). Autograd strings together steps that have backward
passes of their own (decoder_functions.py). Everything below the lowest adapter is left out of the
backward pass, and the last layer is computed for the classified token of each text only.

Symbols: T tokens of S texts of G tickets, h hidden, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netsim.learning.adapters import PREFIX, AdapterLayout
from netsim.learning.data.tokens import Texts
from netsim.learning.engine.activations import Activations
from netsim.learning.engine.alike_tickets import AlikeTickets
from netsim.learning.engine.decoder_model import DecoderModel, Pass
from netsim.learning.engine.decoder_packing import DecoderPacking, pack_for_decoder
from netsim.learning.engine.decoder_tickets import DecoderTickets, bind
from netsim.learning.engine.local_descent import Gradient, LocalResult, Start
from netsim.learning.engine.part_gradients import Part, train
from netsim.learning.engine.pruning import refuse_pruned
from netsim.learning.foundation import Foundation, config_value
from netsim.learning.model_layouts import lowest_layer
from netsim.learning.spec import LocalTraining
from netsim.units import IntArray

DECODERS = ("llama", "qwen2")
ROTARY = ("default", "linear", "llama3")


def supports(foundation: Foundation, layouts: Sequence[AdapterLayout]) -> bool:
    """Is this a decoder, and are these modules, that this engine computes?"""
    config = foundation.model.config
    if config.model_type not in DECODERS or config.hidden_act != "silu":
        return False
    if foundation.head != ("score",):
        return False
    if config_value(config, "use_sliding_window"):
        return False
    if any(layout.spec.full for layout in layouts):
        return False
    rotary = foundation.model.model.rotary_emb
    return rotary.rope_type in ROTARY


class DecoderEngine:
    """Engine for the families named in DECODERS."""

    def __init__(
        self,
        foundation: Foundation,
        layouts: Sequence[AdapterLayout],
        *,
        train_head: bool,
    ) -> None:
        self.train_head = train_head
        self._pad = int(foundation.tokenizer.pad_token_id)
        self._activations = Activations.of(foundation)
        self._lowest = lowest_layer(layouts, f"{PREFIX}model.layers.")
        self._model = DecoderModel(foundation, self._lowest)

    def train(
        self,
        starts: Sequence[Start],
        samples: IntArray,
        texts: Texts,
        local: LocalTraining,
    ) -> list[LocalResult]:
        """All tickets together."""
        refuse_pruned(starts)
        return train(
            starts,
            samples,
            texts,
            local,
            make=self._gradient_of,
            bound=self._activations,
            train_head=self.train_head,
            device=self._model.device,
        )

    def logits(
        self,
        starts: Sequence[Start],
        texts: Texts,
    ) -> NDArray[np.float32]:
        """Shape [modules, texts, classes]."""
        return self._activations.logits(texts, lambda part: self._logits(starts, part))

    def _gradient_of(self, part: Part) -> Gradient:
        packing = self._packing(part.texts, part.samples)
        label = self._to_device(part.texts.label)
        share = np.repeat(1.0 / part.samples, part.samples).astype(np.float32)
        of_text = self._to_device(share)[:, None]  # in the mean of its ticket
        anchor = torch.zeros((), device=self._model.device, requires_grad=True)
        over = self._model.begin(packing, anchor)
        fixed: list[tuple[DecoderTickets, torch.Tensor]] = []

        def gradient(w: torch.Tensor, g: torch.Tensor) -> Sequence[torch.Tensor]:
            if not fixed:  # views of w and g: they stay valid, both are changed in place
                tickets = self._tickets(part.alike(w, g), packing)
                fixed.append((tickets, self._below(part.texts, packing, tickets)))
            tickets, below = fixed[0]
            x = self._above(
                below,
                over,
                tickets,
                recompute=part.recompute,
            )
            losses, dx = tickets.losses_back(x, label, of_text)
            torch.autograd.grad(x, anchor, dx, allow_unused=True)  # fills g
            return torch.split(losses, packing.texts)

        return gradient

    @torch.no_grad()
    def _logits(
        self,
        starts: Sequence[Start],
        texts: Texts,
    ) -> NDArray[np.float32]:
        """Layers below the lowest adapter are computed once."""
        samples = np.array([len(texts)])
        packing = self._packing(texts, samples)
        over = self._model.begin(packing, None)
        below: torch.Tensor | None = None
        scores = []
        for start in starts:
            w = self._to_device(start.vector)
            sizes = [start.layout.size]
            one = Part(
                [start],
                sizes,
                samples,
                texts,
                steps=1,
                recompute=False,
            )
            tickets = self._tickets(one.alike(w, w), packing)
            if below is None:
                below = self._below(texts, packing, tickets)
            x = self._above(below, over, tickets)
            scores.append(tickets.logits(x).cpu().numpy())
        return np.stack(scores)

    def _packing(
        self,
        texts: Texts,
        samples: IntArray,
    ) -> DecoderPacking:
        return pack_for_decoder(texts, samples, self._pad, self._model.device)

    def _tickets(
        self,
        groups: Sequence[AlikeTickets],
        packing: DecoderPacking,
    ) -> DecoderTickets:
        layers = len(self._model.layers)
        return bind(groups, layers, packing.tokens, packing.texts)

    @torch.no_grad()
    def _below(
        self,
        texts: Texts,
        packing: DecoderPacking,
        tickets: DecoderTickets,
    ) -> torch.Tensor:
        """Input [T, h] of the lowest layer that any adapter changes."""
        return self._model.body(
            self._model.embed(texts, sum(packing.tokens)),
            self._model.begin(packing, None),
            tickets.lora,
            range(self._lowest),
        )

    def _above(
        self,
        below: torch.Tensor,
        over: Pass,
        tickets: DecoderTickets,
        *,
        recompute: bool = False,
    ) -> torch.Tensor:
        """What the heads see [S, h]."""
        x = self._model.body(
            below,
            over,
            tickets.lora,
            range(self._lowest, len(self._model.layers)),
            recompute=recompute,
        )
        return self._model.final_norm(x)

    def _to_device(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(self._model.device)

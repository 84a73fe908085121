"""The fast engine of small decoders: one packed forward pass and autograd for many tickets.

Texts of all tickets are packed end to end. Products with frozen weights are shared; only attention
has slots (texts of similar length together). Everything below the lowest adapter is left out of the
backward pass, and the last layer is computed for the classified token of each text only.

Symbols: T tokens of S texts of G tickets, h hidden, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from netsim.learning.adapters import PREFIX, AdapterLayout
from netsim.learning.data.tokens import Texts
from netsim.learning.engine.activations import Activations
from netsim.learning.engine.decoder_model import NO_ADAPTER, DecoderModel, TicketAdapter
from netsim.learning.engine.decoder_packing import DecoderPacking, pack_for_decoder
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
        self._model = DecoderModel(foundation)
        self._lowest = lowest_layer(layouts, f"{PREFIX}model.layers.")

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
        layouts = [start.layout for start in part.starts]
        packing = self._packing(part.texts, part.samples)
        downloaded = [self._adapter(start) for start in part.starts]
        label = self._to_device(part.texts.label)
        with torch.no_grad():
            below = self._below(part.texts, packing, downloaded)

        def gradient(w: torch.Tensor, g: torch.Tensor) -> Sequence[torch.Tensor]:
            leaf = w.detach().requires_grad_()
            own = _with_trained(downloaded, layouts, torch.split(leaf, list(part.sizes)))
            logits = self._above(
                below,
                packing,
                own,
                recompute=part.recompute,
            )
            lost = cross_entropy(logits, label, reduction="none")
            loss = torch.stack([lost[a:b].mean() for a, b in packing.texts])
            g.copy_(torch.autograd.grad(loss.sum(), leaf)[0])
            return [lost[a:b].detach() for a, b in packing.texts]

        return gradient

    def _logits(
        self,
        starts: Sequence[Start],
        texts: Texts,
    ) -> NDArray[np.float32]:
        """Layers below the lowest adapter are computed once."""
        packing = self._packing(texts, np.array([len(texts)]))
        scores = []
        with torch.no_grad():
            below = self._below(texts, packing, [NO_ADAPTER])
            for start in starts:
                logits = self._above(below, packing, [self._adapter(start)])
                scores.append(logits.cpu().numpy())
        return np.stack(scores)

    def _packing(
        self,
        texts: Texts,
        samples: IntArray,
    ) -> DecoderPacking:
        return pack_for_decoder(texts, samples, self._pad, self._model.device)

    def _below(
        self,
        texts: Texts,
        packing: DecoderPacking,
        own: Sequence[TicketAdapter],
    ) -> torch.Tensor:
        """Input [T, h] of the lowest layer that any adapter changes."""
        x = self._model.embed(texts)
        return self._model.body(
            x,
            packing,
            own,
            start=0,
            end=self._lowest,
        )

    def _above(
        self,
        below: torch.Tensor,
        packing: DecoderPacking,
        own: Sequence[TicketAdapter],
        *,
        recompute: bool = False,
    ) -> torch.Tensor:
        """Logits [S, C]; with `recompute`, layers are computed again in the backward pass."""
        last = self._model.layers
        x = self._model.body(
            below,
            packing,
            own,
            start=self._lowest,
            end=last,
            recompute=recompute,
        )
        return self._model.score(x, packing, own)

    def _adapter(self, start: Start) -> TicketAdapter:
        """A module as it was downloaded."""
        vector = self._to_device(start.vector)
        return TicketAdapter(start.layout.views(vector), start.layout.spec.scale)

    def _to_device(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(self._model.device)


def _with_trained(
    downloaded: Sequence[TicketAdapter],
    layouts: Sequence[AdapterLayout],
    trained: Sequence[torch.Tensor],
) -> list[TicketAdapter]:
    """The tickets' adapters, with what is trained instead of what was downloaded."""
    own = []
    for fixed, layout, vector in zip(downloaded, layouts, trained, strict=True):
        views = layout.views(vector).items()
        tensors = fixed.tensors | {name: view for name, view in views if layout.trains(name)}
        own.append(TicketAdapter(tensors, fixed.scale))
    return own

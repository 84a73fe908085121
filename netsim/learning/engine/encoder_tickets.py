"""What a chunk's tickets add at each place of an encoder: views of their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch

from netsim.learning.engine.alike_tickets import AlikeTickets
from netsim.learning.engine.encoder_families import EncoderFamily
from netsim.learning.engine.encoder_layers import EncoderLayer, Places
from netsim.learning.engine.first_token import LastLayer, last_layer_of
from netsim.learning.engine.head import Heads, heads_of
from netsim.learning.engine.low_rank import LowRank, pairs_of
from netsim.learning.engine.packing import Packing
from netsim.learning.engine.part_gradients import Part
from netsim.learning.engine.pruning import Pruned


@dataclass(frozen=True)
class EncoderTickets:
    """What a chunk's G tickets add at each place, on views of their trained tensors."""

    texts: tuple[int, ...]  # [G]
    texts_of_own: torch.Tensor  # [S, 1] how many texts the ticket of each text has
    lora: list[Places]  # of each layer but the last
    last: LastLayer
    heads: Heads


@dataclass(frozen=True)
class TicketBinder:
    """Puts tickets' tensors to their places in one encoder."""

    family: EncoderFamily
    path: str  # of layer i: f"{path}{i}."
    depth: int
    heads: int
    weights: dict[str, torch.Tensor]  # of the foundation model
    layers: Sequence[EncoderLayer]

    def bind(
        self,
        part: Part,
        packing: Packing,
        w: torch.Tensor,
        g: torch.Tensor,
    ) -> EncoderTickets:
        """Views of the tickets' parameters `w` [P] and gradients `g` [P] where they are needed."""
        samples = part.samples
        groups = part.alike(w, g)
        pruned = Pruned.of(part.starts, self.layers)
        tokens = part.tokens()
        tokens.append(packing.tokens - sum(tokens))  # the idle ones
        text_counts = samples.tolist()
        last = self.depth - 1
        places = list(self.family.places)

        lora = []
        for layer in range(last):
            found = self._at_places(layer, places, groups, tokens)
            lora.append(Places(found, pruned.neurons(layer, tokens)))
        others = [place for place in places if place != "qkv"]
        at_last = self._at_places(last, others, groups, text_counts)
        qkv = [f"{self.path}{last}.{path}" for path in self.family.places["qkv"]]
        texts_of_own = np.repeat(samples, samples).astype(np.float32)
        on_device = torch.from_numpy(texts_of_own).to(groups[0].own.device)
        return EncoderTickets(
            texts=tuple(text_counts),
            texts_of_own=on_device[:, None],
            lora=lora,
            last=last_layer_of(
                qkv,
                groups,
                self.heads,
                Places(at_last, pruned.neurons(last, text_counts)),
            ),
            heads=heads_of(self.family, groups, self.weights),
        )

    def _at_places(
        self,
        layer: int,
        places: Sequence[str],
        groups: Sequence[AlikeTickets],
        rows: Sequence[int],
    ) -> dict[str, LowRank]:
        """What the tickets add at some places of a layer, on `rows` of each."""
        prefix = f"{self.path}{layer}."
        found = {}
        for place in places:
            paths = self.family.places[place]
            pairs = [pairs_of(prefix, paths, group) for group in groups]
            found[place] = LowRank(tuple(chain(*pairs)), tuple(rows))
        return found

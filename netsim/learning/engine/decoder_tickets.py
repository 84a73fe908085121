"""What a chunk's tickets add at each place of a decoder: views of their vectors.

Symbols: S texts, of which G alike tickets (alike_tickets.py) have s each, h hidden, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import torch

from netsim.learning.adapters import PREFIX
from netsim.learning.engine.alike_tickets import AlikeTickets
from netsim.learning.engine.head import whole_vectors
from netsim.learning.engine.low_rank import LowRank, pairs_of
from netsim.protocols import HEAD

PLACES = {
    "q": ("self_attn.q_proj",),
    "kv": ("self_attn.k_proj", "self_attn.v_proj"),
    "context": ("self_attn.o_proj",),
    "up": ("mlp.gate_proj", "mlp.up_proj"),
    "down": ("mlp.down_proj",),
}
"""Layers that share an input and have outputs of one size, side by side."""
OF_ALL_TOKENS = ("kv",)  # also in the last layer
SCORE = f"{PREFIX}score.weight"


@dataclass(frozen=True)
class Score:
    """The heads of alike tickets."""

    tickets: AlikeTickets
    weight: torch.Tensor  # [G, C, h]
    weight_grad: torch.Tensor | None

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Of these tickets' texts, from the hidden states [S, h] of all. [G s, C]."""
        return torch.bmm(self.tickets.of(x), self.weight.transpose(1, 2)).flatten(0, 1)

    def back(self, d_logits: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Their part of the gradient of x, [G s, h]; fills those of the heads."""
        dy = self.tickets.of(d_logits)
        if self.weight_grad is not None:
            self.weight_grad.copy_(torch.bmm(dy.transpose(1, 2), self.tickets.of(x)))
        return torch.bmm(dy, self.weight).flatten(0, 1)


@dataclass(frozen=True)
class DecoderTickets:
    """What a chunk's tickets add at each place, on views of their trained tensors."""

    lora: list[dict[str, LowRank]]  # of each layer
    scores: list[Score]

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [S, C] from the classified tokens' last states [S, h]."""
        return torch.cat([score.logits(x) for score in self.scores])

    @torch.no_grad()
    def losses_back(
        self,
        x: torch.Tensor,
        label: torch.Tensor,
        share: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Losses [S], and the gradient of these states; fills those of the heads.

        That is of the tickets' mean losses, in which each text has a share, [S, 1].
        """
        log_p = torch.log_softmax(self.logits(x), -1)
        losses = -log_p.gather(1, label[:, None])[:, 0]
        d_logits = log_p.exp_()
        d_logits[torch.arange(len(label), device=label.device), label] -= 1.0
        d_logits *= share
        return losses, torch.cat([score.back(d_logits, x) for score in self.scores])


def bind(
    groups: Sequence[AlikeTickets],
    layers: int,
    tokens: Sequence[int],
    texts: Sequence[int],
) -> DecoderTickets:
    """Views of the tickets' parameters and gradients where they are needed.

    `tokens` and `texts` of each ticket, and idle tokens.
    """
    lora = []
    for layer in range(layers):
        prefix = f"{PREFIX}model.layers.{layer}."
        found = {}
        for place, paths in PLACES.items():
            of_all = layer < layers - 1 or place in OF_ALL_TOKENS
            pairs = [pairs_of(prefix, paths, group) for group in groups]
            found[place] = LowRank(tuple(chain(*pairs)), tuple(tokens if of_all else texts))
        lora.append(found)
    return DecoderTickets(lora, [_score(group) for group in groups])


def _score(group: AlikeTickets) -> Score:
    layout = group.layout
    trained = group.grad.shape[1] == layout.size and layout.trained & HEAD
    return Score(
        group,
        layout.view(SCORE, whole_vectors(group)),
        layout.view(SCORE, group.grad) if trained else None,
    )

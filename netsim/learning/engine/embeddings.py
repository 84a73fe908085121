"""The input of an encoder's first layer: embeddings of tokens, positions and segments.

Symbols: T tokens of S texts, h hidden.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from netsim.learning.data.tokens import Texts, positions
from netsim.learning.engine.encoder_families import ROBERTA, EncoderFamily
from netsim.learning.engine.encoder_layers import FrozenNorm, norm_of
from netsim.units import IntArray


@dataclass(frozen=True)
class Embeddings:
    """Frozen tables, one row of [h] for each token, position and segment."""

    token: torch.Tensor
    position: torch.Tensor
    segment: torch.Tensor | None  # None: the model does not tell sentences apart
    norm: FrozenNorm
    first_position: int  # of a text's first token

    def __call__(self, texts: Texts, rows: int) -> torch.Tensor:
        """Input of the first layer [rows, h]: that of the texts, and zeros in idle rows."""
        place = positions(texts.length) + self.first_position
        x = _rows_of(self.token, texts.token).float()
        x += _rows_of(self.position, place)
        if self.segment is not None:
            x += _rows_of(self.segment, texts.segment)
        x = self.norm(x)[0]
        idle = rows - len(x)
        return torch.nn.functional.pad(x, (0, 0, 0, idle))


def _rows_of(table: torch.Tensor, rows: IntArray) -> torch.Tensor:
    """Some rows of a table, copied."""
    return table.index_select(0, torch.from_numpy(rows).to(table.device))


def embeddings_of(
    weights: dict[str, torch.Tensor],
    family: EncoderFamily,
    pad: int,
    epsilon: float,
) -> Embeddings:
    """Embeddings of an encoder; `pad` is its padding token."""
    # BERT counts positions from 0, the RoBERTa family from the one after the padding index.
    first_position = int(pad) + 1 if family is ROBERTA else 0
    return Embeddings(
        token=weights["embeddings.word_embeddings.weight"],
        position=weights["embeddings.position_embeddings.weight"],
        segment=weights.get("embeddings.token_type_embeddings.weight"),
        norm=norm_of(weights, "embeddings.LayerNorm", epsilon),
        first_position=first_position,
    )

"""The forward pass of a decoder over packed texts, with the low-rank parts of many tickets.

Symbols: T tokens of S texts of G tickets, h hidden, f intermediate, H heads of d numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.checkpoint import checkpoint

from netsim.learning.data.tokens import Texts
from netsim.learning.engine.decoder_functions import product, rms_norm, rotate, swiglu
from netsim.learning.engine.decoder_packing import DecoderPacking
from netsim.learning.engine.decoder_tickets import OF_ALL_TOKENS, PLACES
from netsim.learning.engine.frozen_products import FrozenLinear
from netsim.learning.engine.low_rank import LowRank
from netsim.learning.foundation import Foundation

Weights = dict[str, torch.Tensor]
"""Frozen weights by their names."""


@dataclass(frozen=True)
class DecoderLayer:
    """Frozen weights of one layer; products by the places of decoder_tickets.PLACES."""

    at: dict[str, FrozenLinear]
    input_norm: torch.Tensor  # [h]
    feed_norm: torch.Tensor  # [h]

    def pack(self, *, last: bool, back: bool) -> DecoderLayer:
        """For products with the rows of all tokens; `back`: gradients pass through."""
        packed = {
            place: linear.pack(back=back) if place in OF_ALL_TOKENS or not last else linear
            for place, linear in self.at.items()
        }
        return replace(self, at=packed)


@dataclass(frozen=True)
class Pass:
    """What all layers share in one pass over a chunk."""

    packing: DecoderPacking
    cos: torch.Tensor  # [T, 1, d / 2] of the tokens' positions, times the model's factor
    sin: torch.Tensor
    anchor: torch.Tensor | None  # as decoder_functions.product has it


class DecoderModel:
    """The frozen weights, and what is computed with them."""

    def __init__(self, foundation: Foundation, lowest: int) -> None:
        """`lowest` is the lowest layer that any adapter changes."""
        config = foundation.model.config
        self.device = foundation.device
        self._heads = int(config.num_attention_heads)
        self._kv_heads = int(config.num_key_value_heads)
        self._epsilon = float(config.rms_norm_eps)
        weights = {name: p.detach() for name, p in foundation.model.model.named_parameters()}
        self._embedding = weights["embed_tokens.weight"]
        self._norm = weights["norm.weight"].float()
        depth = int(config.num_hidden_layers)
        self.layers = [
            _layer_of(weights, i).pack(last=i == depth - 1, back=i >= lowest) for i in range(depth)
        ]
        rotary = foundation.model.model.rotary_emb
        self._frequency = rotary.inv_freq.float()
        self._rotary_scale = float(rotary.attention_scaling)

    def embed(self, texts: Texts, tokens: int) -> torch.Tensor:
        """Input of the first layer [T, h]; zeros for the idle ones of `tokens`."""
        width = self._embedding.shape[1]
        x = torch.zeros(tokens, width, device=self.device)
        token = torch.from_numpy(texts.token).to(self.device)
        x[: len(token)] = self._embedding[token]
        return x

    def begin(self, packing: DecoderPacking, anchor: torch.Tensor | None) -> Pass:
        """A pass over a chunk."""
        angle = packing.position[:, None].float() * self._frequency
        cos = angle.cos().mul_(self._rotary_scale)
        sin = angle.sin().mul_(self._rotary_scale)
        return Pass(
            packing,
            cos[:, None],
            sin[:, None],
            anchor,
        )

    def body(
        self,
        x: torch.Tensor,
        over: Pass,
        lora: Sequence[dict[str, LowRank]],
        layers: range,
        *,
        recompute: bool = False,
    ) -> torch.Tensor:
        """Output [T, h] of some layers; after the last, [S, h] of the classified tokens.

        With `recompute`, they keep their input only and are computed again in the backward pass.
        """
        for i in layers:
            last = i == len(self.layers) - 1
            layer = partial(self._layer, self.layers[i], over, lora[i], last=last)
            x = checkpoint(layer, x, use_reentrant=False) if recompute else layer(x)
        return x

    def final_norm(self, x: torch.Tensor) -> torch.Tensor:
        """What the heads see of the last layer's output."""
        return rms_norm(x, self._norm, self._epsilon)

    def _layer(
        self,
        layer: DecoderLayer,
        over: Pass,
        lora: dict[str, LowRank],
        x: torch.Tensor,
        *,
        last: bool,
    ) -> torch.Tensor:
        """Output of one layer [T, h]; of the last, for the classified tokens [S, h]."""
        own = over.packing.last

        def at(
            place: str,
            x: torch.Tensor,
            residual: torch.Tensor | None = None,
        ) -> torch.Tensor:
            return product(
                x,
                layer.at[place],
                lora[place],
                over.anchor,
                residual,
            )

        y = rms_norm(x, layer.input_norm, self._epsilon)
        query = at("q", y.index_select(0, own) if last else y)
        attend = self._attend_last if last else self._attend
        context = attend(query, at("kv", y), over)
        x = at("context", context, x.index_select(0, own) if last else x)
        y = rms_norm(x, layer.feed_norm, self._epsilon)
        return at("down", swiglu(at("up", y)), x)

    def _keys_and_values(
        self,
        key_value: torch.Tensor,
        over: Pass,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """[T, heads of keys d] each; keys are rotated."""
        key, value = key_value.chunk(2, -1)
        heads = key.reshape(len(key), self._kv_heads, -1)
        rotated = rotate(heads, over.cos, over.sin)
        return rotated.flatten(1), value

    def _attend(
        self,
        query: torch.Tensor,
        key_value: torch.Tensor,
        over: Pass,
    ) -> torch.Tensor:
        """Context [T, H d]. Padding stands on the right, where no token looks."""
        key, value = self._keys_and_values(key_value, over)
        query = rotate(query.view(len(query), self._heads, -1), over.cos, over.sin).flatten(1)
        contexts = []
        for group in over.packing.groups:
            q = _slots(query, group.token, self._heads)
            k = self._repeated(_slots(key, group.token, self._kv_heads))
            v = self._repeated(_slots(value, group.token, self._kv_heads))
            found = scaled_dot_product_attention(q, k, v, is_causal=True)
            contexts.append(found.transpose(1, 2).flatten(0, 1).flatten(1))
        return torch.cat(contexts).index_select(0, over.packing.back)

    def _attend_last(
        self,
        query: torch.Tensor,
        key_value: torch.Tensor,
        over: Pass,
    ) -> torch.Tensor:
        """Context [S, H d] of the classified tokens."""
        packing = over.packing
        key, value = self._keys_and_values(key_value, over)
        cos = over.cos.index_select(0, packing.last)
        sin = over.sin.index_select(0, packing.last)
        query = rotate(query.view(len(query), self._heads, -1), cos, sin)
        contexts = []
        for group in packing.groups:
            q = query.index_select(0, group.last)[:, :, None]
            k = self._repeated(_slots(key, group.token, self._kv_heads))
            v = self._repeated(_slots(value, group.token, self._kv_heads))
            found = scaled_dot_product_attention(q, k, v, attn_mask=group.mask)
            contexts.append(found.flatten(1))
        return torch.cat(contexts).index_select(0, packing.back_last)

    def _repeated(self, x: torch.Tensor) -> torch.Tensor:
        """Heads of keys or values, each as often as queries share it."""
        return x.repeat_interleave(self._heads // self._kv_heads, dim=1)


def _slots(
    x: torch.Tensor,
    token: torch.Tensor,
    heads: int,
) -> torch.Tensor:
    """Rows [T, heads d] in the slots `token` [S_b, L]. [S_b, heads, L, d]."""
    rows = x.index_select(0, token.flatten())
    return rows.view(*token.shape, heads, -1).transpose(1, 2)


def _layer_of(weights: Weights, number: int) -> DecoderLayer:
    name = f"layers.{number}"
    at = {}
    for place, paths in PLACES.items():
        weight = torch.cat([weights[f"{name}.{path}.weight"] for path in paths])
        biases = [weights.get(f"{name}.{path}.bias") for path in paths]
        known = [bias for bias in biases if bias is not None]
        bias = torch.cat(known) if known else weight.new_zeros(len(weight))
        at[place] = FrozenLinear(weight, bias.float())
    return DecoderLayer(
        at,
        input_norm=weights[f"{name}.input_layernorm.weight"].float(),
        feed_norm=weights[f"{name}.post_attention_layernorm.weight"].float(),
    )

"""The forward pass of a decoder over packed texts, with the low-rank parts of many tickets.

Symbols: T tokens of S texts of G tickets, h hidden, H heads of d numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch.nn.functional import linear, scaled_dot_product_attention, silu
from torch.utils.checkpoint import checkpoint

from netsim.learning.adapters import PREFIX
from netsim.learning.data.tokens import Texts
from netsim.learning.engine.decoder_packing import DecoderPacking, Ranges
from netsim.learning.foundation import Foundation

ATTENTION, FEED = "self_attn", "mlp"


@dataclass(frozen=True)
class TicketAdapter:
    """One ticket's tensors by name, and the factor of B A."""

    tensors: dict[str, torch.Tensor]
    scale: float


NO_ADAPTER = TicketAdapter({}, 0.0)


class DecoderModel:
    """The frozen weights, and what is computed with them."""

    def __init__(self, foundation: Foundation) -> None:
        config = foundation.model.config
        self.device = foundation.device
        self.layers = int(config.num_hidden_layers)
        self._heads = int(config.num_attention_heads)
        self._kv_heads = int(config.num_key_value_heads)
        self._epsilon = float(config.rms_norm_eps)
        self._weight = {name: p.detach() for name, p in foundation.model.model.named_parameters()}
        rotary = foundation.model.model.rotary_emb
        self._frequency = rotary.inv_freq.float()
        self._rotary_scale = float(rotary.attention_scaling)

    def embed(self, texts: Texts) -> torch.Tensor:
        """Input of the first layer [T, h]."""
        table = self._weight["embed_tokens.weight"]
        x: torch.Tensor = table[torch.from_numpy(texts.token).to(self.device)].float()
        return x

    def body(
        self,
        x: torch.Tensor,
        packing: DecoderPacking,
        own: Sequence[TicketAdapter],
        start: int,
        end: int,
        *,
        recompute: bool = False,
    ) -> torch.Tensor:
        """Output [T, h] of the layers from `start` to before `end`; after the last, [S, h].

        With `recompute`, they keep their input only and are computed again in the backward pass.
        """
        for i in range(start, end):
            layer = partial(self._layer, f"layers.{i}", last=i == self.layers - 1)
            if recompute:
                x = checkpoint(
                    layer,
                    x,
                    packing,
                    own,
                    use_reentrant=False,
                )
            else:
                x = layer(x, packing, own)
        return x

    def _layer(
        self,
        name: str,
        x: torch.Tensor,
        packing: DecoderPacking,
        own: Sequence[TicketAdapter],
        *,
        last: bool,
    ) -> torch.Tensor:
        """Output of one layer [T, h]; of the last, for the classified tokens [S, h]."""
        asking = packing.texts if last else packing.tokens

        def project(
            path: str,
            x: torch.Tensor,
            ranges: Ranges,
        ) -> torch.Tensor:
            return self._project(f"{name}.{path}", x, own, ranges)

        y = self._norm(f"{name}.input_layernorm", x)
        query = project(f"{ATTENTION}.q_proj", y[packing.last] if last else y, asking)
        key = project(f"{ATTENTION}.k_proj", y, packing.tokens)
        value = project(f"{ATTENTION}.v_proj", y, packing.tokens)
        context = self._attend(
            query,
            key,
            value,
            packing,
            last=last,
        )
        residual = x[packing.last] if last else x
        x = residual + project(f"{ATTENTION}.o_proj", context, asking)

        y = self._norm(f"{name}.post_attention_layernorm", x)
        gate = project(f"{FEED}.gate_proj", y, asking)
        up = project(f"{FEED}.up_proj", y, asking)
        return x + project(f"{FEED}.down_proj", silu(gate) * up, asking)

    def _project(
        self,
        path: str,
        x: torch.Tensor,
        own: Sequence[TicketAdapter],
        ranges: Ranges,
    ) -> torch.Tensor:
        """The frozen linear layer at `path`, and each ticket's low-rank part on its rows."""
        weight = self._weight[f"{path}.weight"]
        bias = self._weight.get(f"{path}.bias")
        y: torch.Tensor = linear(x.to(weight.dtype), weight, bias).float()
        a = f"{PREFIX}model.{path}.lora_A.weight"
        b = f"{PREFIX}model.{path}.lora_B.weight"
        if not any(a in adapter.tensors for adapter in own):
            return y
        parts = []
        for adapter, (start, end) in zip(own, ranges, strict=True):
            part = y[start:end]
            if a in adapter.tensors:
                inner = linear(x[start:end], adapter.tensors[a])
                part = part + adapter.scale * linear(inner, adapter.tensors[b])
            parts.append(part)
        return torch.cat(parts)

    def _norm(
        self,
        path: str,
        x: torch.Tensor,
    ) -> torch.Tensor:
        mean_square = x.float().square().mean(-1, keepdim=True)
        scale = torch.rsqrt(mean_square + self._epsilon)
        y: torch.Tensor = self._weight[f"{path}.weight"] * (x * scale)
        return y

    def _attend(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        packing: DecoderPacking,
        *,
        last: bool,
    ) -> torch.Tensor:
        """Context [T, H d], or [S, H d] of the classified tokens."""
        asking = packing.position[packing.last] if last else packing.position
        query = self._rotate(query, self._heads, asking)
        key = self._rotate(key, self._kv_heads, packing.position)
        value = value.view(len(value), self._kv_heads, -1)
        key = _with_empty_row(key)
        value = _with_empty_row(value)
        if not last:
            query = _with_empty_row(query)

        repeats = self._heads // self._kv_heads
        contexts = []
        for group in packing.groups:
            k = key[group.token].transpose(1, 2).repeat_interleave(repeats, dim=1)
            v = value[group.token].transpose(1, 2).repeat_interleave(repeats, dim=1)
            if last:
                q = query[group.last][:, :, None]
                found = scaled_dot_product_attention(q, k, v, attn_mask=group.mask)
            else:  # padding stands on the right, where no token looks
                q = query[group.token].transpose(1, 2)
                found = scaled_dot_product_attention(q, k, v, is_causal=True)
            by_slot = found.transpose(1, 2).flatten(0, 1)
            contexts.append(by_slot.flatten(1))
        back = packing.back_last if last else packing.back
        return torch.cat(contexts)[back]

    def _rotate(
        self,
        x: torch.Tensor,
        heads: int,
        position: torch.Tensor,
    ) -> torch.Tensor:
        """Rotary positions. [rows, heads d] -> [rows, heads, d]."""
        x = x.view(len(x), heads, -1)
        angle = position[:, None].float() * self._frequency
        angle = torch.cat([angle, angle], dim=-1)[:, None]
        half = x.shape[-1] // 2
        turned = torch.cat([-x[..., half:], x[..., :half]], dim=-1)
        rotated = x * angle.cos() + turned * angle.sin()
        return rotated * self._rotary_scale

    def score(
        self,
        x: torch.Tensor,
        packing: DecoderPacking,
        own: Sequence[TicketAdapter],
    ) -> torch.Tensor:
        """Logits [S, C] of the classified tokens' last states [S, h]."""
        x = self._norm("norm", x)
        name = f"{PREFIX}score.weight"
        logits = []
        for adapter, (start, end) in zip(own, packing.texts, strict=True):
            logits.append(linear(x[start:end], adapter.tensors[name]))
        return torch.cat(logits)


def _with_empty_row(rows: torch.Tensor) -> torch.Tensor:
    """The rows and one of zeros, which slots without a token take."""
    empty = rows.new_zeros(1, *rows.shape[1:])
    return torch.cat([rows, empty])

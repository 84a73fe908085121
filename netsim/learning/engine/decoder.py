"""The fast engine of small decoders (Llama, Qwen2): one packed forward and autograd for many
tickets.

Texts of all tickets are packed end to end; products with frozen weights are shared, only attention
has slots (texts of similar length together), everything below the lowest adapter is left out of the
backward pass, and the last layer is computed for the classified token of each text only.

Symbols: T tokens of S texts of G tickets, h hidden, H heads of d numbers, L slots per text of a
group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import linear, scaled_dot_product_attention, silu

from netsim.learning.adapters import PREFIX, Layout
from netsim.learning.data.tokens import Texts, positions
from netsim.learning.engine.local_descent import Local, Start, descend
from netsim.learning.engine.packing import length_groups
from netsim.learning.foundation import Foundation
from netsim.learning.spec import LocalTraining
from netsim.units import IntArray

FAMILIES = ("llama", "qwen2")
ATTENTION, FEED = "self_attn", "mlp"

Ranges = Sequence[tuple[int, int]]


def supports(foundation: Foundation, layouts: Sequence[Layout]) -> bool:
    """Is this a decoder, and are these modules, that this engine computes?"""
    config = foundation.model.config
    if (
        config.model_type not in FAMILIES
        or config.hidden_act != "silu"
        or foundation.head != ("score",)
    ):
        return False
    if getattr(config, "use_sliding_window", False) or any(plan.spec.full for plan in layouts):
        return False
    rotary = foundation.model.model.rotary_emb
    return rotary.rope_type in ("default", "linear", "llama3")


@dataclass(frozen=True)
class _Group:
    """Texts that are attended to together."""

    token: torch.Tensor  # [S_b, L] rows among T tokens; T where there is none
    last: torch.Tensor  # [S_b] texts
    mask: torch.Tensor  # [S_b, 1, 1, L] slots that the classified token may look at


@dataclass(frozen=True)
class _Pack:
    groups: list[_Group]
    position: torch.Tensor  # [T] of each token in its text
    back: torch.Tensor  # [T] where each token stands among the groups' slots
    back_last: torch.Tensor  # [S] where each text stands among the groups' texts
    last: torch.Tensor  # [S] classified token of each text
    tokens: Ranges  # [G]
    texts: Ranges  # [G]


class DecoderEngine:
    """Engine for the families named in FAMILIES."""

    def __init__(
        self, foundation: Foundation, layouts: Sequence[Layout], *, train_head: bool
    ) -> None:
        self.train_head = train_head
        config = foundation.model.config
        self._device = foundation.device
        self._pad = int(foundation.tokenizer.pad_token_id)
        self._heads, self._kv_heads = (
            int(config.num_attention_heads),
            int(config.num_key_value_heads),
        )
        self._epsilon = float(config.rms_norm_eps)
        self._layers = int(config.num_hidden_layers)
        self._weight = {name: p.detach() for name, p in foundation.model.model.named_parameters()}
        rotary = foundation.model.model.rotary_emb
        self._frequency, self._rotary_scale = (
            rotary.inv_freq.float(),
            float(rotary.attention_scaling),
        )
        places = [name for plan in layouts for name in plan.shapes if ".layers." in name]
        self._lowest = min(int(name.partition(".layers.")[2].partition(".")[0]) for name in places)

    def train(
        self, starts: Sequence[Start], samples: IntArray, texts: Texts, local: LocalTraining
    ) -> list[Local]:
        """All tickets together."""
        plans = [start.plan for start in starts]
        sizes = [plan.trained_size(self.train_head) for plan in plans]
        w = torch.cat([self._there(s.vector[:size]) for s, size in zip(starts, sizes, strict=True)])
        pack = self._pack(texts, samples)
        frozen = [plan.views(self._there(s.vector)) for plan, s in zip(plans, starts, strict=True)]
        label = self._there(texts.label)
        with torch.no_grad():
            below = self._body(self._embed(texts), pack, frozen, plans, 0, self._lowest)

        def gradient(w: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
            leaf = w.detach().requires_grad_()
            own = [
                {**fixed, **plan.views(part)}
                for fixed, plan, part in zip(frozen, plans, torch.split(leaf, sizes), strict=True)
            ]
            first = self._body(below, pack, own, plans, self._lowest, self._layers)
            lost = torch.nn.functional.cross_entropy(
                self._score(first, pack, own), label, reduction="none"
            )
            loss = torch.stack([lost[a:b].mean() for a, b in pack.texts])
            g.copy_(torch.autograd.grad(loss.sum(), leaf)[0])
            return loss.detach()

        return descend(w, plans, sizes, gradient, local)

    def logits(self, starts: Sequence[Start], texts: Texts) -> NDArray[np.float32]:
        """Shape [modules, texts, classes]. Layers below the lowest adapter are computed once."""
        pack = self._pack(texts, np.array([len(texts)]))
        scores = []
        with torch.no_grad():
            plans = [starts[0].plan]
            below = self._body(self._embed(texts), pack, [{}], plans, 0, self._lowest)
            for start in starts:
                own, plans = [start.plan.views(self._there(start.vector))], [start.plan]
                x = self._body(below, pack, own, plans, self._lowest, self._layers)
                scores.append(self._score(x, pack, own).cpu().numpy())
        return np.stack(scores)

    # -- forward ---------------------------------------------------------------------------------

    def _embed(self, texts: Texts) -> torch.Tensor:
        x: torch.Tensor = self._weight["embed_tokens.weight"][self._there(texts.token)].float()
        return x

    def _body(
        self,
        x: torch.Tensor,
        pack: _Pack,
        own: Sequence[dict[str, torch.Tensor]],
        plans: Sequence[Layout],
        start: int,
        end: int,
    ) -> torch.Tensor:
        """Output [T, h] of the layers from `start` to before `end`; after the last, [S, h]."""
        for i in range(start, end):
            last = i == self._layers - 1
            name = f"layers.{i}"
            ranges = pack.texts if last else pack.tokens

            def project(
                path: str, x: torch.Tensor, ranges: Ranges, name: str = name
            ) -> torch.Tensor:
                return self._project(f"{name}.{path}", x, own, plans, ranges)

            y = self._norm(f"{name}.input_layernorm", x)
            query = project(f"{ATTENTION}.q_proj", y[pack.last] if last else y, ranges)
            key, value = (project(f"{ATTENTION}.{p}_proj", y, pack.tokens) for p in "kv")
            context = self._attend(query, key, value, pack, last)
            x = (x[pack.last] if last else x) + project(f"{ATTENTION}.o_proj", context, ranges)
            y = self._norm(f"{name}.post_attention_layernorm", x)
            gate, up = (project(f"{FEED}.{p}_proj", y, ranges) for p in ("gate", "up"))
            x = x + project(f"{FEED}.down_proj", silu(gate) * up, ranges)
        return x

    def _project(
        self,
        path: str,
        x: torch.Tensor,
        own: Sequence[dict[str, torch.Tensor]],
        plans: Sequence[Layout],
        ranges: Ranges,
    ) -> torch.Tensor:
        """The frozen linear layer at `path`, and each ticket's low-rank part on its rows."""
        weight, bias = self._weight[f"{path}.weight"], self._weight.get(f"{path}.bias")
        y: torch.Tensor = linear(x.to(weight.dtype), weight, bias).float()
        a, b = (f"{PREFIX}model.{path}.lora_{factor}.weight" for factor in "AB")
        if not any(a in tensors for tensors in own):
            return y
        parts = []
        for tensors, plan, (start, end) in zip(own, plans, ranges, strict=True):
            part = y[start:end]
            if a in tensors:
                part = part + plan.spec.scale * linear(linear(x[start:end], tensors[a]), tensors[b])
            parts.append(part)
        return torch.cat(parts)

    def _norm(self, path: str, x: torch.Tensor) -> torch.Tensor:
        scale = torch.rsqrt(x.float().square().mean(-1, keepdim=True) + self._epsilon)
        y: torch.Tensor = self._weight[f"{path}.weight"] * (x * scale)
        return y

    def _attend(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, pack: _Pack, last: bool
    ) -> torch.Tensor:
        """Context [T, H d], or [S, H d] of the classified tokens."""
        query = self._rotate(
            query, self._heads, pack.position[pack.last] if last else pack.position
        )
        key = self._rotate(key, self._kv_heads, pack.position)
        value = value.view(len(value), self._kv_heads, -1)
        key, value = (
            torch.cat([rows, rows.new_zeros(1, *rows.shape[1:])]) for rows in (key, value)
        )
        if not last:
            query = torch.cat([query, query.new_zeros(1, *query.shape[1:])])
        repeats = self._heads // self._kv_heads
        contexts = []
        for group in pack.groups:
            k, v = (
                rows[group.token].transpose(1, 2).repeat_interleave(repeats, dim=1)
                for rows in (key, value)
            )
            if last:
                q = query[group.last][:, :, None]
                found = scaled_dot_product_attention(q, k, v, attn_mask=group.mask)
            else:  # padding stands on the right, where no token looks
                q = query[group.token].transpose(1, 2)
                found = scaled_dot_product_attention(q, k, v, is_causal=True)
            contexts.append(found.transpose(1, 2).flatten(0, 1).flatten(1))
        return torch.cat(contexts)[pack.back_last if last else pack.back]

    def _rotate(self, x: torch.Tensor, heads: int, position: torch.Tensor) -> torch.Tensor:
        """Rotary positions. [rows, heads d] -> [rows, heads, d]."""
        x = x.view(len(x), heads, -1)
        angle = position[:, None].float() * self._frequency
        angle = torch.cat([angle, angle], dim=-1)[:, None]
        half = x.shape[-1] // 2
        turned = torch.cat([-x[..., half:], x[..., :half]], dim=-1)
        return (x * angle.cos() + turned * angle.sin()) * self._rotary_scale

    def _score(
        self, x: torch.Tensor, pack: _Pack, own: Sequence[dict[str, torch.Tensor]]
    ) -> torch.Tensor:
        """Logits [S, C] of the classified tokens' last states [S, h]."""
        x = self._norm("norm", x)
        name = f"{PREFIX}score.weight"
        return torch.cat(
            [linear(x[a:b], t[name]) for t, (a, b) in zip(own, pack.texts, strict=True)]
        )

    def _pack(self, texts: Texts, samples: IntArray) -> _Pack:
        length, ends = texts.length, np.cumsum(texts.length)
        first, tokens = ends - length, int(ends[-1])
        position = positions(length)
        # As transformers has it: the last token that is not the padding token.
        known = np.where(texts.token != self._pad, position, -1)
        last = first + np.maximum(np.maximum.reduceat(known, first), 0)
        back, back_last = np.empty(tokens, dtype=np.int64), np.empty(len(length), dtype=np.int64)
        groups, slots, seen = [], 0, 0
        for members, L in length_groups(length):
            inside = np.arange(L) < length[members][:, None]
            token = np.where(inside, first[members][:, None] + np.arange(L), tokens)
            back[token[inside]] = slots + np.flatnonzero(inside)
            back_last[members] = seen + np.arange(len(members))
            slots, seen = slots + token.size, seen + len(members)
            looked = self._there(np.arange(L) <= position[last[members]][:, None])[:, None, None]
            groups.append(_Group(self._there(token), self._there(members), looked))
        token_end = np.concatenate([[0], ends])
        text_end = np.cumsum(samples)
        ranges = list(zip((text_end - samples).tolist(), text_end.tolist(), strict=True))
        return _Pack(
            groups=groups,
            position=self._there(position),
            back=self._there(back),
            back_last=self._there(back_last),
            last=self._there(last),
            tokens=[(int(token_end[a]), int(token_end[b])) for a, b in ranges],
            texts=ranges,
        )

    def _there(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(self._device)

"""One layer of a RoBERTa or BERT encoder, forward and backward, over packed texts and many rows.

The backward pass goes through the frozen weights and never to them. The last layer is in
first_token.py.

Symbols: T tokens of S texts of G tickets, h hidden, f intermediate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from netsim.learning.engine import attention
from netsim.learning.engine.encoder_families import EncoderFamily
from netsim.learning.engine.frozen_products import FrozenLinear
from netsim.learning.engine.low_rank import LowRank
from netsim.learning.engine.packing import Packing

Weights = dict[str, torch.Tensor]
"""Frozen weights by their names."""


@dataclass(frozen=True)
class Places:
    """What tickets add at each place of a layer, and what they leave out of it."""

    at: dict[str, LowRank]
    neurons: torch.Tensor | None = None  # [rows, f] 0 of those that are left out; None: none are

    def __getitem__(self, place: str) -> LowRank:
        return self.at[place]

    @property
    def frozen_inside(self) -> bool:
        """Is what is between the two feed-forward matrices left as the frozen weights make it?"""
        return self.neurons is None and self["up"].empty and self["down"].empty

    def prune(self, x: torch.Tensor) -> None:
        """Take neurons out of activations, or of their gradients, [rows, f]."""
        if self.neurons is not None:
            x.mul_(self.neurons)


@dataclass(frozen=True)
class FrozenNorm:
    """A layer norm whose scale and shift are not trained."""

    scale: torch.Tensor  # [h]
    shift: torch.Tensor  # [h]
    epsilon: float

    def __call__(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Output [rows, h], and mean and reciprocal deviation, which `back` needs."""
        return torch.native_layer_norm(x, self.scale.shape, self.scale, self.shift, self.epsilon)

    def back(
        self,
        dy: torch.Tensor,
        x: torch.Tensor,
        mean: torch.Tensor,
        rstd: torch.Tensor,
    ) -> torch.Tensor:
        """Gradient of the input."""
        shape = self.scale.shape
        wanted = [True, False, False]  # of input, scale, shift
        # Positional, as torch's operators take nothing else; the order is that of its schema.
        arguments = (dy, x, shape, mean, rstd, self.scale, self.shift, wanted)
        dx: torch.Tensor = torch.ops.aten.native_layer_norm_backward(*arguments)[0]
        return dx


@dataclass(frozen=True)
class EncoderLayer:
    """Frozen weights of one encoder layer, [out, in]."""

    qkv: FrozenLinear  # [3 h, h]
    context: FrozenLinear  # [h, h]
    context_norm: FrozenNorm
    up: FrozenLinear  # [f, h]
    down: FrozenLinear  # [h, f]
    down_norm: FrozenNorm

    def pack(self, *, back: bool) -> EncoderLayer:
        """For products with the rows of all tokens; `back`: gradients pass through."""
        return replace(
            self,
            qkv=self.qkv.pack(back=back),
            context=self.context.pack(back=back),
            up=self.up.pack(back=back),
            down=self.down.pack(back=back),
        )


def layer_forward(
    layer: EncoderLayer,
    x: torch.Tensor,
    packing: Packing,
    lora: Places,
    saved: list[Any] | None,
    product: torch.Tensor | None = None,
) -> torch.Tensor:
    """Output [T, h] of one layer for all tokens.

    `product` [T, 3 h] is that of `layer.qkv`, if it is known.
    """
    qkv = layer.qkv(x) if product is None else product.clone()
    added = lora["qkv"].add(x, qkv)
    weights: list[Any] | None = None if saved is None else []
    context = attention.attend(qkv, packing, weights)
    kept = [] if saved is None else [added, weights]
    out = feed(
        layer,
        context,
        x,
        lora,
        kept,
    )
    if saved is not None:
        saved.append(kept)
    return out


@dataclass(frozen=True)
class LayerInput:
    """All that is kept of a layer that is computed again in the backward pass."""

    x: torch.Tensor  # [T, h]
    product: torch.Tensor | None  # as `layer_forward` has it

    def forward(
        self,
        layer: EncoderLayer,
        packing: Packing,
        lora: Places,
    ) -> list[Any]:
        """What `layer_back` needs."""
        saved: list[Any] = []
        layer_forward(
            layer,
            self.x,
            packing,
            lora,
            saved,
            product=self.product,
        )
        kept: list[Any] = saved.pop()
        return kept


def layer_back(
    layer: EncoderLayer,
    dy: torch.Tensor,
    packing: Packing,
    lora: Places,
    *,
    kept: list[Any],
    below: bool,
) -> torch.Tensor:
    """Gradient of a layer's input [T, h]; an empty tensor if nothing `below` is trained."""
    added, weights = kept[:2]
    d_context, d_residual = feed_back(layer, dy, lora, kept[2:])
    if not below and added is None:
        return dy.new_empty(0)
    h = dy.shape[1]
    keys = below or lora["qkv"].reaches((h, 2 * h))
    d_qkv = attention.attend_back(d_context, packing, weights, keys=keys)
    dx = layer.qkv.back(d_qkv, d_residual) if below else None
    lora["qkv"].back(d_qkv, added, dx)
    if dx is None:
        return dy.new_empty(0)
    return dx


def feed(
    layer: EncoderLayer,
    context: torch.Tensor,
    x: torch.Tensor,
    lora: Places,
    kept: list[Any],
) -> torch.Tensor:
    """From the attention's context [rows, h] to the layer's output.

    `x` is the residual branch; `kept` gets what `feed_back` needs.
    """
    a = layer.context(context, x)
    added = [lora["context"].add(context, a)]
    x1, *stats1 = layer.context_norm(a)

    # What only frozen weights make and take stays in their precision: they would round it anyway.
    inside = layer.down.weight.dtype if lora.frozen_inside else x1.dtype
    z = layer.up(x1, dtype=inside)
    added.append(lora["up"].add(x1, z))
    active = torch.nn.functional.gelu(z)
    lora.prune(active)

    b = layer.down(active, x1)
    added.append(lora["down"].add(active, b))
    out, *stats2 = layer.down_norm(b)
    kept += [added, a, stats1, z, b, stats2]
    return out


def feed_back(
    layer: EncoderLayer,
    dy: torch.Tensor,
    lora: Places,
    kept: list[Any],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of the context and of the residual branch, [rows, h] each."""
    (at_context, at_up, at_down), a, stats1, z, b, stats2 = kept
    db = layer.down_norm.back(dy, b, *stats2)
    d_active = layer.down.back(db, dtype=z.dtype)
    lora["down"].back(db, at_down, d_active)
    lora.prune(d_active)

    dz = torch.ops.aten.gelu_backward.grad_input(d_active, z, grad_input=d_active)
    dx1 = layer.up.back(dz, db)
    lora["up"].back(dz, at_up, dx1)

    da = layer.context_norm.back(dx1, a, *stats1)
    d_context = layer.context.back(da)
    lora["context"].back(da, at_context, d_context)
    return d_context, da


# -- frozen weights --------------------------------------------------------------------------------


def norm_of(
    weights: Weights,
    name: str,
    epsilon: float,
) -> FrozenNorm:
    """The layer norm called `name`."""
    return FrozenNorm(
        scale=weights[f"{name}.weight"].float(),
        shift=weights[f"{name}.bias"].float(),
        epsilon=float(epsilon),
    )


def layer_of(
    weights: Weights,
    family: EncoderFamily,
    number: int,
    epsilon: float,
) -> EncoderLayer:
    """Layer `number` of an encoder."""
    name = f"{family.layer}.{number}"

    def frozen(place: str) -> FrozenLinear:
        paths = [f"{name}.{path}" for path in family.places[place]]
        weight = _stacked([weights[f"{path}.weight"] for path in paths])
        bias = _stacked([weights[f"{path}.bias"] for path in paths])
        return FrozenLinear(weight, bias.float())

    return EncoderLayer(
        qkv=frozen("qkv"),
        context=frozen("context"),
        context_norm=norm_of(weights, f"{name}.{family.context_norm}", epsilon),
        up=frozen("up"),
        down=frozen("down"),
        down_norm=norm_of(weights, f"{name}.{family.down_norm}", epsilon),
    )


def _stacked(parts: list[torch.Tensor]) -> torch.Tensor:
    """The layers of a place as one matrix; a single one is not copied."""
    if len(parts) > 1:
        return torch.cat(parts)
    return parts[0]

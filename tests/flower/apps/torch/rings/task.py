"""The network and its rows."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))


def rows(partition: int, count: int = 64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(partition)
    label = torch.randint(2, (count,), generator=generator)
    angle = 6.2832 * torch.rand(count, generator=generator)
    radius = 1.0 + label + 0.2 * torch.randn(count, generator=generator)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1), label


def measure(model: nn.Module, partition: int, count: int = 64) -> tuple[float, float]:
    x, y = rows(partition, count)
    with torch.no_grad():
        scores = model(x)
    loss = nn.functional.cross_entropy(scores, y)
    return float(loss), float((scores.argmax(dim=1) == y).float().mean())

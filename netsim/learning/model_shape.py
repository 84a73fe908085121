"""Size of an encoder from its config.json, without torch: what the FLOP model of computing
needs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from netsim.errors import DataError


@dataclass(frozen=True)
class EncoderShape:
    """Layers of width `hidden`, with `layer_parameters` weights in all layers together."""

    layers: int
    hidden: int
    layer_parameters: int


def read_shape(folder: Path) -> EncoderShape:
    """Shape of the model in `folder` (hub format). Raises DataError."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        hidden = int(config.get("hidden_size", config.get("dim")))
        layers = int(config.get("num_hidden_layers", config.get("n_layers")))
        inner = int(config.get("intermediate_size", config.get("hidden_dim", 4 * hidden)))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataError(
            f"must give hidden_size and num_hidden_layers: {error}", where=path
        ) from None
    return EncoderShape(layers, hidden, layers * (4 * hidden**2 + 2 * hidden * inner))

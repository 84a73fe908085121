"""Size of a model from its config.json, without torch: what the FLOP model of computing needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netsim.errors import DataError
from netsim.learning.model_files import CONFIG, read_config
from netsim.protocols import ModelShape


def read_shape(folder: Path) -> ModelShape:
    """Shape of the model in `folder` (hub format). Raises DataError."""
    config: Any = read_config(folder)
    try:
        hidden = int(config.get("hidden_size", config.get("dim")))
        layers = int(config.get("num_hidden_layers", config.get("n_layers")))
        inner = int(config.get("intermediate_size", config.get("hidden_dim", 4 * hidden)))
    except (ValueError, TypeError) as error:
        rule = f"must give hidden_size and num_hidden_layers: {error}"
        raise DataError(rule, where=folder / CONFIG) from None
    attention = 4 * hidden**2
    feed_forward = 2 * hidden * inner
    return ModelShape(layers, hidden, layers * (attention + feed_forward))

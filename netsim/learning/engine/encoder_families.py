"""Where the architectures that the fast encoder engine knows keep their weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from netsim.learning.adapters import PREFIX, AdapterLayout
from netsim.learning.foundation import Foundation, config_value


@dataclass(frozen=True)
class EncoderFamily:
    """Names of weights within the encoder, or (of the head) within the model.

    `places` are the linear layers of one layer, by place: those of a place share their input. The
    head on the encoder is outer(activation(inner(x))), with x the last hidden state of a text's
    first token.
    """

    layer: str  # of layer i: f"{layer}.{i}"
    places: dict[str, tuple[str, ...]]
    context_norm: str
    down_norm: str
    inner: str
    outer: str
    activation: str = "tanh"  # of the head: tanh | relu
    hidden_act: str = "hidden_act"  # its name in config.json


BERT_LAYER = {
    "qkv": ("attention.self.query", "attention.self.key", "attention.self.value"),
    "context": ("attention.output.dense",),
    "up": ("intermediate.dense",),
    "down": ("output.dense",),
}
BERT = EncoderFamily(
    layer="encoder.layer",
    places=BERT_LAYER,
    context_norm="attention.output.LayerNorm",
    down_norm="output.LayerNorm",
    inner="bert.pooler.dense",
    outer="classifier",
)
ROBERTA = EncoderFamily(
    layer="encoder.layer",
    places=BERT_LAYER,
    context_norm="attention.output.LayerNorm",
    down_norm="output.LayerNorm",
    inner="classifier.dense",
    outer="classifier.out_proj",
)
DISTILBERT = EncoderFamily(
    layer="transformer.layer",
    places={
        "qkv": ("attention.q_lin", "attention.k_lin", "attention.v_lin"),
        "context": ("attention.out_lin",),
        "up": ("ffn.lin1",),
        "down": ("ffn.lin2",),
    },
    context_norm="sa_layer_norm",
    down_norm="output_layer_norm",
    inner="pre_classifier",
    outer="classifier",
    activation="relu",
    hidden_act="activation",
)
ENCODERS = {
    "roberta": ROBERTA,
    "xlm-roberta": ROBERTA,
    "camembert": ROBERTA,
    "bert": BERT,
    "distilbert": DISTILBERT,
}


def family_of(foundation: Foundation) -> EncoderFamily | None:
    """The family of a model that the engine computes as transformers does; None for others."""
    config = foundation.model.config
    family = ENCODERS.get(config.model_type)
    if family is None:
        return None
    if config_value(config, family.hidden_act) != "gelu":
        return None
    if config_value(config, "is_decoder") or config_value(config, "add_cross_attention"):
        return None
    if config_value(config, "position_embedding_type") not in ("absolute", None):
        return None
    return family


def supports(foundation: Foundation, layouts: Sequence[AdapterLayout]) -> bool:
    """Is this an encoder, and are these modules, that this engine computes?"""
    family = family_of(foundation)
    if family is None:
        return False
    if any(layout.spec.full for layout in layouts):
        return False
    prefix = f"{PREFIX}{foundation.model.base_model_prefix}.{family.layer}."
    ends = _lora_endings(family)
    for layout in layouts:
        lora = [name for name in layout.shapes if ".lora_" in name]
        if not all(name.startswith(prefix) and name.endswith(ends) for name in lora):
            return False
    return True


def _lora_endings(family: EncoderFamily) -> tuple[str, ...]:
    """Endings of the names of all A and B that the engine knows."""
    paths = list(chain(*family.places.values()))
    of_a = [f".{path}.lora_A.weight" for path in paths]
    of_b = [f".{path}.lora_B.weight" for path in paths]
    return (*of_a, *of_b)

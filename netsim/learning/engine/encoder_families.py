"""Where the architectures that the fast encoder engine knows keep their weights."""

from __future__ import annotations

from dataclasses import dataclass

from netsim.learning.foundation import Foundation


@dataclass(frozen=True)
class Family:
    """Names within the encoder, or (of the head) within the model.

    `places` are the linear layers of one layer, by place: those of a place share their input. What
    stands on the encoder is outer(activation(inner(x))), x the last hidden state of a text's first
    token.
    """

    layer: str  # of layer i: f"{layer}.{i}"
    places: dict[str, tuple[str, ...]]
    context_norm: str
    down_norm: str
    inner: str
    outer: str
    activation: str = "tanh"  # tanh | relu
    depth: str = "num_hidden_layers"  # names in config.json
    heads: str = "num_attention_heads"
    hidden_act: str = "hidden_act"


BERT_LAYER = {
    "qkv": ("attention.self.query", "attention.self.key", "attention.self.value"),
    "context": ("attention.output.dense",),
    "up": ("intermediate.dense",),
    "down": ("output.dense",),
}
BERT = Family(
    layer="encoder.layer",
    places=BERT_LAYER,
    context_norm="attention.output.LayerNorm",
    down_norm="output.LayerNorm",
    inner="bert.pooler.dense",
    outer="classifier",
)
ROBERTA = Family(
    layer="encoder.layer",
    places=BERT_LAYER,
    context_norm="attention.output.LayerNorm",
    down_norm="output.LayerNorm",
    inner="classifier.dense",
    outer="classifier.out_proj",
)
DISTILBERT = Family(
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
    depth="n_layers",
    heads="n_heads",
    hidden_act="activation",
)
FAMILIES = {
    "roberta": ROBERTA,
    "xlm-roberta": ROBERTA,
    "camembert": ROBERTA,
    "bert": BERT,
    "distilbert": DISTILBERT,
}


def family_of(foundation: Foundation) -> Family | None:
    """The family of a model that the engine computes as transformers does; None for others."""
    config = foundation.model.config
    family = FAMILIES.get(config.model_type)
    if family is None or getattr(config, family.hidden_act) != "gelu":
        return None
    if getattr(config, "is_decoder", False) or getattr(config, "add_cross_attention", False):
        return None
    if getattr(config, "position_embedding_type", "absolute") not in ("absolute", None):
        return None
    return family

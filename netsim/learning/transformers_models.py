"""Foundation models that transformers loads, and computes where no batched engine does."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from netsim.errors import InputError
from netsim.learning.builtin import model_folder
from netsim.learning.builtin.frozen_model import HEAD, FrozenModel
from netsim.learning.engine.frozen_products import bound_kernels
from netsim.learning.foundation import Foundation, most_tokens, widest_layer
from netsim.learning.hub_models import cannot_load, quiet
from netsim.learning.payload import BUILTIN
from netsim.learning.tokenizer_trial import without_panics
from netsim.learning.trial import check_it_classifies


def load_with_transformers(
    source: str,
    name: str,
    classes: int,
    *,
    local: bool,
) -> Foundation:
    """Load from a folder, or (`local` is not set) by a name on the hub. Raises InputError."""
    try:
        # Weights that the checkpoint lacks are drawn from torch's global generator. A fixed seed
        # inside a fork of it makes them a constant of the model and leaves the caller's alone.
        with quiet(), torch.random.fork_rng(devices=[]), without_panics(source):
            torch.manual_seed(0)
            model, info = AutoModelForSequenceClassification.from_pretrained(
                source,
                num_labels=classes,
                local_files_only=local,
                use_safetensors=True,
                trust_remote_code=False,
                ignore_mismatched_sizes=True,  # a head for other classes is replaced anyway
                output_loading_info=True,
            )
            tokenizer = AutoTokenizer.from_pretrained(
                source,
                local_files_only=local,
                trust_remote_code=False,
            )
    except InputError:
        raise
    except Exception as error:
        # transformers raises OSError, ValueError, KeyError, safetensors' and hub errors
        raise cannot_load(source, error, local=local) from error
    bound_kernels(widest_layer(model))
    head = _head(model, info, source)
    _set_padding(model, tokenizer, source)
    model = model.float().eval().requires_grad_(False)
    if name != BUILTIN:
        check_it_classifies(model, tokenizer, classes, source)
    return Foundation(
        name=name,
        model=model,
        tokenizer=tokenizer,
        classes=classes,
        head=head,
        max_tokens=most_tokens(model.config, tokenizer),
    )


def _set_padding(
    model: Any,
    tokenizer: Any,
    source: str,
) -> None:
    """Pad with the padding token, else with the end token. Raises InputError without either."""
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.pad_token_id is None:
        rule = (
            "the tokenizer has neither a padding nor an end token; name one in its "
            "tokenizer_config.json (pad_token)"
        )
        raise InputError(rule, where=source)
    model.config.pad_token_id = tokenizer.pad_token_id


def _head(
    model: Any,
    info: dict[str, Any],
    source: str,
) -> tuple[str, ...]:
    """The modules on the encoder, and a pooler that the checkpoint came without."""
    base = model.base_model_prefix
    pooler = f"{base}.pooler"
    head = []
    for name, child in model.named_children():
        has_weights = any(True for _ in child.parameters())
        if name != base and has_weights:
            head.append(name)
    inside = tuple(f"{name}." for name in head)
    mismatched = [str(key if isinstance(key, str) else key[0]) for key in info["mismatched_keys"]]
    lacking = [*info["missing_keys"], *mismatched]
    fresh = [key for key in lacking if not key.startswith(inside)]
    if any(key.startswith(f"{pooler}.") for key in fresh):
        head.append(pooler)
        fresh = [key for key in fresh if not key.startswith(f"{pooler}.")]
    if fresh:
        rule = "the checkpoint must hold every weight of the model but the head's; some are missing"
        raise InputError(rule, where=source, value=sorted(fresh)[:3])
    return tuple(head)


def with_forward(foundation: Foundation) -> Any:
    """The model with transformers' forward pass, on the foundation's weights themselves."""
    frozen = foundation.model
    if not isinstance(frozen, FrozenModel):
        return frozen
    folder = str(model_folder())
    whole = load_with_transformers(folder, BUILTIN, foundation.classes, local=True).model
    whole.to(next(frozen.parameters()))  # device and type of number
    weights = frozen.state_dict()
    body = {name: weights[name] for name in weights if not name.startswith(f"{HEAD}.")}
    whole.load_state_dict(body, strict=False, assign=True)
    return whole

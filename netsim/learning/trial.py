"""Does a model classify? Tried on two short texts where its configuration may not allow it."""

from __future__ import annotations

from typing import Any

import torch

from netsim.errors import InputError

TEXTS = ("a", "a longer text than the first")


def check_it_classifies(
    model: Any,
    tokenizer: Any,
    classes: int,
    source: str,
) -> None:
    """Raises InputError if the model gives no logits, [texts, classes].

    BART classifies by the end token, which its tokenizer must add; T5 needs a token to begin with.
    """
    try:
        tokens = tokenizer(list(TEXTS), padding=True, return_tensors="pt")
        with torch.no_grad():
            logits = model(
                input_ids=tokens["input_ids"],
                attention_mask=tokens["attention_mask"],
            ).logits
        shape = tuple(logits.shape)
    except Exception as error:  # whatever the architecture stumbles over
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        rule = (
            f"the model cannot classify text as it is configured ({reason}); "
            "see its config.json and its tokenizer's special tokens"
        )
        raise InputError(rule[:300], where=source) from None
    if shape != (len(TEXTS), classes):
        rule = f"the model must give {classes} logits for each text"
        raise InputError(rule, where=source, value=shape)

"""The recipe of the bundled model: masked language modelling on unlabelled documents.

    python -m netsim.learning.builtin.pretrain --out DIR [--steps N] [--seed S]

Most words of a document's last sentence are masked: to say what a customer did, or what one replies
to a sentence, the model must have understood the opinion or the match. The first steps see plain
documents, from which it learns which words belong together; without them it stays at chance for
twice as long.

With one thread the same arguments give the same bytes on the same machine and torch build.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netsim.learning.builtin import text, tokenizer
from netsim.learning.builtin.pretraining_text import (
    Encoded,
    Recipe,
    batches,
    context_vectors,
    encode,
    masked,
)
from netsim.rng import stream
from netsim.units import BoolArray, IntArray

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForMaskedLM

logger = logging.getLogger(__name__)


def pretrain(recipe: Recipe, out: Path) -> None:
    """Train tokenizer and model and write both to `out` in the format of the hub."""
    import torch
    from transformers import RobertaForMaskedLM

    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    documents = text.unlabelled(recipe.documents, recipe.seed)
    plain = text.unlabelled(recipe.documents // 4, recipe.seed, plain=True)
    sentences = [sentence for document in [*documents, *plain] for sentence in document]
    trained = tokenizer.train(sentences, recipe.vocabulary, recipe.positions - 2)
    encoded = encode(trained, documents)
    per_document = np.mean([len(tokens) for tokens in encoded.tokens])
    logger.info("tokenizer: %d tokens, %.1f per document", len(trained), per_document)
    model = RobertaForMaskedLM(_config(recipe, len(trained)))
    simple = encode(trained, plain)
    vectors = context_vectors(simple, len(trained), recipe.hidden)
    with torch.no_grad():
        weight = model.roberta.embeddings.word_embeddings.weight
        weight += recipe.spread * torch.from_numpy(vectors).to(weight.dtype)
    _train(model, simple, encoded, recipe)
    save(model, trained, out)


def _config(recipe: Recipe, vocabulary: int) -> RobertaConfig:
    from transformers import RobertaConfig

    return RobertaConfig(
        vocab_size=vocabulary,
        hidden_size=recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=recipe.inner,
        max_position_embeddings=recipe.positions,
        type_vocab_size=1,
        initializer_range=recipe.spread,
        layer_norm_eps=1e-5,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        bos_token_id=tokenizer.START,
        pad_token_id=tokenizer.PAD,
        eos_token_id=tokenizer.END,
    )


def _train(
    model: RobertaForMaskedLM,
    plain: Encoded,
    encoded: Encoded,
    recipe: Recipe,
) -> None:
    import torch

    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=recipe.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=0.01,
    )
    plain_batches = batches(plain, recipe)
    all_batches = batches(encoded, recipe)
    began = time.monotonic()
    running = 0.0
    for step in range(recipe.steps):
        source = plain_batches if step < recipe.plain_steps else all_batches
        tokens, segment = next(source)
        chosen = masked(segment, recipe, stream(recipe.seed, "builtin.mask", step))
        loss = _masked_loss(model, tokens, chosen)
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * _schedule(step, recipe.steps)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        running += loss.item()
        if (step + 1) % 100 == 0 or step + 1 == recipe.steps:
            mean = running / ((step % 100) + 1)
            spent_s = time.monotonic() - began
            told = "step %d of %d: loss %.4f, %.0f s"
            logger.info(
                told,
                step + 1,
                recipe.steps,
                mean,
                spent_s,
            )
            running = 0.0


def _masked_loss(
    model: RobertaForMaskedLM,
    tokens: IntArray,
    chosen: BoolArray,
) -> Any:
    """Mean cross entropy of the chosen tokens, from the others."""
    import torch
    from torch.nn.functional import cross_entropy

    inputs = np.where(chosen, tokenizer.MASK, tokens)
    there = (tokens != tokenizer.PAD).astype(np.int64)
    output = model.roberta(
        input_ids=torch.from_numpy(inputs),
        attention_mask=torch.from_numpy(there),
    )
    hidden = output.last_hidden_state[torch.from_numpy(chosen)]
    return cross_entropy(model.lm_head(hidden), torch.from_numpy(tokens[chosen]))


def _schedule(step: int, steps: int) -> float:
    """Linear warm-up over the first twentieth, then half a cosine to zero."""
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def save(
    model: RobertaForMaskedLM,
    trained: PreTrainedTokenizerFast,
    out: Path,
) -> None:
    """The encoder as float16 without the masked-language head, the tokenizer, and shapes.json."""
    import torch

    out.mkdir(parents=True, exist_ok=True)
    encoder = model.roberta.to(torch.float16)
    encoder.save_pretrained(out)
    trained.save_pretrained(out)
    settings = out / "tokenizer_config.json"
    found = json.loads(settings.read_text(encoding="utf-8"))
    found["tokenizer_class"] = "PreTrainedTokenizerFast"  # known to transformers 4 and 5
    settings.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    sizes = json.dumps(shapes(encoder), indent=2)
    (out / "shapes.json").write_text(sizes + "\n", encoding="utf-8")


def shapes(encoder: Any) -> dict[str, Any]:
    """Parameter counts of an encoder, as `netsim.learning.builtin.shapes` reads them."""
    import torch

    layers: dict[str, dict[str, int]] = {}
    for name, module in encoder.encoder.layer.named_modules():
        if isinstance(module, torch.nn.Linear):
            path = name.split(".", 1)[1]
            entry = layers.setdefault(
                path, {"in": module.in_features, "out": module.out_features, "count": 0}
            )
            entry["count"] += 1
    return {
        "foundation_parameters": sum(p.numel() for p in encoder.parameters()),
        "hidden_size": encoder.config.hidden_size,
        "layers": encoder.config.num_hidden_layers,
        "linear_layers": layers,
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m netsim.learning.builtin.pretrain",
        description=__doc__,
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    default = Recipe()
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--steps", type=int, default=default.steps)
    parser.add_argument("--layers", type=int, default=default.layers)
    parser.add_argument("--threads", type=int, default=default.threads)
    parser.add_argument("--batch", type=int, default=default.batch)
    parser.add_argument("--documents", type=int, default=default.documents)
    parser.add_argument("--learning_rate", type=float, default=default.learning_rate)
    given = parser.parse_args()
    recipe = Recipe(
        seed=given.seed,
        steps=given.steps,
        layers=given.layers,
        threads=given.threads,
        batch=given.batch,
        documents=given.documents,
        learning_rate=given.learning_rate,
    )
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    pretrain(recipe, given.out)


if __name__ == "__main__":
    main()

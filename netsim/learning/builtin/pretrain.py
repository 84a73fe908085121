"""The recipe of the bundled model: masked language modelling on the generator's unlabelled
documents.

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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netsim.learning.builtin import text, tokenizer
from netsim.rng import stream
from netsim.units import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast, RobertaForMaskedLM

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights."""

    seed: int = 0
    steps: int = 3500
    batch: int = 64  # documents per step
    documents: int = 60_000  # passed over again and again
    learning_rate: float = 1.5e-3
    vocabulary: int = 1500
    hidden: int = 128
    layers: int = 3
    heads: int = 4
    inner: int = 512
    positions: int = 128
    spread: float = 0.07  # standard deviation of the first weights
    plain_steps: int = 200  # first steps on plain documents: words before grammar
    last_masked: float = 0.6  # share of tokens masked in the last sentence of a document
    token_masked: float = 0.12  # share of tokens masked before it
    threads: int = 2


@dataclass(frozen=True)
class Encoded:
    """Documents as token numbers."""

    tokens: list[IntArray]
    segment: list[IntArray]  # number of the sentence a token belongs to; -1 for special tokens


def encode(trained: PreTrainedTokenizerFast, documents: Sequence[text.Document]) -> Encoded:
    """<s> first </s></s> second </s></s> third </s>, as the tokenizer encodes a pair."""
    flat = [sentence for document in documents for sentence in document]
    pieces = iter(trained(flat, add_special_tokens=False)["input_ids"])
    tokens, segment = [], []
    for document in documents:
        row, part = [tokenizer.START], [-1]
        for number in range(len(document)):
            piece = next(pieces)
            row += [*([tokenizer.END, tokenizer.END] if number else []), *piece]
            part += [*([-1, -1] if number else []), *([number] * len(piece))]
        tokens.append(np.array([*row, tokenizer.END], dtype=np.int64))
        segment.append(np.array([*part, -1], dtype=np.int64))
    return Encoded(tokens, segment)


def batches(encoded: Encoded, recipe: Recipe) -> Iterator[tuple[IntArray, IntArray]]:
    """(tokens, segment) of shape [batch, longest], padded; documents of like length together."""
    epoch = 0
    while True:
        rng = stream(recipe.seed, "builtin.order", epoch)
        order = rng.permutation(len(encoded.tokens))
        chunks: list[IntArray] = []
        for pool in np.array_split(order, max(1, len(order) // (64 * recipe.batch))):
            by_length = sorted(pool, key=lambda index: len(encoded.tokens[index]))
            chunks += [
                np.array(by_length[i : i + recipe.batch]) for i in range(0, len(pool), recipe.batch)
            ]
        for number in rng.permutation(len(chunks)):
            chosen = chunks[number]
            longest = max(len(encoded.tokens[index]) for index in chosen)
            tokens = np.full((len(chosen), longest), tokenizer.PAD, dtype=np.int64)
            segment = np.full((len(chosen), longest), -1, dtype=np.int64)
            for row, index in enumerate(chosen):
                size = len(encoded.tokens[index])
                tokens[row, :size], segment[row, :size] = (
                    encoded.tokens[index],
                    encoded.segment[index],
                )
            yield tokens, segment
        epoch += 1


def masked(segment: IntArray, recipe: Recipe, rng: np.random.Generator) -> BoolArray:
    """Which tokens to predict. Shape [batch, longest]."""
    last = segment == segment.max(axis=1, keepdims=True)
    share = np.where(last, recipe.last_masked, recipe.token_masked)
    return (segment >= 0) & (rng.random(segment.shape) < share)


def context_vectors(documents: Encoded, vocabulary: int, width: int) -> FloatArray:
    """Word vectors from the company that tokens keep. Shape [vocabulary, width], standard deviation
    1.

    Positive pointwise mutual information of tokens in different sentences of one document, reduced
    by its leading eigenvectors (Levy and Goldberg, 2014): words of praise start apart from words of
    blame, which a model that starts from noise takes most of its time to find out.
    """
    together = np.zeros((vocabulary, vocabulary))
    for tokens, segment in zip(documents.tokens, documents.segment, strict=True):
        words = np.flatnonzero(segment >= 0)
        first, second = np.meshgrid(words, words)
        apart = segment[first] != segment[second]
        np.add.at(together, (tokens[first[apart]], tokens[second[apart]]), 1.0)
    total = together.sum()
    expected = np.outer(together.sum(axis=1), together.sum(axis=0)) / total
    information = np.log(np.maximum(together, 1e-12) / np.maximum(expected, 1e-12))
    information = np.where(together > 0, np.maximum(information, 0.0), 0.0)
    values, vectors = np.linalg.eigh(information)
    leading = np.argsort(-np.abs(values), kind="stable")[:width]
    found = vectors[:, leading] * np.sqrt(np.abs(values[leading]))
    found *= np.where(found.sum(axis=0) < 0, -1.0, 1.0)  # the sign of an eigenvector is arbitrary
    return np.asarray(found / found.std())


def pretrain(recipe: Recipe, out: Path) -> None:
    """Train tokenizer and model and write both to `out` in the format of the hub."""
    import torch
    from transformers import RobertaConfig, RobertaForMaskedLM

    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    documents = text.unlabelled(recipe.documents, recipe.seed)
    plain = text.unlabelled(recipe.documents // 4, recipe.seed, plain=True)
    sentences = [sentence for document in [*documents, *plain] for sentence in document]
    trained = tokenizer.train(sentences, recipe.vocabulary, recipe.positions - 2)
    encoded = encode(trained, documents)
    logger.info(
        "tokenizer: %d tokens, %.1f per document",
        len(trained),
        np.mean([len(t) for t in encoded.tokens]),
    )
    config = RobertaConfig(
        vocab_size=len(trained),
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
    model = RobertaForMaskedLM(config)
    simple = encode(trained, plain)
    vectors = context_vectors(simple, len(trained), recipe.hidden)
    with torch.no_grad():
        weight = model.roberta.embeddings.word_embeddings.weight
        weight += recipe.spread * torch.from_numpy(vectors).to(weight.dtype)
    _train(model, simple, encoded, recipe)
    save(model, trained, out)


def _train(model: RobertaForMaskedLM, plain: Encoded, encoded: Encoded, recipe: Recipe) -> None:
    import torch
    from torch.nn.functional import cross_entropy

    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01
    )
    first, then = batches(plain, recipe), batches(encoded, recipe)
    began, running = time.monotonic(), 0.0
    for step in range(recipe.steps):
        tokens, segment = next(first if step < recipe.plain_steps else then)
        chosen = masked(segment, recipe, stream(recipe.seed, "builtin.mask", step))
        inputs = torch.from_numpy(np.where(chosen, tokenizer.MASK, tokens))
        where = torch.from_numpy(chosen)
        target = torch.from_numpy(tokens[chosen])
        hidden = model.roberta(
            input_ids=inputs,
            attention_mask=torch.from_numpy((tokens != tokenizer.PAD).astype(np.int64)),
        ).last_hidden_state
        loss = cross_entropy(model.lm_head(hidden[where]), target)
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * _schedule(step, recipe.steps)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        running += loss.item()
        if (step + 1) % 100 == 0 or step + 1 == recipe.steps:
            done = (step % 100) + 1
            logger.info(
                "step %d of %d: loss %.4f, %.0f s",
                step + 1,
                recipe.steps,
                running / done,
                time.monotonic() - began,
            )
            running = 0.0


def _schedule(step: int, steps: int) -> float:
    """Linear warm-up over the first twentieth, then half a cosine to zero."""
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def save(model: RobertaForMaskedLM, trained: PreTrainedTokenizerFast, out: Path) -> None:
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
    (out / "shapes.json").write_text(json.dumps(shapes(encoder), indent=2) + "\n", encoding="utf-8")


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
        prog="python -m netsim.learning.builtin.pretrain", description=__doc__
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    default = Recipe()
    for name in ("seed", "steps", "layers", "threads", "batch", "documents"):
        parser.add_argument(f"--{name}", type=int, default=getattr(default, name))
    for name in ("learning_rate",):
        parser.add_argument(f"--{name}", type=float, default=getattr(default, name))
    arguments = vars(parser.parse_args())
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    pretrain(Recipe(**{k: v for k, v in arguments.items() if k != "out"}), arguments["out"])


if __name__ == "__main__":
    main()

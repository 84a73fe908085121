"""How fast is the learning engine on a decoder, beside a hand-written PEFT loop?

    python analysis/bench_decoder.py [--family llama] [--hidden 256] [--layers 4] [--tokens 128]
        [--tau 1] [--ues 4] [--samples 16] [--repeats 3]

A Llama or Qwen2 of that shape with random weights, four heads that share two of keys and values,
LoRA on queries and values, texts of random words and equal length. Rounds of netsim and of the loop
take turns in this process, with one thread; what counts is the least CPU time of each. Exit code 1
if the first round's changes differ by more than 1e-3 of the largest change.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from bench_engine import TOLERANCE, make_learner, name_in_file, train
from peft import LoraConfig, get_peft_model
from transformers import (
    LlamaConfig,
    LlamaForSequenceClassification,
    Qwen2Config,
    Qwen2ForSequenceClassification,
)

WORDS, PAD = 4096, 1
FAMILIES = {
    "llama": (LlamaConfig, LlamaForSequenceClassification),
    "qwen2": (Qwen2Config, Qwen2ForSequenceClassification),
}


class Decoders:
    """A workload, as those of bench_engine are."""

    @staticmethod
    def model(a: Any) -> Any:
        torch.manual_seed(0)
        make_config, make_model = FAMILIES[a.family]
        config = make_config(
            vocab_size=WORDS,
            hidden_size=a.hidden,
            num_hidden_layers=a.layers,
            intermediate_size=4 * a.hidden,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=256,
            num_labels=2,
            pad_token_id=PAD,
            use_cache=False,
        )
        lora = LoraConfig(
            task_type="SEQ_CLS", r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"]
        )
        return get_peft_model(make_model(config), lora)

    @staticmethod
    def trainable(model: Any) -> dict[str, torch.nn.Parameter]:
        return {name: p for name, p in model.named_parameters() if p.requires_grad}

    @staticmethod
    def ue_data(a: Any) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        generator = torch.Generator().manual_seed(1)
        found = []
        for _ in range(a.ues):
            token = torch.randint(5, WORDS, (a.samples, a.tokens), generator=generator)
            label = torch.arange(a.samples) % 2
            found.append((token, torch.ones_like(token), label))
        return found


class Loop:
    """What users write by hand: one PEFT model, a loop over UEs."""

    def __init__(self, a: Any) -> None:
        self.model = Decoders.model(a)
        self.model.train()
        self.weights = Decoders.trainable(self.model)
        self._data = Decoders.ue_data(a)
        self._tau = a.tau

    def round(self) -> None:
        base = {name: p.detach().clone() for name, p in self.weights.items()}
        total = {name: torch.zeros_like(p) for name, p in self.weights.items()}
        for token, mask, label in self._data:
            self._put(base)
            optimizer = torch.optim.SGD(self.weights.values(), lr=0.1)
            for _ in range(self._tau):
                out = self.model(input_ids=token, attention_mask=mask, labels=label)
                out.loss.backward()
                optimizer.step()
                optimizer.zero_grad()
            for name, p in self.weights.items():
                total[name] += p.detach() - base[name]
        self._put({name: base[name] + total[name] / len(self._data) for name in base})

    @torch.no_grad()
    def _put(self, values: dict[str, torch.Tensor]) -> None:
        for name, p in self.weights.items():
            p.copy_(values[name])


def compare(a: Any) -> None:
    """Measure and print; leave where the first round's changes differ."""
    made, _ = make_learner(Decoders, a, head="score")
    loop = Loop(a)
    start = made.states[0].copy()
    before = of_loop(loop, made)
    ours, theirs = [], []
    a.rounds = 1
    for number in range(a.repeats + 1):
        ours.append(seconds(lambda: train(made, a)))
        theirs.append(seconds(loop.round))
        if number == 0:
            check(made.states[0] - start, of_loop(loop, made) - before)
    tokens = a.ues * a.samples * a.tokens * a.tau
    shape = f"{a.family} {a.hidden} x {a.layers}, {a.tokens} tokens, tau {a.tau}"
    mine, other = min(ours[1:]), min(theirs[1:])  # the first prepares products
    sys.stdout.write(
        f"{shape}: {tokens / mine:.0f} tokens a CPU second, "
        f"{other / mine:.2f} times as fast as the loop\n"
    )
    made.close()


def of_loop(loop: Loop, made: Any) -> np.ndarray:
    """The loop's trained tensors in the order of netsim's vector."""
    named = {name_in_file(name): p for name, p in loop.weights.items()}
    return np.concatenate(
        [named[name].detach().numpy().ravel() for name in made._layouts[0].shapes]
    )


def check(mine: np.ndarray, theirs: np.ndarray) -> None:
    difference = np.abs(mine - theirs).max() / np.abs(theirs).max()
    sys.stdout.write(f"change: largest difference / largest change = {difference:.1e}\n")
    if not difference <= TOLERANCE:
        sys.exit(f"the trained tensors differ by more than {TOLERANCE:g} of their largest change")


def seconds(work: Callable[[], object]) -> float:
    """CPU time of a call."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def main(words: list[str] | None = None) -> None:
    """Measure each combination that is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--family", choices=FAMILIES, default="llama")
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--tau", type=int, default=1)
    parser.add_argument("--ues", type=int, default=4)
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    a = parser.parse_args(words)
    torch.set_num_threads(1)
    compare(argparse.Namespace(**vars(a), threads=1, rounds=1))


if __name__ == "__main__":
    main()

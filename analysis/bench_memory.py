"""Peak memory of a learning run on a model of a given shape, by the number of workers.

    python analysis/bench_memory.py [--hidden 768] [--layers 12] [--ues 8] [--weights float32]

A RoBERTa of that shape with random weights (what memory and time ask for, not what is learnt), and
texts of 128 tokens, 16 of them for each UE. `netsim run` is started with each number of workers,
and the proportional memory of its processes (Linux) is added up ten times a second: pages that
several share count once.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from transformers import RobertaConfig, RobertaForSequenceClassification
from two_clocks import descendants

from netsim.learning.builtin import model_folder

TOKENS = 128


def write_model(folder: Path, hidden: int, layers: int, vocabulary: int) -> int:
    """A model folder with the built-in tokenizer; returns the number of its weights."""
    config = RobertaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 64,
        intermediate_size=4 * hidden,
        max_position_embeddings=TOKENS + 2,
        pad_token_id=1,
    )
    model = RobertaForSequenceClassification(config)
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(Path(model_folder()) / name, folder / name)
    return sum(p.numel() for p in model.parameters())


def write_texts(path: Path, count: int) -> None:
    """More words than TOKENS in each text, so that all are cut there."""
    generator = np.random.default_rng(0)
    words = np.array(["the", "film", "was", "good", "bad", "long", "a", "story"])
    lines = ["text,label"]
    for number in range(count):
        text = " ".join(generator.choice(words, TOKENS + 20))
        lines.append(f"{text},{'ab'[number % 2]}")
    path.write_text("\n".join(lines) + "\n")


def memory_mib(process: int) -> float:
    """Proportional share of what the process and those below it hold."""
    total = 0
    for number in [process, *descendants(process)]:
        try:
            lines = Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()
        except OSError:  # it has ended
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def peak_mib(command: list[str]) -> tuple[float, int]:
    """Of a command's processes, and how many there were at most."""
    peak, most = 0.0, 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, memory_mib(process.pid))
        most = max(most, 1 + len(descendants(process.pid)))
        time.sleep(0.1)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return peak, most


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--vocabulary", type=int, default=50_265)
    parser.add_argument("--ues", type=int, default=8)
    parser.add_argument("--weights", default="float32", help="float32 or bfloat16")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model").mkdir()
        weights = write_model(folder / "model", a.hidden, a.layers, a.vocabulary)
        write_texts(folder / "texts.csv", 400)
        sys.stdout.write(f"{weights / 1e6:.0f} million weights, {weights / 2**18:.0f} MiB\n")
        keys = {
            "model.path": folder / "model",
            "model.weights": a.weights,
            "data.path": folder / "texts.csv",
            "data.test_samples": 16,
            "data.samples_per_ue": 32,
            "ues.count": a.ues,
            "rounds": 1,
            "learning.max_tokens": TOKENS,
            "scheme.kind": "fedlora",
            "round.deadline_s": 1e4,
        }
        settings = [part for key, value in keys.items() for part in ("--set", f"{key}={value}")]
        for workers in a.workers:
            out = folder / f"run{workers}"
            run = [sys.executable, "-m", "netsim", "run", *settings]
            peak, most = peak_mib(
                [*run, "--set", f"learning.workers={workers}", "--out", os.fspath(out)]
            )
            sys.stdout.write(f"learning.workers = {workers}: {peak:.0f} MiB in {most} processes\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Peak memory of a learning run on a model of a given shape, by the number of workers.

    python analysis/bench_memory.py [--hidden 768] [--layers 12] [--ues 8] [--samples 16]
        [--weights float32] [--workers 1 2] [--fast]

A RoBERTa of that shape with random weights (what memory and time ask for, not what is learnt), and
texts of 128 tokens, --samples of them for each UE and round. `netsim run` is started with each
number of workers, and the proportional memory of its processes (Linux) is added up thirty times a
second: pages that several share count once.
--fast takes a small encoder with a large vocabulary instead. Exit code 1 if a second worker costs as
much as the model's weights: they are not shared then.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from transformers import RobertaConfig, RobertaForSequenceClassification
from two_clocks import descendants

from netsim.learning.builtin import model_folder

TOKENS = 128
PAUSE_S = 0.03
ATTEMPTS = 5  # runs until all processes are seen at a time, which a busy machine may prevent


FAST = {"hidden": 128, "layers": 1, "vocabulary": 200_000, "ues": 4}


class Process(Protocol):
    """Of a run, as `subprocess` has it."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def communicate(self) -> tuple[str, str]: ...


@dataclass(frozen=True)
class Starter:
    """How `netsim WORDS` is started.

    above: the process that runs are forked from, if they are. Its memory counts too: of a page that
    it shares with them each has a part only, which depends on how many they are.
    """

    start: Callable[[list[str]], Process]
    above: int | None = None


def start_anew(words: list[str]) -> Process:
    """In a process that loads netsim. What it says fits into a pipe."""
    command = [sys.executable, "-m", "netsim", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


ANEW = Starter(start_anew)


def write_model(folder: Path, hidden: int, layers: int, vocabulary: int) -> int:
    """A model folder with the built-in tokenizer; returns the number of its weights.

    They are stored in bfloat16, so that a run does not compute on pages of the file, which are
    shared in any case.
    """
    config = RobertaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 64,
        intermediate_size=4 * hidden,
        max_position_embeddings=TOKENS + 2,
        pad_token_id=1,
    )
    model = RobertaForSequenceClassification(config).bfloat16()
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


def peak_mib(words: list[str], starter: Starter) -> tuple[float, int]:
    """Of the processes of `netsim WORDS`, and how many there were at most."""
    peak, most = 0.0, 0
    process = starter.start(words)
    while (ended := process.poll()) is None:
        peak = max(peak, memory_mib(starter.above or process.pid))
        most = max(most, 1 + len(descendants(process.pid)))
        time.sleep(PAUSE_S)
    _, errors = process.communicate()
    if ended:
        sys.exit(f"netsim {' '.join(words)} ended with {ended}:\n{errors}")
    return peak, most


def main(words: list[str] | None = None, starter: Starter = ANEW) -> None:
    """Measure and print; fail with --fast where weights are not shared."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--vocabulary", type=int, default=50_265)
    parser.add_argument("--ues", type=int, default=8)
    parser.add_argument("--samples", type=int, default=16, help="texts of each UE and round")
    parser.add_argument("--weights", default="float32", help="float32 or bfloat16")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--fast", action="store_true", help="a small encoder; checks the sharing")
    a = parser.parse_args(words)
    if a.fast:
        vars(a).update(FAST, workers=[1, 2])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model").mkdir()
        weights = write_model(folder / "model", a.hidden, a.layers, a.vocabulary)
        write_texts(folder / "texts.csv", 20 * a.samples)
        size = weights * (4 if a.weights == "float32" else 2) / 2**20
        sys.stdout.write(f"{weights / 1e6:.0f} million weights, {size:.0f} MiB\n")
        peaks = {workers: measure(folder, a, workers, starter) for workers in a.workers}
    if a.fast and peaks[2] - peaks[1] > size:
        sys.exit("a second worker takes as much as the weights: they are not shared")


def measure(folder: Path, a: argparse.Namespace, workers: int, starter: Starter) -> float:
    """Peak of a run, MiB, which is printed too."""
    scenario = f"""
rounds = 1
ues.count = {a.ues}
scheme.kind = "fedlora"
round.deadline_s = 1e4
model.path = "{folder / "model"}"
model.weights = "{a.weights}"
data.path = "{folder / "texts.csv"}"
data.test_samples = 16
data.samples_per_ue = {2 * a.samples}
learning.max_tokens = {TOKENS}
learning.workers = {workers}

[[devices]]
samples_min = {a.samples}
samples_max = {a.samples}
"""
    (folder / "scenario.toml").write_text(scenario)
    run = ["run", os.fspath(folder / "scenario.toml"), "--out"]
    wanted = 1 if workers == 1 else 1 + workers  # a single one has no process of its own
    for attempt in range(ATTEMPTS):
        out = os.fspath(folder / f"run{workers}-{attempt}")
        peak, most = peak_mib([*run, out], starter)
        if most >= wanted:
            break
    else:
        sys.exit(f"of {wanted} processes {most} were seen at a time, in {ATTEMPTS} runs")
    sys.stdout.write(f"learning.workers = {workers}: {peak:.0f} MiB in {most} processes\n")
    sys.stdout.flush()
    return peak


if __name__ == "__main__":
    main()

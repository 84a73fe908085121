"""How fast is the learning engine? The workload of a peer-benchmark folder, on netsim and beside
its peers.

    python analysis/bench_engine.py --workload DIR [arguments of DIR/workload.py] [--check]
        [--beside PYTHON SCRIPT]... [--repeats N] [--ceiling] [--bfloat16]

DIR/workload.py gives the model with its LoRA start, the UEs' sentences and the line that is
printed. --check runs DIR/bare.py (a hand-written PEFT loop) in this process afterwards and fails if
the trained tensors have not changed alike. --beside runs another script of DIR with an interpreter
that has its packages, in turn with netsim in processes of their own, --repeats times; prints the
ratios of samples/s. A peer that leaves its first round out, and says so ("warm rounds"), is
compared with netsim's warm rounds.
All that is timed is told by the wall clock and by the CPU seconds of all processes
(two_clocks.py), which other work on the machine hardly moves.
--ceiling measures this machine's matrix products, by torch's own product or oneDNN's, whichever is
faster, and says what part of them the rounds after the first reach by CPU time, counting only the
work that real tokens need.
--bfloat16 trains the same rounds again with frozen weights stored in bfloat16, in turn with those
in float32, and says how much faster it is by the processor's time and how alike the changes are.
"""

from __future__ import annotations

import argparse
import re
import runpy
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from two_clocks import CPU, Seconds, now, told_twice

from netsim.learning.composition import build_learner
from netsim.learning.data.datasets import Split, TextDataset
from netsim.learning.data.partition import Partition
from netsim.learning.data.pools import PooledRows
from netsim.learning.engine.frozen_products import FrozenLinear
from netsim.learning.engine.workers import Workers
from netsim.learning.foundation import Foundation
from netsim.learning.learner import FederatedLearner
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.protocols import Tickets

TOLERANCE = 1e-3  # largest difference of the changes, relative to the largest change


class Tokens:
    """Stands for a tokenizer: the workload's texts are token numbers already."""

    pad_token_id = 1
    name_or_path = "workload"

    def __call__(self, first: list[str], second: None, **_: Any) -> dict[str, list[list[int]]]:
        return {"input_ids": [[int(number) for number in text.split()] for text in first]}


def make_learner(
    workload: Any, a: Any, stored: torch.dtype = torch.float32, head: str = "classifier"
) -> tuple[FederatedLearner, Any]:
    """A learner that starts from the workload's weights and trains on its sentences; and its PEFT
    model. Frozen weights are `stored` like this.
    """
    peft = workload.model(a)
    base = peft.get_base_model()
    start = {name_in_file(name): p.detach() for name, p in workload.trainable(peft).items()}
    texts: list[str] = []
    labels: list[np.ndarray] = []
    for x, mask, y in workload.ue_data(a):
        texts += [
            " ".join(map(str, row[kept].tolist())) for row, kept in zip(x, mask.bool(), strict=True)
        ]
        labels.append(y.numpy())
    label = np.concatenate(labels)
    data = TextDataset(
        "workload", ("0", "1"), Split(texts, None, label), Split(texts[:2], None, label[:2])
    )
    counts = np.stack([np.bincount(part, minlength=2) for part in labels])
    pools = tuple(np.flatnonzero(label == number) for number in (0, 1))
    nobody = np.zeros(0, dtype=np.int64)
    partition = Partition(
        holdings=PooledRows(counts, pools),
        cells=counts,
        classes=2,
        validation=nobody,
        concept=np.zeros(len(counts), dtype=np.int64),
    )
    config = peft.peft_config["default"]
    made = build_learner(
        foundation=Foundation("workload", plain(base).to(stored), Tokens(), 2, (head,), 128),
        dataset=data,
        partition=partition,
        samples=counts.sum(axis=1),
        modules=[ModuleSpec(config.r, config.lora_alpha, tuple(config.target_modules), 0)],
        training=LocalTraining(a.tau, 0.1, "sgd"),
        seed=0,
        workers=a.threads,
    )
    views = made._layouts[0].views(torch.from_numpy(made.states[0]))
    for name, view in views.items():
        view.copy_(start[name])
    made._batches.tokens.texts(
        np.arange(len(texts))
    )  # the peers' texts are tokens before the clock starts
    return made, peft


def name_in_file(name: str) -> str:
    """PEFT's name of a tensor in its files, from its name in the model."""
    return name.replace(".modules_to_save.default.", ".").replace(".default.weight", ".weight")


def plain(base: Any) -> Any:
    """The model without PEFT's wrappers, with the same weights."""
    model = type(base)(base.config).eval()
    weights = {
        name.replace(".base_layer.", ".").replace(".original_module.", "."): tensor
        for name, tensor in base.state_dict().items()
        if ".lora_" not in name and ".modules_to_save." not in name
    }
    model.load_state_dict(weights)
    return model.requires_grad_(False)


def train(made: FederatedLearner, a: Any) -> list[Seconds]:
    """The clocks before the first round, after it and after the last.

    Not after each: to look for all processes takes as long as a part of a small round.
    """
    ue, module = np.arange(a.ues), np.zeros(a.ues, dtype=np.int64)
    clock = [now()]
    for number in range(1, a.rounds + 1):
        made.redeem(Tickets(number, ue, module, made.versions[module]), "average")
        if number in (1, a.rounds):
            clock.append(now())
    return clock


def tell(workload: Any, a: Any, made: FederatedLearner, clock: list[Seconds]) -> None:
    """The workload's line, for all rounds and for those after the first, in which the workers
    start.
    """
    trained = [torch.from_numpy(made.states[0])]
    workload.report("netsim", a, clock[-1] - clock[0], trained)
    if a.rounds > 1:
        warm = argparse.Namespace(**{**vars(a), "rounds": a.rounds - 1})
        workload.report(f"netsim, {WARM}", warm, clock[-1] - clock[1], trained)


def check(folder: Path, made: FederatedLearner, start: np.ndarray, arguments: list[str]) -> None:
    """Run the bare loop here and compare the changes."""
    sys.argv = ["bare.py", *arguments]
    wall, time.perf_counter = time.perf_counter, now
    names = runpy.run_path(str(folder / "bare.py"))
    time.perf_counter = wall
    trained = {name_in_file(name): p.detach() for name, p in names["P"].items()}
    views = made._layouts[0].views(torch.from_numpy(start))
    theirs = np.concatenate(
        [(trained[name] - view).numpy().ravel() for name, view in views.items()]
    )
    mine = made.states[0] - start
    difference = np.abs(mine - theirs).max() / np.abs(theirs).max()
    sys.stdout.write(f"change: largest difference / largest change = {difference:.1e}\n")
    if not difference <= TOLERANCE:
        sys.exit(f"the trained tensors differ by more than {TOLERANCE:g} of their largest change")


# -- the part of the machine that is used --------------------------------------------------------


@dataclass(frozen=True)
class MatrixProduct:
    """Job: FLOP per CPU second of one matrix product [rows, inner] x [inner, columns], for half a
    second.
    """

    rows: int
    inner: int
    columns: int


def speed(_: None, job: MatrixProduct) -> float:
    """Of the faster of torch's own product and oneDNN's with its weight packed."""
    left, right = torch.randn(job.rows, job.inner), torch.randn(job.columns, job.inner)
    bias = torch.zeros(job.columns)
    plain = FrozenLinear(right, bias)
    return max(_speed(job, left, layer) for layer in (plain, plain.pack(back=False)))


def _speed(job: MatrixProduct, left: torch.Tensor, layer: FrozenLinear) -> float:
    layer(left)  # the first prepares
    count, begun = 0, time.process_time()
    while (spent := time.process_time() - begun) < 0.25 or count < 10:
        layer(left)
        count += 1
    return 2.0 * job.rows * job.inner * job.columns * count / spent


def ceiling(hidden: int, processes: int) -> float:
    """FLOP per CPU second of the encoder's own products with 1,024 tokens, all processes at work."""
    workers = Workers(speed, processes)
    shapes = [(hidden, 3 * hidden), (hidden, 4 * hidden), (4 * hidden, hidden)]
    jobs = [MatrixProduct(1024, *shape) for shape in shapes for _ in range(processes)]
    speeds = np.array(list(workers.map(None, jobs))).reshape(len(shapes), processes)
    workers.close()
    weight = np.array([3.0, 4.0, 4.0])  # their FLOP
    per_process = weight.sum() / (weight[:, None] / speeds).sum(axis=0)
    return float(per_process.mean())


def work(made: FederatedLearner, a: Any) -> float:
    """FLOP of one round that real tokens need: products with frozen weights and attention, both
    ways.

    The last layer needs keys and values of all tokens, the rest of it for the first tokens only;
    the first layer needs no gradient of its input.
    """
    length = made._batches.tokens.texts(np.arange(a.ues * a.samples)).length.astype(float)
    h, layers, T, S, squares = a.hidden, a.layers, length.sum(), len(length), (length**2).sum()
    whole = (
        2 * 12 * h * h * T + 4 * h * squares
    )  # qkv 3, context 1, up 4, down 4; scores and context
    last = 2 * (2 * h * h * T + 10 * h * h * S) + 4 * h * T
    head = 2 * h * h * S
    first_saved = 2 * 3 * h * h * T
    backward = (layers - 1) * (whole + 4 * h * squares) + last + 4 * h * T + 2 * head - first_saved
    return a.tau * ((layers - 1) * whole + last + head + backward)


# -- weights in bfloat16 --------------------------------------------------------------------------


def halves(workload: Any, a: Any, repeats: int) -> None:
    """Print the ratio of speeds, and the cosine between what the two have changed."""
    change = {}
    spent: dict[torch.dtype, list[float]] = {torch.float32: [], torch.bfloat16: []}
    for _ in range(repeats):
        for stored, seconds in spent.items():
            made, _ = make_learner(workload, a, stored)
            start = made.states[0].copy()
            train(made, a)  # the first rounds prepare products
            change[stored] = made.states[0] - start
            begun = time.process_time()
            train(made, a)
            seconds.append(time.process_time() - begun)
            made.close()
    exact, rounded = change.values()
    cosine = exact @ rounded / np.linalg.norm(exact) / np.linalg.norm(rounded)
    slow, fast = (min(seconds) for seconds in spent.values())
    sys.stdout.write(f"bfloat16: {slow / fast:.2f} times as fast, cosine {cosine:.6f}\n")


# -- beside peers --------------------------------------------------------------------------------

WARM = "warm rounds"
LINE = re.compile(r"^(?P<name>[^:\n]+): (?P<round>[\d.]+) s/round, (?P<speed>\d+) samples/s", re.M)


def beside(
    scripts: list[list[str]], folder: Path, a: Any, arguments: list[str], repeats: int
) -> None:
    """Run netsim and the scripts in turn; print medians and ratios."""
    own = [sys.executable, __file__, "--workload", str(folder)]
    clocks = str(Path(__file__).with_name("two_clocks.py"))
    theirs = ([python, clocks, str(folder / script)] for python, script in scripts)
    commands = [own, *theirs]
    found: dict[str, list[float]] = {}
    for _ in range(repeats):
        for command in commands:
            done = subprocess.run(
                [*command, *arguments], capture_output=True, text=True, check=False
            )
            lines = list(LINE.finditer(done.stdout))
            if not lines:
                sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
            for line in lines:
                found.setdefault(line["name"], []).append(float(line["speed"]))
                sys.stdout.write(f"  {line.string[line.start() :].splitlines()[0]}\n")
            sys.stdout.flush()
    for name, speeds in found.items():
        warm = f", {WARM}" if WARM in name and a.rounds > 1 else ""
        clock = f", {CPU}" if name.endswith(CPU) else ""
        mine = found[f"netsim{warm}{clock}"]
        paired = [m / s for m, s in zip(mine, speeds, strict=True)]
        ratio = median(mine) / median(speeds)
        sys.stdout.write(
            f"{name}: {median(speeds):.0f} samples/s; netsim is {ratio:.2f} times as fast "
            f"(pairs {min(paired):.2f} to {max(paired):.2f})\n"
        )


def main() -> None:
    """Measure and print; fail where --check finds a difference."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workload", type=Path, required=True, help="folder of workload.py")
    parser.add_argument("--check", action="store_true", help="compare with DIR/bare.py")
    parser.add_argument("--ceiling", action="store_true", help="compare with the matrix products")
    parser.add_argument(
        "--beside", nargs=2, action="append", default=[], metavar=("PYTHON", "SCRIPT")
    )
    parser.add_argument("--bfloat16", action="store_true", help="compare with weights in bfloat16")
    parser.add_argument("--repeats", type=int, default=3)
    own, arguments = parser.parse_known_args()
    if not (own.workload / "workload.py").is_file():
        parser.error(f"there must be a workload.py in the folder (found {own.workload})")
    sys.path.insert(0, str(own.workload))
    sys.argv = ["workload.py", *arguments]
    import workload

    workload.report = told_twice(workload.report)
    a = workload.arguments()
    if own.beside:
        return beside(own.beside, own.workload, a, arguments, own.repeats)
    if own.bfloat16:
        a.threads = 1  # all of it in this process, whose time is taken
        return halves(workload, a, own.repeats)
    made, _ = make_learner(workload, a)
    start = made.states[0].copy()
    clock = train(made, a)
    tell(workload, a, made, clock)
    made.close()
    if own.ceiling:
        begun = min(1, a.rounds - 1)  # the first round prepares products, unless it is the only one
        needed = work(made, a) * (a.rounds - begun) / (clock[-1] - clock[begun]).cpu
        limit = ceiling(a.hidden, a.threads)
        sys.stdout.write(
            f"{needed / 1e9:.1f} GFLOP of real tokens' work in a CPU second = "
            f"{100 * needed / limit:.0f}% of the {limit / 1e9:.1f} GFLOP of matrix products\n"
        )
    if own.check:
        check(own.workload, made, start, arguments)
    return None


if __name__ == "__main__":
    main()

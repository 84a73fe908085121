"""How fast is a Flower app over the radio, beside the same app in Flower's own simulation?

    python analysis/bench_flower.py [--nodes 100] [--rounds 20] [--seconds 0]

Least squares in NumPy, FedAvg over all nodes, evaluated by all nodes; everything arrives in time, so
that both do the same work and come to the same weights. Flower's simulation runs on ray with one
worker a core; it is timed with and without its start. netsim executes the apps in one process and
writes its tables. With `--seconds`, each ClientApp sleeps so long: what is left of the ratio then is
the parallel work, which netsim does not do. Needs the extra `flower`, and `flwr[simulation]`.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0")

import numpy as np
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from flwr.simulation import run_simulation

import netsim.flower

FEATURES, ROWS = 50, 100
EVERYTHING_ARRIVES: dict[str, Any] = {
    "round.deadline_s": float("inf"),
    "round.compute_limit_s": None,
    "radio.bandwidth_hz": 1e9,
    "radio.sinr_threshold_db": -300.0,
}


def client_app(seconds: float) -> ClientApp:
    """Gradient descent on rows of the node's own."""
    app = ClientApp()

    def rows(context: Context) -> tuple[Any, Any]:
        generator = np.random.default_rng(context.node_config["partition-id"])
        x = generator.normal(size=(ROWS, FEATURES))
        return x, x @ np.arange(FEATURES) + generator.normal(size=ROWS)

    @app.train()
    def train(message: Message, context: Context) -> Message:
        time.sleep(seconds)
        (weights,) = message.content["arrays"].to_numpy_ndarrays()
        x, y = rows(context)
        for _ in range(5):
            weights = weights - 0.1 * x.T @ (x @ weights - y) / ROWS
        metrics = MetricRecord({"num-examples": ROWS})
        content = RecordDict({"arrays": ArrayRecord([weights]), "metrics": metrics})
        return Message(content, reply_to=message)

    @app.evaluate()
    def evaluate(message: Message, context: Context) -> Message:
        (weights,) = message.content["arrays"].to_numpy_ndarrays()
        x, y = rows(context)
        loss = float(np.mean((x @ weights - y) ** 2))
        metrics = MetricRecord({"eval_loss": loss, "num-examples": ROWS})
        return Message(RecordDict({"metrics": metrics}), reply_to=message)

    return app


def server_app(nodes: int, rounds: int, found: dict[str, Any]) -> ServerApp:
    """FedAvg; puts its weights and its time into `found`."""
    app = ServerApp()

    @app.main()
    def main(grid: Grid, context: Context) -> None:
        while len(list(grid.get_node_ids())) < nodes:
            time.sleep(0.01)
        begun = time.monotonic()
        strategy = FedAvg(min_train_nodes=nodes, min_evaluate_nodes=nodes)
        start = ArrayRecord([np.zeros(FEATURES)])
        result = strategy.start(grid, start, num_rounds=rounds)
        found["rounds_s"] = time.monotonic() - begun
        found["weights"] = result.arrays.to_numpy_ndarrays()[0]

    return app


def over_radio(nodes: int, rounds: int, seconds: float) -> dict[str, Any]:
    """In netsim, its run folder included."""
    found: dict[str, Any] = {}
    overrides = {"ues.count": nodes, **EVERYTHING_ARRIVES}
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        netsim.flower.run(
            server_app(nodes, rounds, found),
            client_app(seconds),
            overrides=overrides,
            out=Path(folder) / "run",
        )
    return {**found, "whole_s": time.monotonic() - begun}


def by_flower(nodes: int, rounds: int, seconds: float) -> dict[str, Any]:
    """In Flower's simulation runtime."""
    found: dict[str, Any] = {}
    begun = time.monotonic()
    run_simulation(
        server_app(nodes, rounds, found),
        client_app(seconds),
        num_supernodes=nodes,
        backend_config={"client_resources": {"num_cpus": 1, "num_gpus": 0.0}},
    )
    return {**found, "whole_s": time.monotonic() - begun}


def main(argv: Sequence[str] | None = None) -> None:
    """One run of each, and the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=0.0)
    asked = vars(parser.parse_args(argv))
    logging.getLogger("flwr").setLevel(logging.ERROR)
    ours = over_radio(**asked)
    theirs = by_flower(**asked)
    apart = float(np.abs(ours["weights"] - theirs["weights"]).max())
    sys.stdout.write(
        f"{asked['nodes']} nodes x {asked['rounds']} rounds; largest difference of weights {apart:.1e}\n"
        f"Flower's simulation over netsim: {theirs['whole_s'] / ours['whole_s']:.1f} as a whole, "
        f"{theirs['rounds_s'] / ours['rounds_s']:.1f} for the rounds alone\n"
    )


if __name__ == "__main__":
    main()

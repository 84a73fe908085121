"""One of Flower's strategies, by name; what came of it is kept for tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp import strategy as strategies
from task import LAW, loss

app = ServerApp()


def strategy_of(name: str, nodes: int, fraction: float) -> Any:
    common = {
        "fraction_train": fraction,
        "min_train_nodes": max(1, int(fraction * nodes)),
        "min_evaluate_nodes": nodes,
        "min_available_nodes": nodes,
    }
    if name == "DP":
        inner = strategies.FedAvg(**common)
        return strategies.DifferentialPrivacyServerSideFixedClipping(inner, 0.01, 5.0, nodes)
    if name == "FedProx":
        common["proximal_mu"] = 0.1
    if name in ("Krum", "MultiKrum"):
        common["num_malicious_nodes"] = 1
    return getattr(strategies, name)(**common)


@app.main()
def main(grid: Grid, context: Context) -> None:
    config = context.run_config
    nodes = len(list(grid.get_node_ids()))
    strategy = strategy_of(config["strategy"], nodes, config["fraction-train"])

    def evaluate(server_round: int, arrays: ArrayRecord) -> MetricRecord:
        (weights,) = arrays.to_numpy_ndarrays()
        return MetricRecord(
            {"loss": loss(weights, 10_000), "accuracy": 1 / (1 + loss(weights, 10_000))}
        )

    if config["fault"] == "wrong node":
        message = Message(RecordDict(), dst_node_id=nodes, message_type="train")
        grid.send_and_receive([message])
    if config["fault"] == "server":
        raise RuntimeError("the server broke")
    strategy.start(
        grid,
        ArrayRecord([np.zeros(len(LAW))]),
        num_rounds=config["num-server-rounds"],
        evaluate_fn=evaluate if config["server.evaluates"] else None,
    )

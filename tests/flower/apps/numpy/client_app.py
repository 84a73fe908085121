"""Local gradient descent; `fault` names what goes wrong, for tests."""

from __future__ import annotations

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from task import ROWS, loss, trained

app = ClientApp()


@app.train()
def train(message: Message, context: Context) -> Message:
    partition = context.node_config["partition-id"]
    calls = context.state.setdefault("calls", ConfigRecord({"count": 0}))
    calls["count"] += 1
    (weights,) = message.content["arrays"].to_numpy_ndarrays()
    fault = context.run_config["fault"]
    if fault == "exception" and partition == 2:
        raise ZeroDivisionError("no rows")
    metrics = {
        "train_loss": loss(weights, partition),
        "num-examples": ROWS,
        "calls": calls["count"],
    }
    content = RecordDict(
        {
            "arrays": ArrayRecord([trained(weights, partition)]),
            "metrics": MetricRecord(metrics),
        }
    )
    if fault == "large":
        content["more"] = ArrayRecord([np.zeros(20_000)])
    if fault == "grows" and message.content["config"]["server-round"] > 1:
        content["note"] = ConfigRecord({"text": "x" * 1000})
    if fault == "mutates":
        message.content["config"]["server-round"] = -1
    return Message(content, reply_to=message)


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    partition = context.node_config["partition-id"]
    (weights,) = message.content["arrays"].to_numpy_ndarrays()
    metrics = {"eval_loss": loss(weights, partition), "num-examples": ROWS}
    return Message(RecordDict({"metrics": MetricRecord(metrics)}), reply_to=message)

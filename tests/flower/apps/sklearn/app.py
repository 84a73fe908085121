"""Logistic regression on digits, federated."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

client = ClientApp()
server = ServerApp()


def digits(partition: int, partitions: int) -> tuple[Any, Any, Any, Any]:
    x, y = load_digits(return_X_y=True)
    mine = np.random.default_rng(3).permutation(len(y))[partition::partitions]
    x, y = x[mine] / 16, y[mine]
    cut = int(0.8 * len(y))
    return x[:cut], y[:cut], x[cut:], y[cut:]


def model_of(message: Message, context: Context) -> LogisticRegression:
    epochs = context.run_config["local-epochs"]
    model = LogisticRegression(C=context.run_config["penalty"], max_iter=epochs, warm_start=True)
    model.classes_ = np.arange(10)
    model.coef_, model.intercept_ = message.content["arrays"].to_numpy_ndarrays()
    return model


@client.train()
def train(message: Message, context: Context) -> Message:
    config = context.node_config
    x, y, *_ = digits(config["partition-id"], config["num-partitions"])
    model = model_of(message, context)
    before = log_loss(y, model.predict_proba(x), labels=range(10))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one epoch does not converge
        model.fit(x, y)
    coefficients = np.zeros((10, 64))
    intercepts = np.zeros(10)
    coefficients[model.classes_], intercepts[model.classes_] = model.coef_, model.intercept_
    content = RecordDict(
        {
            "arrays": ArrayRecord([coefficients, intercepts]),
            "metrics": MetricRecord({"train_loss": float(before), "num-examples": len(y)}),
        }
    )
    return Message(content, reply_to=message)


@client.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    config = context.node_config
    *_, x, y = digits(config["partition-id"], config["num-partitions"])
    model = model_of(message, context)
    metrics = {
        "test_loss": float(log_loss(y, model.predict_proba(x), labels=range(10))),
        "test_accuracy": float(model.score(x, y)),
        "num-examples": len(y),
    }
    return Message(RecordDict({"metrics": MetricRecord(metrics)}), reply_to=message)


@server.main()
def main(grid: Grid, context: Context) -> None:
    start = ArrayRecord([np.zeros((10, 64)), np.zeros(10)])
    FedAvg().start(grid, start, num_rounds=context.run_config["num-server-rounds"])

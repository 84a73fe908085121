"""Local SGD."""

from __future__ import annotations

import torch
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from torch import nn

from rings.task import network, rows

app = ClientApp()


@app.train()
def train(message: Message, context: Context) -> Message:
    model = network()
    model.load_state_dict(message.content["arrays"].to_torch_state_dict())
    x, y = rows(context.node_config["partition-id"])
    config = context.run_config
    optimizer = torch.optim.SGD(model.parameters(), lr=config["learning-rate"], momentum=0.9)
    total = 0.0
    for _ in range(config["local-epochs"]):
        for batch in torch.randperm(len(y)).split(16):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) / (4 * config["local-epochs"])
    content = RecordDict(
        {
            "arrays": ArrayRecord(model.state_dict()),
            "metrics": MetricRecord({"train_loss": total, "num-examples": len(y)}),
        }
    )
    return Message(content, reply_to=message)

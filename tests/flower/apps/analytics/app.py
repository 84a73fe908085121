"""Histograms of what nodes hold, added up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from flwr.app import Context, Message, MessageType, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp

client = ClientApp()
server = ServerApp()


@client.query()
def query(message: Message, context: Context) -> Message:
    rows = np.random.default_rng(context.node_config["partition-id"]).normal(size=100)
    counts, _ = np.histogram(rows, bins=4, range=(-2, 2))
    return Message(
        RecordDict({"counts": MetricRecord({"bins": counts.tolist()})}), reply_to=message
    )


@server.main()
def main(grid: Grid, context: Context) -> None:
    totals = []
    for number in range(context.run_config["num-server-rounds"]):
        nodes = sorted(grid.get_node_ids())
        messages = [
            Message(RecordDict(), node, MessageType.QUERY, group_id=str(number)) for node in nodes
        ]
        waiting = set(grid.push_messages(messages))
        total = np.zeros(4, dtype=int)
        failed = 0
        while waiting:
            for reply in grid.pull_messages(waiting):
                waiting.discard(reply.metadata.reply_to_message_id)
                if reply.has_error():
                    failed += 1
                else:
                    total += reply.content["counts"]["bins"]
        totals.append({"bins": total.tolist(), "failed": failed})
    Path("totals.json").write_text(json.dumps(totals), encoding="utf-8")

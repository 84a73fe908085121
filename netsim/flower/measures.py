"""Losses and accuracies that an app reports, as evaluations of the run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from inspect import signature
from typing import Any

from flwr.app import Message, MetricRecord
from flwr.serverapp.strategy import Strategy

from netsim.protocols import Evaluation
from netsim.simulation.session import Simulation

SPLIT = "test"
EXAMPLES = "num-examples"


@dataclass
class Measures:
    """Writes them to the tables of a simulation, when they are complete.

    A strategy lets nodes evaluate first and the server afterwards. Where the server does, its
    measurement is the common one; else the mean over the nodes, weighted by examples.
    """

    simulation: Simulation
    _of_nodes: list[Evaluation] = field(default_factory=list, init=False)

    def by_nodes(self, replies: Sequence[Message]) -> None:
        """Nodes have evaluated the present model."""
        for reply in replies:
            node = reply.metadata.src_node_id
            found = evaluation_of(_metrics(reply), node)
            if found is not None:
                self._of_nodes.append(found)

    def by_server(self, metrics: Mapping[str, Any] | None) -> None:
        """The server has."""
        self.write(None if metrics is None else evaluation_of(metrics, None))

    def write(self, common: Evaluation | None = None) -> None:
        """What has been measured so far; nothing if nothing has."""
        rows, self._of_nodes = self._of_nodes, []
        common = common or _mean(rows)
        if common is None:
            return
        simulation = self.simulation
        course = simulation.course
        system, now_s = simulation.system, simulation.now_s
        core = system.setting.core.core
        site = int(system.links_at(now_s).gnbs[0]) if core is None else core
        simulation.tables.evaluation(course, site, now_s, [common, *rows])
        course.losses.append(common.loss)
        course.accuracy = None if math.isnan(common.accuracy) else common.accuracy


def evaluation_of(metrics: Mapping[str, Any], node: int | None) -> Evaluation | None:
    """The first metric with `loss` in its name and the first with `acc`; None without either."""
    loss = _first(metrics, "loss")
    accuracy = _first(metrics, "acc")
    if math.isnan(loss) and math.isnan(accuracy):
        return None
    target = "ensemble" if node is None else "0"
    samples = metrics.get(EXAMPLES, 0)
    return Evaluation(target, node, SPLIT, loss, accuracy, int(samples))


def train_loss(reply: Message) -> float:
    """Loss that a node reports of its training; NaN if it tells none."""
    return _first(_metrics(reply), "loss")


def _metrics(reply: Message) -> dict[str, Any]:
    """All metrics of a reply."""
    found: dict[str, Any] = {}
    for record in reply.content.values():
        if isinstance(record, MetricRecord):
            found |= dict(record)
    return found


def _first(metrics: Mapping[str, Any], word: str) -> float:
    numbers = (value for name, value in metrics.items() if word in name.lower())
    return float(next((n for n in numbers if isinstance(n, int | float)), math.nan))


def _mean(rows: Sequence[Evaluation]) -> Evaluation | None:
    """Over nodes, weighted by their samples; equally where they tell none."""
    if not rows:
        return None
    samples = sum(row.samples for row in rows)
    weights = [row.samples / samples if samples else 1 / len(rows) for row in rows]
    pairs = list(zip(weights, rows, strict=True))
    return Evaluation(
        target="ensemble",
        ue=None,
        split=SPLIT,
        loss=sum(weight * row.loss for weight, row in pairs),
        accuracy=sum(weight * row.accuracy for weight, row in pairs),
        samples=samples,
    )


@contextmanager
def watching(measures: Measures) -> Iterator[None]:
    """While the block runs, what strategies evaluate at the server is measured, too.

    Flower's strategies keep that to themselves until the app is over.
    """
    begin = Strategy.start
    parameters = signature(begin)

    @wraps(begin)
    def start(*arguments: Any, **named: Any) -> Any:
        given = parameters.bind(*arguments, **named)
        evaluate = given.arguments.get("evaluate_fn")
        if evaluate is not None:
            given.arguments["evaluate_fn"] = _told_to(measures, evaluate)
        return begin(*given.args, **given.kwargs)

    Strategy.start = start
    try:
        yield
    finally:
        Strategy.start = begin


def _told_to(measures: Measures, evaluate: Any) -> Any:
    @wraps(evaluate)
    def telling(*arguments: Any, **named: Any) -> Any:
        metrics = evaluate(*arguments, **named)
        measures.by_server(metrics)
        return metrics

    return telling

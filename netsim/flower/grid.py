"""The Grid that a ServerApp sees: its nodes are the UEs, its clock is that of the simulation."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flwr.app import Error, Message, RecordDict
from flwr.serverapp import Grid

from netsim.errors import RunError
from netsim.flower.clients import set_id
from netsim.flower.exchange import Exchange
from netsim.flower.measures import Measures

LOST = 4
"""Flower's ErrorCode.REPLY_MESSAGE_UNAVAILABLE."""


@dataclass
class RadioGrid(Grid):
    """Messages to UEs 0, 1, ..., whose replies arrive when their uploads do."""

    exchange: Exchange
    measures: Measures
    nodes: int
    info: Any  # Flower's Run
    _pushed: dict[str, Message] = field(default_factory=dict, init=False)
    _arrived: dict[str, Message] = field(default_factory=dict, init=False)
    _lost: dict[str, Message] = field(default_factory=dict, init=False)
    _count: int = field(default=0, init=False)
    _thread: int = field(default_factory=threading.get_ident, init=False)

    def set_run(self, run: Any) -> None:
        """Flower's facts about the run."""
        self.info = run

    @property
    def run(self) -> Any:
        """Flower's facts about the run."""
        return self.info

    def create_message(
        self,
        content: RecordDict,
        message_type: str,
        dst_node_id: int,
        group_id: str,
        ttl: float | None = None,
    ) -> Message:
        """As `Message` makes it."""
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def get_node_ids(self) -> Iterable[int]:
        """All UEs, present or not."""
        return list(range(self.nodes))

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Messages that are sent together, as soon as a reply to one of them is pulled."""
        names = []
        for message in self._accepted(messages):
            self._pushed[message.metadata.message_id] = message
            names.append(message.metadata.message_id)
        return names

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Replies, each given once; an error message in place of one that will never arrive."""
        asked = list(message_ids)
        if any(name in self._pushed for name in asked):
            sent, self._pushed = self._pushed, {}
            self._lost |= sent
            for reply in self._carry(list(sent.values()), None):
                meant = reply.metadata.reply_to_message_id
                self._arrived[meant] = reply
                del self._lost[meant]
        for name in asked:
            if name in self._lost:
                error = Error(LOST, "the upload did not arrive in time")
                self._arrived[name] = Message(error, reply_to=self._lost.pop(name))
        return [self._arrived.pop(name) for name in asked if name in self._arrived]

    def send_and_receive(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> Iterable[Message]:
        """One round: the replies that arrive within `timeout` simulated seconds, by node."""
        return self._carry(self._accepted(messages), timeout)

    def _accepted(self, messages: Iterable[Message]) -> list[Message]:
        """Named messages to nodes that exist. Raises RunError."""
        if threading.get_ident() != self._thread:
            raise RunError(
                "the ServerApp sends from several threads: what is sent at once is one round, so "
                "all its messages must be given to one call of the grid"
            )
        found = []
        for message in messages:
            node = message.metadata.dst_node_id
            if node not in range(self.nodes):
                rule = f"nodes are the UEs 0 to {self.nodes - 1}"
                raise RunError(f"a message of the ServerApp goes to node {node}: {rule}")
            self._count += 1
            set_id(message, f"message-{self._count}")
            found.append(message)
        return found

    def _carry(self, messages: Sequence[Message], timeout: float | None) -> list[Message]:
        if messages:
            self.measures.write()  # nothing more is told of the model before these
        replies = self.exchange.carry(messages, timeout)
        self.measures.by_nodes(
            [r for r in replies if r.metadata.message_type.startswith("evaluate")]
        )
        return replies

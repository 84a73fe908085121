"""Executes ClientApps, and knows how large their replies are."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from flwr.app import ArrayRecord, Context, Message, RecordDict

from netsim.errors import RunError
from netsim.flower.apps import Apps, told

NUMBER_BYTES = 8


@dataclass
class Clients:
    """The ClientApps of K nodes, each with a context of its own."""

    apps: Apps
    nodes: int
    run_id: int
    most_bytes: int
    executed: int = 0  # calls of the ClientApp
    _contexts: dict[int, Context] = field(default_factory=dict, init=False)
    _sizes: dict[str, int | None] = field(default_factory=dict, init=False)  # None: they differ

    def reply_bytes(self, message: Message) -> int | None:
        """Size of the reply to come; None: not known ahead.

        It is known once all replies to messages of a type were of one size.
        """
        return self._sizes.get(message.metadata.message_type)

    def execute(self, message: Message) -> Message:
        """The reply of a node. Raises RunError if its app fails, or gives none that can be sent."""
        node = message.metadata.dst_node_id
        where = f"node {node}: the ClientApp"
        try:
            reply = self.apps.client(_own_copy(message), self._context(node))
        except Exception as error:
            raise RunError(f"{where} failed: {told(error)}") from error
        self.executed += 1
        if not isinstance(reply, Message):
            raise RunError(f"{where} must return a Message, not a {type(reply).__name__}")
        if reply.has_error():
            raise RunError(f"{where} failed: {reply.error.reason}")
        meant = reply.metadata.reply_to_message_id
        if meant != message.metadata.message_id:
            raise RunError(f"{where} must reply to the message that it got, not to {meant!r}")
        size = content_bytes(reply.content)
        check_size(size, self.most_bytes, f"{where}'s reply")
        self._note(message.metadata.message_type, size)
        set_id(reply, f"{meant}-reply")
        return reply

    def _note(self, kind: str, size: int) -> None:
        """A reply to a message of this type has this size."""
        if self._sizes.setdefault(kind, size) != size:
            self._sizes[kind] = None

    def _context(self, node: int) -> Context:
        """That of a node: it keeps its state from message to message."""
        if node not in self._contexts:
            self._contexts[node] = Context(
                run_id=self.run_id,
                node_id=node,
                node_config={"partition-id": node, "num-partitions": self.nodes},
                state=RecordDict(),
                run_config=dict(self.apps.config),
            )
        return self._contexts[node]


def _own_copy(message: Message) -> Message:
    """A message that a node may change without others noticing: they may share its content."""
    own = copy.copy(message)
    own.content = RecordDict({name: copy.deepcopy(r) for name, r in message.content.items()})
    return own


def set_id(message: Message, name: str) -> None:
    """Name a message; Flower leaves that to whoever carries it."""
    message.metadata.__dict__["_message_id"] = name


def check_size(
    size: int,
    most: int,
    what: str,
) -> None:
    """Raises RunError if a message is larger than may be."""
    if size > most:
        raise RunError(f"{what} has {size} bytes: at most {most} may be sent (flower.most_bytes)")


def content_bytes(content: RecordDict) -> int:
    """Bytes of what a message carries: data of arrays, 8 for a number, text, and all names."""
    total = 0
    for name, record in content.items():
        total += len(name)
        for key, value in record.items():
            size = len(value.data) if isinstance(record, ArrayRecord) else _value_bytes(value)
            total += len(key) + size
    return total


def _value_bytes(value: Any) -> int:
    if isinstance(value, list):
        return sum(map(_value_bytes, value))
    if isinstance(value, bool):
        return 1
    return len(value) if isinstance(value, str | bytes) else NUMBER_BYTES

"""Messages to a round of the simulation, and back: who is to hear what, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import cast

import numpy as np
from flwr.app import Message

from netsim.errors import RunError
from netsim.flower.clients import Clients, check_size, content_bytes
from netsim.flower.measures import train_loss
from netsim.protocols import WHOLE, Aggregation, Learner, Listener, Redeemed, Tickets
from netsim.schemes.radio import SharedBand
from netsim.simulation.session import Simulation
from netsim.simulation.system import System
from netsim.simulation.uploads.table import NO_RANK
from netsim.units import FloatArray, IntArray

BYTE = 8


@dataclass
class Sizes:
    """What goes over the air in an exchange: a PayloadSize.

    The N modules are the contents of its messages, told apart by what they hold; there are at most
    as many as UEs. Asked for modules, it gives the sizes of contents, which go down. Asked for what
    training has left of them, row by row, it gives the sizes of replies, which go up.
    """

    down_bits: FloatArray  # [N]
    up_bits: FloatArray = field(default_factory=lambda: np.empty(0))  # [M] of the last `compute`

    def __call__(
        self,
        module: IntArray,
        rank: IntArray | None = None,
        parts: IntArray | int = WHOLE,
    ) -> FloatArray:
        if rank is None:
            return self.down_bits[module]
        return self.up_bits.copy()


@dataclass
class Replies:
    """What a simulation asks of a learner, answered by ClientApps.

    `compute` is asked before the uplink. It tells how large replies are, and executes apps only
    where that is not known ahead. `redeem` is asked for what has arrived.
    """

    clients: Clients
    sizes: Sizes
    always: bool  # execute every app before its upload
    messages: dict[int, Message] = field(default_factory=dict)  # of the exchange, by UE
    ready: dict[int, Message] = field(default_factory=dict)  # replies of apps that were executed
    grown: bool = False  # a reply had another size than was sent in its place

    def open(self, messages: dict[int, Message]) -> None:
        """Of the exchange that begins."""
        self.messages, self.ready, self.grown = messages, {}, False

    def compute(self, tickets: Tickets, aggregation: str | Aggregation = "average") -> Redeemed:
        """Sizes of the replies of UEs that have computed in time."""
        known = {ue: self.clients.reply_bytes(self.messages[ue]) for ue in tickets.ue.tolist()}
        for ue, size in known.items():
            if self.always or size is None:
                self.ready[ue] = self.clients.execute(self.messages[ue])
                known[ue] = content_bytes(self.ready[ue].content)
        sizes = [known[ue] or 0 for ue in tickets.ue.tolist()]
        self.sizes.up_bits = BYTE * np.array(sizes, dtype=np.float64)
        unknown = np.full(len(tickets), np.nan)
        return _redeemed(unknown, self.sizes.up_bits)

    def redeem(
        self, tickets: Tickets, aggregation: str | Aggregation, in_flight: Tickets | None = None
    ) -> Redeemed:
        """Replies that have arrived."""
        losses = []
        for ue in tickets.ue.tolist():
            if ue not in self.ready:
                expected = self.clients.reply_bytes(self.messages[ue])
                self.ready[ue] = self.clients.execute(self.messages[ue])
                self.grown |= content_bytes(self.ready[ue].content) != expected
            losses.append(train_loss(self.ready[ue]))
        return _redeemed(np.array(losses), np.full(len(tickets), np.nan))


def _redeemed(train_loss: FloatArray, payload_bits: FloatArray) -> Redeemed:
    """Rows without ranks or gradients."""
    return Redeemed(
        train_loss=train_loss,
        loss_rms=np.full(len(train_loss), np.nan),
        gradient_norm=np.full(len(train_loss), np.nan),
        rank=np.full(len(train_loss), NO_RANK),
        payload_bits=payload_bits,
    )


class RunOver(BaseException):
    """The scenario's stop rules end the run while the app goes on; no app catches it."""


@dataclass
class Exchange:
    """Carries messages over the air, round by round."""

    simulation: Simulation
    replies: Replies
    band: SharedBand
    evaluate_on_air: bool
    evaluate_work: float
    over: Callable[[], bool]  # a stop rule of the scenario holds
    pause: Callable[[], None]  # between two rounds; raises if the run was asked to stop
    listener: Listener
    told: bool = False  # that sizes were guessed wrong

    def __post_init__(self) -> None:
        self._usual = self.simulation.system

    def carry(self, messages: Sequence[Message], timeout_s: float | None) -> list[Message]:
        """Replies that arrive, by node. A node's second message waits for another round.

        timeout_s: simulated; None: the scenario's deadline alone.
        """
        arrived: list[Message] = []
        left = list(messages)
        while left:
            now, left = _one_each(left)
            arrived += self._exchange(now, inf if timeout_s is None else timeout_s)
        return arrived

    def _exchange(self, messages: dict[int, Message], timeout_s: float) -> list[Message]:
        kinds = {message.metadata.message_type.partition(".")[0] for message in messages.values()}
        if kinds == {"evaluate"} and not self.evaluate_on_air:
            return [self.replies.clients.execute(messages[ue]) for ue in sorted(messages)]
        self.pause()
        if self.over():
            raise RunOver
        work = 1.0 if "train" in kinds else self.evaluate_work
        self._set_rules(timeout_s, work)
        return self._round(messages)

    def _round(self, messages: dict[int, Message]) -> list[Message]:
        """A round of the simulation."""
        simulation, replies = self.simulation, self.replies
        ue = np.array(sorted(messages), dtype=np.int64)
        module, contents = _contents([messages[node] for node in ue.tolist()])
        most = replies.clients.most_bytes
        for message in contents:
            check_size(content_bytes(message.content), most, "a message of the ServerApp")
        replies.sizes.down_bits[:] = 0.0
        replies.sizes.down_bits[: len(contents)] = [
            BYTE * content_bytes(message.content) for message in contents
        ]
        replies.open(messages)

        seen = simulation.observe()
        seen = replace(seen, payload_of=self._expected_bits(messages, ue, module))
        plan = self.band.plan(seen, ue, module)
        simulation.learner = cast(Learner, replies)  # a round asks for no more than these have
        try:
            outcome = simulation.step(replace(plan, redeem="before_uplink"))
        except RunError as error:
            raise RunError(f"round {simulation.course.round}, {error}") from error
        finally:
            simulation.learner = None
        self._tell_if_grown()
        return [replies.ready[node] for node in outcome.plan.ue[outcome.on_time].tolist()]

    def _expected_bits(
        self, messages: dict[int, Message], ue: IntArray, module: IntArray
    ) -> Callable[..., FloatArray]:
        """Sizes of replies to plan with, by content: those known, else as much as came down."""
        clients, sizes = self.replies.clients, self.replies.sizes
        bits = sizes.down_bits.copy()
        for node, content in zip(ue.tolist(), module.tolist(), strict=True):
            known = clients.reply_bytes(messages[node])
            bits[content] = bits[content] if known is None else BYTE * known

        def payload_of(
            module: IntArray,
            rank: IntArray | None = None,
            parts: IntArray | int = WHOLE,
        ) -> FloatArray:
            return bits[module]

        return payload_of

    def _set_rules(self, timeout_s: float, work: float) -> None:
        """A round no longer than the timeout, with so much computing."""
        usual = self._usual
        setting = usual.setting
        if timeout_s >= setting.rules.deadline_s and work == 1.0:
            self._use(usual)
            return
        deadline_s = min(timeout_s, setting.rules.deadline_s)
        rules = replace(
            setting.rules,
            deadline_s=deadline_s,
            compute_limit_s=min(setting.rules.compute_limit_s, deadline_s),
        )
        fleet = replace(
            setting.fleet,
            cycles=setting.fleet.cycles * work,
            compute_s=setting.fleet.compute_s * work,
            compute_energy_j=setting.fleet.compute_energy_j * work,
        )
        self._use(replace(usual, setting=replace(setting, rules=rules, fleet=fleet)))

    def _use(self, system: System) -> None:
        self.simulation.system = system
        self.simulation.tables.system = system

    def _tell_if_grown(self) -> None:
        """From now on apps of such messages are executed before their uploads."""
        if self.replies.grown and not self.told:
            self.told = True
            self.listener.warning(
                "replies change in size: some were timed with the size of those before; from now "
                "on ClientApps are executed before their uploads (flower.execute = all)"
            )


def _one_each(messages: Sequence[Message]) -> tuple[dict[int, Message], list[Message]]:
    """The first message of each node, and the others."""
    first: dict[int, Message] = {}
    others = []
    for message in messages:
        node = message.metadata.dst_node_id
        if node in first:
            others.append(message)
        else:
            first[node] = message
    return first, others


def _contents(messages: Sequence[Message]) -> tuple[IntArray, list[Message]]:
    """Which content each message has [M], and a message of each: the same records are the same."""
    known: dict[tuple[tuple[str, int], ...], int] = {}
    examples: list[Message] = []
    number = []
    for message in messages:
        key = tuple((name, id(record)) for name, record in message.content.items())
        if key not in known:
            known[key] = len(examples)
            examples.append(message)
        number.append(known[key])
    return np.array(number, dtype=np.int64), examples

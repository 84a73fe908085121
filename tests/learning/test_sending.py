"""Uploads and downloads that are encoded: what is aggregated, what UEs owe, what they hear."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netsim.learning import composition
from netsim.learning.adapters import AdapterLayout
from netsim.learning.aggregation.memories import UeMemories
from netsim.learning.aggregation.rule import Upload
from netsim.learning.codecs.carrying import carried
from netsim.learning.codecs.quantised import Qsgd, Sign
from netsim.learning.codecs.rounded import Bfloat16
from netsim.learning.codecs.sparse import RandomK, TopK, TopKQsgd
from netsim.learning.hearing import Hearing
from netsim.learning.learner import FederatedLearner
from netsim.learning.sending import ERROR, Sending
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.learning.transfer import Transfer
from netsim.protocols import HEAD, LORA_A, LORA_B, WHOLE, Codec, Tickets
from netsim.rng import stream

ONE = [ModuleSpec(4, 8, ("query", "value"), 0)]
ALL = np.arange(12)
NONE = np.zeros(12, dtype=np.int64)
FEEDBACK = Transfer(TopK(0.1), error_feedback=True)


@pytest.fixture
def make(
    learner: Callable[..., FederatedLearner], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., FederatedLearner]:
    monkeypatch.setattr(composition, "CHUNK_TOKENS", 300)  # several chunks

    def made(transfer: Transfer = FEEDBACK, **more: Any) -> FederatedLearner:
        arguments = {"modules": ONE, "training": LocalTraining(2, 0.05), **more}
        return learner(transfer=transfer, **arguments)

    return made


def tickets(made: FederatedLearner, round: int, ue: Any = ALL, **more: Any) -> Tickets:
    nothing = np.zeros_like(ue)
    return Tickets(round, ue, nothing, made.versions[nothing], **more)


def error(made: FederatedLearner, ue: int) -> np.ndarray:
    return made._memories.of_ue.get((ERROR, ue, 0))["error"]


def updates(made: FederatedLearner, round: int) -> list[np.ndarray]:
    """What everybody's training changes, before anything is encoded."""
    made.compute(tickets(made, round))
    found = [made.held[round, ue, 0].upload.update.copy() for ue in ALL]
    made._rounds.held = {}
    return found


# -- uploads ---------------------------------------------------------------------------------------


def test_the_aggregate_is_of_what_arrives(make: Callable[..., FederatedLearner]) -> None:
    codec = Qsgd(bits=3)
    made, plain = make(Transfer(codec)), make(Transfer())
    mean, samples = 0.0, made._batches.samples
    for ue, update in enumerate(updates(plain, 1)):
        sent = carried(codec, update, stream(0, "upload.codec", 1, ue, 0))
        assert not np.array_equal(sent, update)
        mean += samples[ue] * sent.astype(np.float64) / samples.sum()
    start = made.states[0]
    found = made.redeem(tickets(made, 1), "average")
    assert made.states[0] == pytest.approx(start - mean, abs=1e-6)
    assert set(found.payload_bits) == {codec.encoded_bits(len(start))}


@pytest.mark.parametrize("rank", [4, 2])
@pytest.mark.parametrize("sent", [LORA_B | HEAD, LORA_A, WHOLE])
def test_only_what_is_sent_is_encoded_and_charged(
    make: Callable[..., FederatedLearner], sent: int, rank: int
) -> None:
    codec = TopK(0.5)
    made = make(Transfer(codec))
    layout = made._layouts[0].at_rank(rank)
    trained = np.full_like(ALL, sent)
    ranks = np.full_like(ALL, rank)
    found = made.compute(tickets(made, 1, trained=trained, sent=trained, rank=ranks))
    size = len(layout.numbers_of(sent))
    assert set(found.payload_bits) == {codec.encoded_bits(size)}
    update = made.held[1, 3, 0].upload.update
    assert len(update) == layout.size
    assert np.count_nonzero(update) <= -(-size // 2)
    assert not np.delete(update, layout.numbers_of(sent)).any()
    assert update.any() == (sent != LORA_A)  # whose gradient is 0 while B is


def test_ues_owe_what_has_not_arrived(make: Callable[..., FederatedLearner]) -> None:
    """Those whose uploads are lost owe all of their change, the others what was not encoded."""
    made, plain = make(), make(Transfer())
    expected = updates(plain, 1)
    made.compute(tickets(made, 1))
    sent = {ue: made.held[1, ue, 0].upload.update for ue in ALL}
    made.redeem(tickets(made, 1, ALL[:6]), "average")
    for ue in ALL:
        assert np.count_nonzero(sent[ue]) == -(-len(expected[ue]) // 10)
        owed = expected[ue] - sent[ue] if ue < 6 else expected[ue]
        assert error(made, ue) == pytest.approx(owed, abs=1e-7)
    owed = error(made, 7).copy()
    plain._modules.states[0], plain._modules.versions[0] = made.states[0], 1
    expected = updates(plain, 2)
    made.compute(tickets(made, 2))
    assert error(made, 7) == pytest.approx(owed + expected[7], abs=1e-6)
    largest = np.argsort(-np.abs(owed + expected[7]))[:5]
    assert (made.held[2, 7, 0].upload.update[largest] != 0).all()


def test_an_upload_that_arrives_rounds_later_is_no_longer_owed(
    make: Callable[..., FederatedLearner],
) -> None:
    made = make()
    slow = np.array([4])
    begun = tickets(made, 1, slow, sampled=np.array([1]))
    made.compute(begun)
    whole = error(made, 4).copy()
    sent = made.held[1, 4, 0].upload.update
    made.redeem(tickets(made, 1, ALL[:3]), "average", in_flight=begun)
    assert error(made, 4).tobytes() == whole.tobytes()
    made.redeem(Tickets(2, slow, slow * 0, slow * 0, sampled=np.array([1])), "average")
    assert error(made, 4).tobytes() == (whole - sent).tobytes()


@pytest.mark.parametrize(
    "transfer",
    [
        FEEDBACK,
        Transfer(TopKQsgd(TopK(0.2), Qsgd(bits=8)), error_feedback=True, down=Qsgd()),
        Transfer(RandomK(), down=Bfloat16()),
        Transfer(down=TopK(0.3)),
    ],
    ids=["top_k", "both ways", "random_k", "down"],
)
def test_workers_and_checkpoints_change_no_byte(
    make: Callable[..., FederatedLearner], transfer: Transfer, tmp_path: Path
) -> None:
    """The checkpoint is taken between an upload's beginning and its arrival."""
    whole, first = make(transfer), make(transfer)
    for made in (whole, first):
        made.redeem(tickets(made, 1, ALL[:8]), "average")
        made.compute(tickets(made, 2))
    first.save_state(tmp_path)
    other = make(transfer, workers=2)
    other.load_state(tmp_path)
    for made in (whole, other):
        made.redeem(tickets(made, 2, ALL[3:]), "average")
        made.compute(tickets(made, 3))
        made.redeem(tickets(made, 3, ALL[:5]), "average")
        made.redeem(tickets(made, 4), "average")
    assert whole.states[0].tobytes() == other.states[0].tobytes()
    mine, theirs = dict(whole._memories.of_ue.items()), dict(other._memories.of_ue.items())
    assert mine.keys() == theirs.keys()
    assert len(mine) == (12 if transfer.error_feedback else 0)
    assert all(mine[key]["error"].tobytes() == theirs[key]["error"].tobytes() for key in mine)


# -- error feedback where training is convex -------------------------------------------------------

NAME = "base_model.model.layer.lora_A.weight"
SLOPES = np.array([[-3.0, 2.0, 2.0], [2.0, -3.0, 2.0], [2.0, 2.0, -3.0]])


def descent(codec: Codec, *, error_feedback: bool, steps: int = 900) -> Iterator[np.ndarray]:
    """Gradient descent on the mean of <a_i, x>^2 + |x|^2 / 4 over three UEs, from (1, 1, 1).

    A. Beznosikov et al., "On biased compression for distributed learning", JMLR 2023, Example 1:
    with top-1 of three numbers and without memory it diverges, at any rate.
    """
    layout = AdapterLayout(ModuleSpec(1, 2, ("layer",), 0), {NAME: (1, 3)}, (), 3, transposed=False)
    sending = Sending(Transfer(codec, error_feedback), [layout], UeMemories(), seed=0)
    x = np.ones(3)
    for step in range(steps):
        mean = np.zeros(3)
        for ue, slope in enumerate(SLOPES):
            change = 0.02 * (2 * (slope @ x) * slope + x / 2)
            upload = Upload(0, 1, 1, 0, x.astype(np.float32), change.astype(np.float32), 1.0, ue)
            sent = sending.send(upload, step)
            sending.arrived(sent)
            mean += sent.update / 3
        x = x - mean
        yield x


@pytest.mark.parametrize("codec", [TopK(1 / 3), RandomK(1 / 3, rescale=False), Sign()], ids=str)
def test_error_feedback_restores_convergence(codec: Codec) -> None:
    *_, end = descent(codec, error_feedback=True)
    assert np.linalg.norm(end) < 1e-2


def test_top_k_alone_diverges() -> None:
    *_, end = descent(TopK(1 / 3), error_feedback=False, steps=100)
    assert np.linalg.norm(end) > 10 * np.sqrt(3)


# -- downloads -------------------------------------------------------------------------------------


def moved(made: FederatedLearner) -> np.ndarray:
    """The module after a round, away from its start in all its parts."""
    made.redeem(tickets(made, 1), "average")
    return made.states[0]


@pytest.mark.parametrize("rank", [None, 2])
def test_ues_train_from_what_they_heard(
    make: Callable[..., FederatedLearner], rank: int | None
) -> None:
    codec = TopK(0.2)
    made, plain = make(Transfer(down=codec)), make(Transfer())
    start, server = made.states[0], moved(plain)
    made._modules.states[0] = server
    made._modules.versions[0] = 1
    layout = made._layouts[0]
    ranks = None if rank is None else np.full_like(ALL, rank)
    small = layout if rank is None else layout.at_rank(rank)
    change = layout.truncate(server, small.spec.rank) - layout.truncate(start, small.spec.rank)
    for parts in (LORA_A, LORA_B, HEAD):
        places = small.numbers_of(parts)
        change[places] = codec.decode(codec.encode(change[places], stream(0, "x")), len(places))
    heard = layout.truncate(start, small.spec.rank) + change
    made.compute(tickets(made, 2, rank=ranks))
    upload = made.held[2, 5, 0].upload
    assert upload.start.tobytes() == heard.tobytes()
    plain._modules.states[0] = layout.put(server, heard, small.spec.rank)
    plain.compute(tickets(plain, 2, rank=ranks))
    assert upload.update.tobytes() == plain.held[2, 5, 0].upload.update.tobytes()
    assert made.states[0] is server  # what the server has is exact


def test_a_part_that_has_not_changed_is_heard_as_before(
    make: Callable[..., FederatedLearner],
) -> None:
    made = make(Transfer())
    start, layout = made.states[0], made._layouts[0]
    hearing = Hearing(Qsgd(bits=2), [layout], [start], seed=0)
    assert hearing.heard(0, 0, start, 4).tobytes() == start.tobytes()
    first, second = moved(made), None
    second = first.copy()
    second[layout.numbers_of(LORA_B)] += 0.1
    before, after = hearing.heard(0, 1, first, 4), hearing.heard(0, 2, second, 4)
    kept = layout.numbers_of(LORA_A | HEAD)
    assert before[kept].tobytes() == after[kept].tobytes()
    b = layout.numbers_of(LORA_B)
    assert before[b].tobytes() != after[b].tobytes()
    assert len(hearing._known) == 3
    hearing.forget({(0, 2)})
    assert list(hearing._known) == [(0, 2, 4)]

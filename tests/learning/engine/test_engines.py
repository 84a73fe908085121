"""The engines: local steps as torch's optimisers take them, and the fast engine against PEFT's."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from netsim.errors import InputError
from netsim.learning import adapters
from netsim.learning.data.datasets import TextDataset
from netsim.learning.data.tokens import Texts, TokenCache
from netsim.learning.engine import (
    encoder_families,
    encoder_layers,
    frozen_products,
    part_gradients,
)
from netsim.learning.engine.attention import attend
from netsim.learning.engine.choice import make_engine
from netsim.learning.engine.frozen_products import FrozenLinear
from netsim.learning.engine.generic import GenericEngine
from netsim.learning.engine.local_descent import Engine, Start, descend
from netsim.learning.engine.packing import pack
from netsim.learning.engine.text_rows import LEAST, SHARED
from netsim.learning.foundation import Foundation
from netsim.learning.initial_weights import initial_vector
from netsim.learning.model_layouts import layout_of
from netsim.learning.model_loading import load_foundation
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.protocols import HEAD, LORA_A, LORA_B

MODULES = [
    ModuleSpec(4, 8, ("query", "value"), 0),
    ModuleSpec(8, 16, ("query", "key", "value", "intermediate.dense", "output.dense"), 1),
    ModuleSpec(2, 8, ("attention.output.dense",), 2),
    ModuleSpec(3, 4, ("layer.1.attention.self.key", "layer.2.attention.self.query"), 3),
    ModuleSpec(4, 16, ("query", "value"), 4),
]
DECODER = [
    ModuleSpec(4, 8, ("q_proj", "v_proj"), 0),
    ModuleSpec(
        8, 16, ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"), 1
    ),
    ModuleSpec(2, 8, ("o_proj",), 2),
    ModuleSpec(3, 4, ("layers.1.self_attn.k_proj", "layers.2.self_attn.q_proj"), 3),
    ModuleSpec(4, 16, ("q_proj", "v_proj"), 4),
]
DISTILBERT = [
    ModuleSpec(4, 8, ("q_lin", "v_lin"), 0),
    ModuleSpec(8, 16, ("q_lin", "k_lin", "v_lin", "lin1", "lin2"), 1),
    ModuleSpec(2, 8, ("out_lin",), 2),
    ModuleSpec(3, 4, ("layer.1.attention.k_lin", "layer.2.attention.q_lin"), 3),
    ModuleSpec(4, 16, ("q_lin", "v_lin"), 4),
]
SPECS = {"llama": DECODER, "qwen2": DECODER, "distilbert": DISTILBERT}
NO_TENSORS = Start(
    adapters.AdapterLayout(MODULES[0], {}, (), 0, transposed=False), np.empty(0, np.float32)
)
SAMPLES = np.array([3, 3, 3, 5, 1, 4, 2, 7, 7])
MODULE = np.array(
    [0, 0, 4, 1, 2, 3, 0, 1, 1]
)  # two of module 0 are alike, module 4 is not, two of 1 are


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_proximal_term_has_the_gradient_of_autograd(optimizer: str) -> None:
    """mu / 2 |w - w_0|^2 beside the loss, for four steps; mu = 0 changes no bit."""
    generator = torch.Generator().manual_seed(1)
    matrix = torch.randn(6, 6, generator=generator)
    start = torch.randn(6, generator=generator)

    def gradient(w: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        torch.mv(matrix, w, out=g)
        return torch.zeros(1)

    def end(mu: float | None) -> np.ndarray:
        given = {} if mu is None else {"prox": mu}
        training = LocalTraining(4, 0.05, optimizer, **given)
        at = Start(NO_TENSORS.layout, start.numpy())
        (done,) = descend(start.clone(), [at], [6], gradient, training)
        return done.update

    assert end(0.0).tobytes() == end(None).tobytes()
    w = torch.nn.Parameter(start.clone())
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    stepper = kinds[optimizer]([w], lr=0.05)
    for _ in range(4):
        stepper.zero_grad()
        (0.7 / 2 * (w - start).square().sum()).backward()
        w.grad += matrix @ w.detach()
        stepper.step()
    moved = (start - w.detach()).numpy()
    rate = 0.05 if optimizer == "sgd" else 1.0
    assert rate * end(0.7) == pytest.approx(moved, abs=1e-5)
    assert np.abs(end(0.7) - end(0.0)).max() > 1e-4


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("steps", [1, 5])
def test_steps_are_those_of_torch(optimizer: str, steps: int) -> None:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(6, 6, generator=generator)
    start = torch.randn(6, generator=generator)

    def gradient(w: torch.Tensor, g: torch.Tensor) -> list[torch.Tensor]:
        torch.mv(matrix, w, out=g)
        return [torch.zeros(1), torch.zeros(1)]

    training = LocalTraining(steps, 0.05, optimizer)
    done = descend(start.clone(), [NO_TENSORS, NO_TENSORS], [2, 4], gradient, training)
    upload = torch.from_numpy(np.concatenate([one.update for one in done]))
    w = torch.nn.Parameter(start.clone())
    kind = torch.optim.SGD if optimizer == "sgd" else torch.optim.Adam
    torch_optimizer = kind([w], lr=0.05)
    for _ in range(steps):
        w.grad = matrix @ w.detach()
        torch_optimizer.step()
    moved = start - w.detach()
    assert torch.allclose(
        upload, moved / 0.05 if optimizer == "sgd" else moved, rtol=1e-5, atol=1e-6
    )
    first = matrix @ start
    assert [one.gradient_norm for one in done] == pytest.approx(
        [float(first[:2].norm()), float(first[2:].norm())]
    )


@pytest.mark.parametrize("kind", ["roberta", "bert", "distilbert", "llama", "qwen2"])
@pytest.mark.parametrize(
    ("steps", "optimizer", "train_head"), [(1, "sgd", True), (4, "sgd", False), (4, "adam", True)]
)
def test_fast_engine_equals_peft(
    model_folder: Callable[[str], str],
    reviews: TextDataset,
    passages: TextDataset,
    kind: str,
    steps: int,
    optimizer: str,
    train_head: bool,
) -> None:
    foundation, states, fast, plain = engines(
        model_folder(kind), SPECS.get(kind, MODULES), train_head
    )
    dataset = passages if kind == "bert" else reviews  # BERT tells the sentences of a pair apart
    texts = TokenCache(foundation.tokenizer, dataset.train, 60).texts(range(SAMPLES.sum()))
    training = LocalTraining(steps, 0.05 if optimizer == "sgd" else 1e-3, optimizer)
    starts = tickets(states)
    for mine, theirs in zip(
        fast.train(starts, SAMPLES, texts, training),
        plain.train(starts, SAMPLES, texts, training),
        strict=True,
    ):
        largest = np.abs(theirs.update).max()
        difference = np.abs(mine.update - theirs.update) / largest
        # Adam divides by the root of the gradient's square: where that is tiny, rounding decides
        # the step.
        assert difference.max() < (1e-5 if optimizer == "sgd" else 1e-2)
        assert difference.mean() < 1e-5
        assert mine.train_loss == pytest.approx(theirs.train_loss, rel=1e-5)
        assert mine.gradient_norm == pytest.approx(theirs.gradient_norm, rel=1e-5)
    difference = fast.logits(states, texts) - plain.logits(states, texts)
    assert np.abs(difference).max() < 1e-5


@pytest.mark.parametrize("kind", ["roberta", "distilbert", "llama", "gpt2"])
@pytest.mark.parametrize("trained", [LORA_A, LORA_B | HEAD, HEAD])
def test_frozen_parts_have_no_gradient_and_do_not_move(
    model_folder: Callable[[str], str], reviews: TextDataset, kind: str, trained: int
) -> None:
    """What is trained moves as it would with all gradients; the rest is the same to the last bit."""
    specs = {"gpt2": [ModuleSpec(3, 6, ("c_attn",), 0)]}.get(kind, SPECS.get(kind, MODULES)[:2])
    foundation = load_foundation(model_folder(kind), 2)
    layouts = [layout_of(foundation, spec) for spec in specs]
    rng = np.random.default_rng(0)
    starts = [Start(one, rng.normal(0, 0.1, one.size).astype(np.float32)) for one in layouts]
    some = [Start(one.layout.training(trained), one.vector) for one in starts]
    texts = TokenCache(foundation.tokenizer, reviews.train, 60).texts(range(3 * len(starts)))
    samples = np.full(len(starts), 3)
    one_step, adam = LocalTraining(1, 0.05, "sgd"), LocalTraining(3, 1e-3, "adam")
    for wanted in ("fast", "generic") if kind != "gpt2" else ("generic",):
        engine = make_engine(wanted, foundation, layouts, True)
        whole = engine.train(starts, samples, texts, one_step)
        part = engine.train(some, samples, texts, one_step)
        moved = engine.train(some, samples, texts, adam)
        for start, full, mine, by_adam in zip(some, whole, part, moved, strict=True):
            norm_sq = 0.0
            for name, first in start.layout.starts.items():
                numbers = slice(first, first + int(np.prod(start.layout.shapes[name])))
                if start.layout.trains(name):
                    largest = np.abs(full.update[numbers]).max()
                    assert np.abs(mine.update - full.update)[numbers].max() <= 1e-5 * largest + 1e-8
                    assert by_adam.update[numbers].any() or not largest
                    norm_sq += float((full.update[numbers] ** 2).sum())
                else:
                    assert not mine.update[numbers].any()
                    assert not by_adam.update[numbers].any()
            assert mine.gradient_norm == pytest.approx(norm_sq**0.5, rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "targets"),
    [
        ("roberta", MODULES[3].target_modules),
        (
            "roberta",
            ("layer.2.attention.self.query", "layer.2.attention.self.key", "layer.2.output.dense"),
        ),
        ("roberta", ("layer.1.attention.self.query", "layer.1.attention.self.value")),
        ("roberta", ("layer.1.intermediate.dense",)),
        ("distilbert", DISTILBERT[3].target_modules),
        ("llama", DECODER[3].target_modules),
    ],
)
def test_nothing_below_the_lowest_adapter_is_missed(
    model_folder: Callable[[str], str], reviews: TextDataset, kind: str, targets: tuple[str, ...]
) -> None:
    """Layers that no module of the run adapts are computed once, and have no backward pass."""
    spec = ModuleSpec(3, 4, targets, 3)
    foundation, states, fast, plain = engines(model_folder(kind), [spec, spec], True)
    texts = TokenCache(foundation.tokenizer, reviews.train, 60).texts(range(12))
    assert_same(fast, plain, states, texts)


@pytest.mark.parametrize("depth", [1, 3])
def test_without_onednn_and_with_one_layer(
    model_folder: Callable[[str], str],
    reviews: TextDataset,
    monkeypatch: pytest.MonkeyPatch,
    depth: int,
) -> None:
    monkeypatch.setattr(frozen_products, "has_onednn", lambda: False)
    specs = [ModuleSpec(4, 8, ("query", "key", "value"), 0), MODULES[1]]
    foundation, states, fast, plain = engines(model_folder("roberta"), specs, True, depth=depth)
    texts = TokenCache(foundation.tokenizer, reviews.train, 60).texts(range(12))
    assert_same(fast, plain, states, texts)


def test_a_pooler_that_the_checkpoint_lacks_is_trained(
    model_folder: Callable[[str], str], reviews: TextDataset, tmp_path: Path
) -> None:
    folder = tmp_path / "bert"
    shutil.copytree(model_folder("bert"), folder)
    weights = folder / "model.safetensors"
    save_file(
        {n: t for n, t in load_file(weights).items() if ".pooler." not in n},
        weights,
        {"format": "pt"},
    )
    foundation, states, fast, plain = engines(str(folder), MODULES[:1], True)
    assert foundation.head == ("classifier", "bert.pooler")
    texts = TokenCache(foundation.tokenizer, reviews.train, 60).texts(range(6))
    training = LocalTraining(2, 0.05, "sgd")
    mine, theirs = (
        engine.train(states, np.array([6]), texts, training)[0] for engine in (fast, plain)
    )
    assert np.abs(mine.update - theirs.update).max() < 1e-5 * np.abs(theirs.update).max()
    pooler = states[0].layout.views(torch.from_numpy(mine.update))[
        "base_model.model.bert.pooler.dense.weight"
    ]
    assert float(pooler.abs().max()) > 0


@pytest.mark.parametrize("kind", ["roberta", "bert", "distilbert", "llama"])
@pytest.mark.parametrize("generic", [False, True])
def test_weights_in_bfloat16(
    model_folder: Callable[[str], str], reviews: TextDataset, kind: str, generic: bool
) -> None:
    """Frozen weights lose bits, so updates differ by a few per cent from float32; adapters lose
    none.
    """
    updates = []
    for weights in ("float32", "bfloat16"):
        foundation, states, fast, plain = engines(
            model_folder(kind), SPECS.get(kind, MODULES)[:2], True, weights=weights
        )
        assert foundation.half == (weights == "bfloat16")
        engine = plain if generic else fast
        texts = TokenCache(foundation.tokenizer, reviews.train, 60).texts(range(12))
        done = engine.train(states, np.array([7, 5]), texts, LocalTraining(1, 0.05, "sgd"))
        assert all(one.update.dtype == np.float32 for one in done)
        updates.append(np.concatenate([one.update for one in done]))
    exact, rounded = updates
    assert 1e-5 < np.linalg.norm(rounded - exact) / np.linalg.norm(exact) < 0.1


def test_what_only_frozen_weights_make_stays_in_bfloat16(
    model_folder: Callable[[str], str], reviews: TextDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They round it in any case, so nothing is lost beside conversions that are left out."""
    foundation, states, fast, _ = engines(
        model_folder("roberta"), [MODULES[0], MODULES[4]], True, weights="bfloat16"
    )
    texts = TokenCache(foundation.tokenizer, reviews.train, 60).texts(range(12))
    activations = set()
    gelu = torch.nn.functional.gelu

    def seen(z: torch.Tensor) -> torch.Tensor:
        activations.add(z.dtype)
        return gelu(z)

    monkeypatch.setattr(torch.nn.functional, "gelu", seen)

    def update() -> np.ndarray:
        done = fast.train(states, np.array([7, 5]), texts, LocalTraining(2, 0.05, "sgd"))
        return np.concatenate([one.update for one in done])

    kept = update()
    assert activations == {torch.bfloat16}
    monkeypatch.setattr(encoder_layers.Places, "frozen_inside", False)
    converted = update()
    assert activations == {torch.bfloat16, torch.float32}
    assert np.linalg.norm(kept - converted) < 1e-3 * np.linalg.norm(converted)


@pytest.mark.parametrize("kind", ["bert", "distilbert", "llama"])
@pytest.mark.parametrize("train_head", [True, False])
def test_everything_is_on_the_models_device(
    model_folder: Callable[[str], str],
    reviews: TextDataset,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    train_head: bool,
) -> None:
    """On torch's device of shapes without numbers, where a tensor left on the CPU is an error."""
    foundation = load_foundation(model_folder(kind), 2)
    layouts = [layout_of(foundation, spec) for spec in SPECS.get(kind, MODULES)[:2]]
    starts = [Start(layout, initial_vector(layout, foundation)) for layout in layouts]
    seen = []

    def once(w: torch.Tensor, plans: Any, sizes: Any, gradient: Any, local: Any) -> list[Any]:
        g = torch.zeros_like(w)
        seen.extend([g.device.type, *{part.device.type for part in gradient(w, g)}])
        return []

    monkeypatch.setattr(part_gradients, "descend", once)
    foundation.model.to("meta")
    engine = make_engine("fast", foundation, layouts, train_head)
    texts = TokenCache(foundation.tokenizer, reviews.train, 60).texts(range(9))
    engine.train(starts, np.array([4, 5]), texts, LocalTraining(1, 0.1, "sgd"))
    assert seen == ["meta", "meta"]


def test_a_ticket_does_not_see_its_neighbours(
    model_folder: Callable[[str], str], reviews: TextDataset
) -> None:
    foundation, states, fast, _ = engines(model_folder("roberta"), MODULES, True)
    texts = TokenCache(foundation.tokenizer, reviews.train, 60).texts(range(SAMPLES.sum()))
    training = LocalTraining(3, 0.05, "sgd")
    together = fast.train(tickets(states), SAMPLES, texts, training)
    ends = np.cumsum(SAMPLES)
    for number, (end, count) in enumerate(zip(ends, SAMPLES, strict=True)):
        alone = texts.part(int(end - count), int(end))
        (upload,) = fast.train(
            tickets(states)[number : number + 1], np.array([count]), alone, training
        )
        assert (
            np.abs(upload.update - together[number].update).max()
            < 1e-5 * np.abs(upload.update).max()
        )


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("residual", [False, True])
def test_frozen_products_are_those_of_torch(packed: bool, residual: bool) -> None:
    generator = torch.Generator().manual_seed(2)
    weight, bias = (torch.randn(size, generator=generator) for size in ((24, 40), (24,)))
    frozen = FrozenLinear(weight, bias)
    if packed:
        frozen = frozen.pack(back=True)
        if frozen.packed is None:
            pytest.skip("oneDNN's layout is used with AVX-512 only")
    for rows in (1, 16, 700):
        x, dy = (
            torch.randn(rows, 40, generator=generator),
            torch.randn(rows, 24, generator=generator),
        )
        y, dx = torch.nn.functional.linear(x, weight, bias), dy @ weight
        if residual:
            y, dx = y + dy, dx + x
        added, d_added = (dy.clone(), x.clone()) if residual else (None, None)
        assert torch.allclose(frozen(x, added), y, atol=1e-5)
        assert added is None or torch.equal(added, dy)
        assert torch.allclose(frozen.back(dy, d_added), dx, atol=1e-5)


def test_packing_has_a_slot_for_every_token() -> None:
    length, samples = np.array([3, 30, 4, 1, 37, 38, 20, 12]), np.array([6, 2])
    layout = pack(length, samples, 2, torch.device("cpu"))
    assert layout.tokens == 160  # 145 and idle ones, so that it is a multiple of 16
    assert len(set(layout.scatter[: 2 * length.sum()].tolist())) == 2 * length.sum()
    narrow, shared, alone = layout.rows
    assert (narrow.count, narrow.slots) == (1, LEAST)  # 4 + 3
    # 30 + 1 of one ticket, 20 + 12 of the other
    assert (shared.count, shared.slots) == (2, SHARED)
    assert (alone.count, alone.slots) == (2, 38)
    assert (
        sorted(layout.by_length.tolist())
        == layout.by_length[layout.in_order].tolist()
        == list(range(8))
    )
    assert layout.first_tokens[-1].texts.stop == 8
    assert layout.first_tokens[0].slots == LEAST  # no more than softmax is quick with
    (row,) = pack(np.array([4, 5, 6]), np.array([3]), 2, torch.device("cpu")).rows
    assert (row.count, row.slots) == (1, LEAST)  # and no more than are taken


def test_packing_pads_little() -> None:
    length = np.array([3, 30, 4, 1, 17, 18])
    layout = pack(length, np.array([6]), 2, torch.device("cpu"))
    short, *others = layout.first_tokens
    assert short.slots == LEAST
    assert sum(len(group.token) for group in others) <= 1.5 * length[length > LEAST].sum()
    assert sum(rows.count * rows.slots for rows in layout.rows) <= 1.5 * length.sum()
    halves = np.array(
        [17] * 20 + [32]
    )  # two do not fit into a row: they do not pay for the longest
    layout = pack(halves, np.array([21]), 2, torch.device("cpu"))
    assert sum(rows.count * rows.slots for rows in layout.rows) == halves.sum()


def test_a_slot_looks_at_its_own_text() -> None:
    length, heads = np.array([3, 30, 4, 1, 37, 38, 20, 12]), 2
    layout = pack(length, np.array([6, 2]), heads, torch.device("cpu"))
    qkv = torch.randn(layout.tokens, 3 * heads * 4, generator=torch.Generator().manual_seed(1))
    qkv[length.sum() :] = torch.nan  # nobody looks at idle tokens
    found = attend(qkv, layout, None)
    for text in torch.split(qkv[: length.sum()], length.tolist()):
        q, k, v = text.view(-1, 3, heads, 4).permute(1, 2, 0, 3)
        alone = torch.nn.functional.scaled_dot_product_attention(q, k, v)
        assert torch.allclose(found[: len(text)], alone.transpose(0, 1).flatten(1), atol=1e-6)
        found = found[len(text) :]


def test_a_ticket_that_diverges_stays_alone(
    model_folder: Callable[[str], str], reviews: TextDataset
) -> None:
    foundation, states, fast, _ = engines(model_folder("bert"), MODULES, True)
    texts = TokenCache(foundation.tokenizer, reviews.train, 12).texts(range(6))
    lost = Start(states[0].layout, np.full_like(states[0].vector, np.nan))
    training = LocalTraining(2, 0.05, "sgd")
    broken, sound = fast.train([lost, states[0]], np.array([3, 3]), texts, training)
    assert np.isnan(broken.update).any()
    (alone,) = fast.train([states[0]], np.array([3]), texts.part(3, 6), training)
    assert np.abs(alone.update - sound.update).max() < 1e-5 * np.abs(alone.update).max()


def test_what_the_fast_engine_leaves_to_peft(model_folder: Callable[[str], str]) -> None:
    foundation = load_foundation(model_folder("bert"), 2)
    pooler = [layout_of(foundation, ModuleSpec(4, 8, ("dense",), 0))]
    assert not encoder_families.supports(foundation, pooler)
    foundation.model.config.hidden_act = "relu"
    query = [layout_of(foundation, ModuleSpec(4, 8, ("query",), 0))]
    assert not encoder_families.supports(foundation, query)
    with pytest.raises(InputError, match=r"roberta, .*, llama, qwen2 with LoRA"):
        make_engine("fast", foundation, query, True)


def test_texts_are_padded_on_the_right() -> None:
    texts = Texts(np.arange(5), np.array([0, 0, 1, 0, 1]), np.array([3, 2]), np.array([0, 1]))
    token, segment, mask = texts.padded(9)
    assert token.tolist() == [[0, 1, 2], [3, 4, 9]]
    assert segment.tolist() == [[0, 0, 1], [0, 1, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 1, 0]]


@pytest.mark.parametrize(
    "arguments", [(0, 0.1, "sgd"), (1, 0.0, "sgd"), (1, float("nan"), "sgd"), (1, 0.1, "lion")]
)
def test_bad_training(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(InputError):
        LocalTraining(*arguments)


def assert_same(fast: Engine, plain: Engine, states: list[Start], texts: Texts) -> None:
    """Two tickets on twelve texts come to the same, and so do logits."""
    training, samples = LocalTraining(3, 0.05, "sgd"), np.array([7, 5])
    mine, theirs = (engine.train(states, samples, texts, training) for engine in (fast, plain))
    for one, other in zip(mine, theirs, strict=True):
        assert np.abs(one.update - other.update).max() < 1e-5 * np.abs(other.update).max()
    assert np.abs(fast.logits(states, texts) - plain.logits(states, texts)).max() < 1e-5


def tickets(states: list[Start]) -> list[Start]:
    """Those of MODULE, each from a start of its own."""
    return [
        Start(states[n].layout, states[n].vector * np.float32(1 + 0.1 * i))
        for i, n in enumerate(MODULE)
    ]


def engines(
    folder: str, specs: list[ModuleSpec], train_head: bool, weights: str = "float32", depth: int = 3
) -> tuple[Foundation, list[Start], Engine, GenericEngine]:
    """Both engines, and modules whose B is not zero."""
    foundation = load_foundation(folder, 2, weights=weights)
    if depth < 3:
        body: Any = foundation.model.roberta.encoder
        body.layer, foundation.model.config.num_hidden_layers = body.layer[:depth], depth
    layouts = [layout_of(foundation, spec) for spec in specs]
    fast = make_engine("fast", foundation, layouts, train_head)
    generator = np.random.default_rng(0)
    states = [initial_vector(layout, foundation) for layout in layouts]
    states = [s + generator.normal(0, 0.05, len(s)).astype(np.float32) for s in states]
    starts = [Start(layout, state) for layout, state in zip(layouts, states, strict=True)]
    return foundation, starts, fast, GenericEngine(foundation, train_head=train_head)

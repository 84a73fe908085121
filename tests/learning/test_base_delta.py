"""Frozen weights that an aggregation changes: in engines and workers, in checkpoints and on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForSequenceClassification

from netsim.errors import RunError
from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.average import Average
from netsim.learning.aggregation.named_rules import BUILT_IN
from netsim.learning.aggregation.rule import Moment, Partial
from netsim.learning.data.datasets import TextDataset
from netsim.learning.data.tokens import TokenCache
from netsim.learning.engine.local_descent import Start
from netsim.learning.learner import FederatedLearner
from netsim.learning.model_loading import load_foundation
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.protocols import Tickets

ALL = np.arange(12)
NONE = np.zeros(12, dtype=np.int64)
TARGETS = {"roberta": ("query", "value"), "llama": ("q_proj", "v_proj"), "gpt2": ("c_attn",)}


class Absorb(Average):
    """The average, whose product goes into the frozen weights while B starts anew at zero."""

    def step(
        self, state: Vector, partial: Partial, layout: AdapterLayout, rate: float, moment: Moment
    ) -> Vector:
        new = self.apply(state, partial, layout, rate)
        views = layout.views(torch.from_numpy(new))
        for a, b in layout.pairs():
            moment.add_to_base(a, (layout.spec.scale * (views[b] @ views[a])).numpy())
            views[b].zero_()
        return new


@pytest.fixture
def absorbing(
    learner: Callable[..., FederatedLearner], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., FederatedLearner]:
    monkeypatch.setitem(BUILT_IN, "absorb", Absorb)

    def make(kind: str = "roberta", modules: int = 1, **more: Any) -> FederatedLearner:
        specs = [ModuleSpec(4, 8, TARGETS[kind], n) for n in range(modules)]
        return learner(kind, modules=specs, training=LocalTraining(2, 0.05), **more)

    return make


def step(made: FederatedLearner, round: int, rule: str = "absorb") -> None:
    made.redeem(Tickets(round, ALL, NONE, made.versions[NONE]), rule)


def logits(made: FederatedLearner, reviews: TextDataset) -> np.ndarray:
    made._engine.use(made._modules.base)
    texts = TokenCache(made._foundation.tokenizer, reviews.test, 60).texts(range(20))
    return made._engine.logits([Start(made._layouts[0], made.states[0])], texts)[0]


@pytest.mark.parametrize("kind", TARGETS)
def test_what_is_absorbed_answers_as_before_and_peft_answers_the_same(
    kind: str,
    absorbing: Callable[..., FederatedLearner],
    reviews: TextDataset,
    tmp_path: Path,
) -> None:
    made, plain = absorbing(kind), absorbing(kind)
    step(made, 1)
    step(plain, 1, "average")
    assert not np.array_equal(made.states[0], plain.states[0])
    assert logits(made, reviews) == pytest.approx(logits(plain, reviews), abs=2e-5)
    step(made, 2)
    made.save(tmp_path)
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "base", num_labels=2)
    model.config.pad_token_id = 1
    model = PeftModel.from_pretrained(model, tmp_path / "0").eval()
    texts = TokenCache(made._foundation.tokenizer, reviews.test, 60).texts(range(20))
    token, _, mask = (torch.from_numpy(array) for array in texts.padded(1))
    with torch.no_grad():
        answers = model(input_ids=token, attention_mask=mask).logits
    assert answers.numpy() == pytest.approx(logits(made, reviews), abs=2e-5)


def test_a_checkpoint_and_workers_go_on_to_the_same_bytes(
    absorbing: Callable[..., FederatedLearner], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netsim.learning.composition.CHUNK_TOKENS", 64)  # several chunks
    whole, first, other = absorbing(), absorbing(workers=2), absorbing(workers=2)
    for made in (whole, first):
        step(made, 1)
    first.save_state(tmp_path)
    other.load_state(tmp_path)
    for made in (whole, first, other):
        step(made, 2)
        step(made, 3)
    rows = [made.evaluate() for made in (whole, first, other)]
    for made in (first, other):
        assert made.states[0].tobytes() == whole.states[0].tobytes()
        for path, delta in whole._modules.base.deltas.items():
            assert made._modules.base.deltas[path].tobytes() == delta.tobytes()
    assert rows[0] == rows[1] == rows[2]
    assert rows[0] != absorbing().evaluate()


def test_the_model_that_others_use_stays_as_it_is(
    absorbing: Callable[..., FederatedLearner], model_folder: Callable[[str], str]
) -> None:
    shared = load_foundation(model_folder("roberta"), 2)
    before = shared.norm_sq()
    made = absorbing(foundation=shared)
    step(made, 1)
    made.evaluate()
    assert shared.norm_sq() == before
    assert made._engine.foundation.norm_sq() != before


def test_it_is_refused_where_others_stand_on_the_same_weights(
    absorbing: Callable[..., FederatedLearner],
) -> None:
    with pytest.raises(RunError, match=r"the only module \(found 2 modules\)"):
        step(absorbing(modules=2), 1)
    made = absorbing()
    flight = Tickets(1, ALL[:1], NONE[:1], NONE[:1])
    with pytest.raises(RunError, match="may not outlast their rounds"):
        made.redeem(Tickets(1, ALL[1:], NONE[1:], NONE[1:]), "absorb", flight)

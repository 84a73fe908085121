"""B over unit rows of A is a part of the columns of the weights: SLoRA's sparse stage."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from netsim.errors import InputError
from netsim.learning.learner import FederatedLearner
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.protocols import HEAD, LORA_B, Tickets

SPARSE = ModuleSpec(4, 8.0, ("query", "value"), 3, unit_rows=True)  # scale 2
RATE = 0.1


def test_a_step_is_one_of_the_weights_in_the_mask(
    learner: Callable[..., FederatedLearner], model_folder: Callable[[str], str]
) -> None:
    """The change of every weight is -rate scale^2 its gradient by autograd in the chosen columns,
    and nothing elsewhere.
    """
    made = learner(modules=[SPARSE], training=LocalTraining(1, RATE, "sgd"))
    layout, start = made._layouts[0], made.states[0].copy()
    one = np.zeros(1, dtype=np.int64)
    parts = np.full(1, LORA_B | HEAD)
    made.redeem(Tickets(1, one, one, one, trained=parts), "average")
    before, after = (layout.views(torch.from_numpy(v)) for v in (start, made.states[0]))

    model = AutoModelForSequenceClassification.from_pretrained(
        model_folder("roberta"), num_labels=2
    )
    named = dict(model.named_parameters())
    with torch.no_grad():
        for name, view in before.items():
            if "lora" not in name:
                named[name.removeprefix("base_model.model.")].copy_(view)
    rows = made._batches.partition.round_samples(0, 1, 0, int(made._batches.samples[0]))
    texts = made._batches.tokens.texts(rows)
    token, _, mask = (torch.from_numpy(array) for array in texts.padded(1))
    logits = model.eval()(input_ids=token, attention_mask=mask).logits
    torch.nn.functional.cross_entropy(logits, torch.from_numpy(texts.label)).backward()
    for a, b in layout.pairs():
        assert before[a].tolist() == after[a].tolist()
        chosen = before[a].argmax(dim=1)
        assert len(set(chosen.tolist())) == 4
        assert (before[a].sum(dim=1) == 1).all()
        change = 2.0 * (after[b] @ after[a])
        path = a.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
        dense = named[path + ".weight"].grad
        assert dense is not None
        expected = torch.zeros_like(dense)
        expected[:, chosen] = -RATE * 2.0**2 * dense[:, chosen]
        largest = float(expected.abs().max())
        assert largest > 1e-7
        assert change.numpy() == pytest.approx(expected.numpy(), rel=1e-4, abs=1e-3 * largest)


def test_there_are_no_more_columns_than_inputs(learner: Callable[..., FederatedLearner]) -> None:
    many = ModuleSpec(4096, 8.0, ("query",), 0, unit_rows=True)
    with pytest.raises(InputError, match=r"at most as many columns as a layer has inputs"):
        learner(modules=[many])

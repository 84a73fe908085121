"""SCAFFOLD's arithmetic, on quadratics that differ from UE to UE: F_i(w) = (w - o_i)^T H_i (w - o_i) / 2."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.average import Average
from netsim.learning.aggregation.control_variates import ControlVariates
from netsim.learning.aggregation.memories import Memories
from netsim.learning.aggregation.rule import Rule, StatefulRule, Upload
from netsim.learning.engine.local_descent import Start, descend
from netsim.learning.learner import FederatedLearner
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.protocols import HEAD, LORA_A, LORA_B, WHOLE, Aggregation, Tickets

NAME = "base_model.model.x.lora_{}.weight"
LAYOUT = AdapterLayout(
    ModuleSpec(1, 1, ("x",), 0),
    {NAME.format("A"): (1, 1), NAME.format("B"): (1, 1), "base_model.model.head.bias": (2,)},
    ("head",),
    2,
    transposed=False,
)
SIZE, UES = 4, 3
SAMPLES = (1, 2, 5)
CURVATURE = torch.tensor([[1.0, 4.0, 0.5, 2.0], [3.0, 0.5, 2.0, 1.0], [0.5, 1.0, 3.0, 0.3]])
OPTIMUM = torch.tensor([[1.0, -2.0, 3.0, 0.0], [-1.0, 2.0, 0.0, 4.0], [2.0, 1.0, -1.0, 1.0]])
STEPS, RATE = 5, 0.05


def common_optimum() -> np.ndarray:
    """Where sum_i D_i grad F_i = 0."""
    weight = torch.tensor(SAMPLES)[:, None] * CURVATURE
    return ((weight * OPTIMUM).sum(0) / weight.sum(0)).numpy()


@dataclass
class Federation:
    """Rounds by the project's own descent and rules; who takes part, and whose uploads are lost."""

    rule: Rule
    optimizer: str = "sgd"
    w: Vector = field(default_factory=lambda: np.zeros(SIZE, dtype=np.float32))
    memories: Memories = field(default_factory=lambda: Memories(0))
    round: int = 0

    def step(
        self,
        ues: tuple[int, ...] = (0, 1, 2),
        lost: tuple[int, ...] = (),
        parts: int = WHOLE,
    ) -> None:
        self.round += 1
        partial = None
        uploads = [self.train(ue, parts) for ue in ues]
        for upload in uploads:
            if upload.ue not in lost:
                partial = self.rule.add(partial, upload, LAYOUT)
        if partial is None:
            return
        rate = RATE if self.optimizer == "sgd" else 1.0
        if isinstance(self.rule, StatefulRule):
            moment = self.memories.moment("rule", self.round, 0)
            self.w = self.rule.step(self.w, partial, LAYOUT, rate, moment)
        else:
            self.w = self.rule.apply(self.w, partial, LAYOUT, rate)

    def train(self, ue: int, parts: int) -> Upload:
        correction = None
        if isinstance(self.rule, ControlVariates):
            moment = self.memories.ue_moment("rule", self.round, ue, 0)
            correction = self.rule.correction(LAYOUT, moment)
            self.memories.keep("rule", moment)
        layout = LAYOUT.training(parts)
        frozen = torch.ones(SIZE)
        frozen[torch.from_numpy(layout.numbers_of(parts))] = 0.0

        def gradient(w: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
            g.copy_((1 - frozen) * CURVATURE[ue] * (w - OPTIMUM[ue]))
            return torch.zeros(1)

        start = Start(layout, self.w, correction)
        training = LocalTraining(STEPS, RATE, self.optimizer)
        (found,) = descend(torch.from_numpy(self.w.copy()), [start], [SIZE], gradient, training)
        extra = {} if found.gradient is None else {"gradient": found.gradient}
        upload = Upload(
            module=0,
            rank=1,
            samples=SAMPLES[ue],
            staleness=0,
            start=self.w,
            update=found.update,
            rate=RATE if self.optimizer == "sgd" else 1.0,
            ue=ue,
            parts=parts,
            extra=extra,
        )
        if isinstance(self.rule, ControlVariates):
            moment = self.memories.ue_moment("rule", self.round, ue, 0)
            upload = self.rule.leave(upload, LAYOUT, moment)
            self.memories.keep("rule", moment)
        return upload

    @property
    def common(self) -> np.ndarray:
        """c."""
        return self.memories.of_module["rule", 0]["variate"]

    def mean_of_own(self) -> np.ndarray:
        """sum_i D_i c_i / sum_i D_i, with what the server has got of each."""
        came = self.memories.of_module["rule", 0]["came"]
        total = np.zeros(SIZE)
        for ue in range(UES):
            memory = self.memories.of_ue.get(("rule", ue, 0))
            own = memory.get("variate", np.zeros(SIZE))
            if "since" in memory and ue < len(came) and came[ue] == memory["since"][0]:
                own = memory["next"]
            total += SAMPLES[ue] * own
        return total / sum(SAMPLES)


def scaffold() -> ControlVariates:
    return ControlVariates(samples=sum(SAMPLES))


def test_the_optimum_is_reached_where_averaging_stays_away() -> None:
    """Five local steps drift: FedAvg stops elsewhere; so also with one UE in each round."""
    plain, corrected, one = Federation(Average()), Federation(scaffold()), Federation(scaffold())
    for round in range(150):
        plain.step()
        corrected.step()
        one.step((round % 3,))
    assert np.abs(plain.w - common_optimum()).max() > 0.02
    assert np.abs(corrected.w - common_optimum()).max() < 1e-4
    for round in range(150, 450):
        one.step((round % 3,))
    assert np.abs(one.w - common_optimum()).max() < 0.2 * np.abs(plain.w - common_optimum()).max()


def test_the_first_two_rounds_are_those_by_hand() -> None:
    """Algorithm 1 with option II, written out in float64, with weights by samples."""
    made = Federation(scaffold())
    h, o = CURVATURE.double().numpy(), OPTIMUM.double().numpy()
    weight = np.array(SAMPLES) / sum(SAMPLES)
    x, c, own = np.zeros(SIZE), np.zeros(SIZE), np.zeros((UES, SIZE))
    for ues in ((0, 1, 2), (0, 2)):
        made.step(ues)
        change_x, change_c = np.zeros(SIZE), np.zeros(SIZE)
        total = sum(SAMPLES[ue] for ue in ues)
        for ue in ues:
            y = x.copy()
            for _ in range(STEPS):
                y = y - RATE * (h[ue] * (y - o[ue]) - own[ue] + c)
            new = own[ue] - c + (x - y) / (STEPS * RATE)
            change_x += SAMPLES[ue] / total * (y - x)
            change_c += weight[ue] * (new - own[ue])
            own[ue] = new
        x, c = x + change_x, c + change_c
        assert made.w == pytest.approx(x, abs=1e-5)
        assert made.common == pytest.approx(c, abs=1e-5)


def test_lost_uploads_leave_the_common_variate_the_mean_of_the_ues() -> None:
    made = Federation(scaffold())
    for round in range(60):
        made.step(lost=((round // 2) % 3,))
        assert made.common == pytest.approx(made.mean_of_own(), abs=1e-5)
    for _ in range(150):
        made.step()
    assert np.abs(made.w - common_optimum()).max() < 1e-4


def test_a_factor_that_is_frozen_has_no_variates_and_stays() -> None:
    made = Federation(scaffold())
    for _ in range(3):
        made.step(parts=LORA_B | HEAD)
    a = LAYOUT.numbers_of(LORA_A)
    assert (made.common[a] == 0).all()
    assert (made.w[a] == 0).all()
    assert (np.delete(made.common, a) != 0).all()


def test_local_adam_has_the_mean_of_its_gradients() -> None:
    """After a round of everybody, c_i is the mean gradient on the way, and c that of the UEs."""
    made = Federation(scaffold(), "adam")
    made.step()
    for ue in range(UES):
        w = torch.nn.Parameter(torch.zeros(SIZE))
        adam, seen = torch.optim.Adam([w], lr=RATE), torch.zeros(SIZE)
        for _ in range(STEPS):
            w.grad = CURVATURE[ue] * (w.detach() - OPTIMUM[ue])
            seen += w.grad / STEPS
            adam.step()
        memory = made.memories.of_ue.get(("rule", ue, 0))
        assert memory["next"] == pytest.approx(seen.numpy(), abs=1e-5)
    assert made.common == pytest.approx(made.mean_of_own(), abs=1e-5)


def test_rounds_of_a_learner_are_those_by_hand(learner: Callable[..., FederatedLearner]) -> None:
    """One local step of SGD: c_i = g_i(x_0), c = sum_i p_i g_i(x_0), then some UEs alone from x_1:

    x_2 = x_1 - eta sum_i p_i (g_i(x_1) - c_i + c), p over those; plain averages give the gradients.
    """
    sgd = LocalTraining(1, 0.1, "sgd")
    one = [ModuleSpec(2, 4, ("query",), 0)]
    everybody, some = np.arange(12), np.array([1, 4, 5, 9])

    def after(
        made: FederatedLearner, round: int, ue: np.ndarray, rule: str | Aggregation
    ) -> Vector:
        nothing = np.zeros_like(ue)
        made.redeem(Tickets(round, ue, nothing, made.versions[nothing]), rule)
        return made.states[0].astype(np.float64)

    made = learner(modules=one, training=sgd)
    rule = Aggregation("control_variates", {"samples": float(made._batches.samples.sum())})
    x0 = made.states[0].astype(np.float64)
    x1 = after(made, 1, everybody, rule)
    x2 = after(made, 2, some, rule)
    plain = learner(modules=one, training=sgd)
    own = x0 - after(plain, 1, some, "average")  # eta sum p_i g_i(x_0) of those
    plain = learner(modules=one, training=sgd)
    common = x0 - after(plain, 1, everybody, "average")
    assert x1 == pytest.approx(x0 - common, abs=1e-7)
    plain._modules.states[0] = x1.astype(np.float32)
    step = x1 - after(plain, 2, some, "average")
    assert x2 == pytest.approx(x1 - (step - own + common), abs=1e-6)
    assert np.abs(own - common).max() > 1e-3

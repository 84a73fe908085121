"""Differential privacy: norms, noise, and epsilon against dp-accounting used directly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netsim
from netsim.assembly import Loaded, build_parts
from netsim.errors import ScenarioError
from netsim.learning.adapters import AdapterLayout
from netsim.learning.codecs.quantised import Qsgd
from netsim.learning.codecs.sparse import RandomK
from netsim.learning.learner import FederatedLearner
from netsim.learning.privacy import LEDGER, SPENT, PrivateRounds, Weights, clipped_to, epsilon_of
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.learning.transfer import Privacy, Transfer
from netsim.protocols import HEAD, LORA_A, LORA_B, Codec, Silence, Tickets
from netsim.scenario.load import load_scenario

dp = pytest.importorskip("dp_accounting", reason="needs the extra dp")

ONE = [ModuleSpec(4, 8, ("query", "value"), 0)]
ALL = np.arange(12)
NONE = np.zeros(12, dtype=np.int64)
LOADED = Loaded()


def accountant(*multipliers: float) -> Any:
    """dp-accounting's own, which is told of every upload one by one."""
    zero_out = dp.NeighboringRelation.REPLACE_SPECIAL
    found = dp.pld.PLDAccountant(neighboring_relation=zero_out)
    for multiplier in multipliers:
        found.compose(dp.GaussianDpEvent(multiplier))
    return found


@pytest.fixture
def make(learner: Callable[..., FederatedLearner]) -> Callable[..., FederatedLearner]:
    def made(up: Codec | None = None, optimizer: str = "adam", **privacy: Any) -> FederatedLearner:
        kinds = {"central": True, "clip_norm": 0.3, "noise_multiplier": 2.0, "delta": 1e-5}
        transfer = Transfer(up, privacy=Privacy(**{**kinds, **privacy}))
        return learner(modules=ONE, training=LocalTraining(2, 0.05, optimizer), transfer=transfer)

    return made


def tickets(round: int, ue: Any = ALL, plan: Any = ALL, sent: Any = None) -> Tickets:
    planned = Tickets(round, plan, plan * 0, plan * 0)
    return Tickets(round, ue, ue * 0, ue * 0, trained=sent, sent=sent, planned=planned)


def test_epsilon_is_that_of_the_library_told_one_by_one() -> None:
    multipliers = [3.0, 5.0, 2.5, 8.0]
    spent = sum(z**-2 for z in multipliers)
    for delta in (1e-5, 1e-3):
        assert epsilon_of(spent, delta) == pytest.approx(
            accountant(*multipliers).get_epsilon(delta), rel=1e-3
        )
    assert epsilon_of(0.0, 1e-5) == 0.0


def test_what_arrives_is_accounted_for_and_not_what_was_planned(
    make: Callable[..., FederatedLearner],
) -> None:
    """Fewer arrivals weigh more in the mean, whose noise was set for all of the plan."""
    made = make()
    samples = made._batches.samples.astype(float)
    heaviest = int(samples.argmax())
    found = made.redeem(tickets(1), "average")
    assert found.epsilon == pytest.approx(accountant(2.0).get_epsilon(1e-5), rel=1e-3)
    few = np.array([0, heaviest, 5])
    made._modules.versions[0] = 0
    found = made.redeem(tickets(2, few), "average")
    second = 2.0 * samples[few].sum() / samples.sum()
    assert found.epsilon == pytest.approx(accountant(2.0, second).get_epsilon(1e-5), rel=1e-3)
    spent = made._memories.of_module[LEDGER, 0][SPENT]
    once = (samples / samples.max() / 2.0) ** 2
    assert spent[3] == pytest.approx(once[3])
    assert spent[5] == pytest.approx(once[5] + (samples[5] / samples.max() / second) ** 2)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("up", [None, Qsgd(bits=3), RandomK()], ids=["none", "qsgd", "random_k"])
def test_no_upload_is_longer_than_the_norm(
    make: Callable[..., FederatedLearner], up: Codec | None, optimizer: str
) -> None:
    """Neither as it leaves nor as it is decoded, whatever the units of the update."""
    made = make(up, optimizer, clip_norm=0.02)
    made.compute(tickets(1))
    norms = [
        float(np.linalg.norm(done.upload.rate * done.upload.update)) for done in made.held.values()
    ]
    assert max(norms) == pytest.approx(0.02, rel=1e-4)


def test_noise_at_the_gnb_has_the_deviation_of_the_plan(
    make: Callable[..., FederatedLearner],
) -> None:
    made, exact = make(noise_multiplier=50.0), make(noise_multiplier=1e-9)
    few = ALL[:7]
    for one in (made, exact):
        one.redeem(tickets(1, few), "average")
    noise = made.states[0] - exact.states[0]
    samples = made._batches.samples
    expected = 50.0 * 0.3 * samples.max() / samples.sum()
    assert noise.std() == pytest.approx(expected, rel=0.05)
    assert abs(noise.mean()) < 4 * expected / len(noise) ** 0.5


def test_parts_have_noise_by_those_who_were_to_send_them() -> None:
    """Half of the UEs send A, all send the head; B, which nobody sends, stays without noise."""
    shapes = {"l.lora_A.weight": (4, 500), "l.lora_B.weight": (500, 4), "head.weight": (4, 500)}
    layout = AdapterLayout(ModuleSpec(4, 8, ("l",), 0), shapes, ("head",), 4000, transposed=False)
    planned = Weights(np.array([4, 4, 4, 4]), np.array([LORA_A | HEAD, HEAD, LORA_A | HEAD, HEAD]))
    class_of = type("Memory", (), {"seed": 0, "of_module": {}})
    private = PrivateRounds(Privacy(True, 0.5, 3.0, 1e-5), class_of(), 4)
    total = {"sum": np.zeros(6000), "samples_of_part": planned.of_part}
    deviation = private.add_noise(total, layout, 1.0, planned=planned, round=1, module=0)
    mean = total["sum"] / np.maximum(layout.spread(planned.of_part), 1)
    for part, share in ((LORA_A, 1 / 2), (HEAD, 1 / 4)):
        assert mean[layout.numbers_of(part)].std() == pytest.approx(3.0 * 0.5 * share, rel=0.06)
    assert not total["sum"][layout.numbers_of(LORA_B)].any()
    private.spend_central(
        np.array([0, 1]), Weights(planned.samples[:2], planned.parts[:2]), deviation
    )
    spent = private.memories.of_module[LEDGER, 0][SPENT]
    assert spent[0] == pytest.approx(
        (2 / 3) ** 2
    )  # alone with its A, of two; one of two heads of four
    assert spent.tolist() == pytest.approx([(2 / 3) ** 2, (2 / 3) ** 2, 0, 0])


def test_local_noise_is_in_every_upload(make: Callable[..., FederatedLearner]) -> None:
    made = make(central=False, clip_norm=0.01, noise_multiplier=4.0)
    made.compute(tickets(1))
    noise = np.concatenate([done.upload.update for done in made.held.values()])
    assert noise.std() == pytest.approx(0.04, rel=0.05)
    assert not np.array_equal(made.held[1, 0, 0].upload.update, made.held[1, 1, 0].upload.update)
    found = made.redeem(tickets(1, ALL[:5]), "average")
    assert found.epsilon == pytest.approx(accountant(4.0).get_epsilon(1e-5), rel=1e-3)
    assert (made._memories.of_module[LEDGER, 0][SPENT] > 0).sum() == 5


def test_accounts_go_on_from_a_checkpoint(
    make: Callable[..., FederatedLearner], tmp_path: Path
) -> None:
    whole, first, other = make(Qsgd()), make(Qsgd()), make(Qsgd())
    for made in (whole, first):
        made.redeem(tickets(1, ALL[:6]), "average")
    first.save_state(tmp_path)
    other.load_state(tmp_path)
    found = []
    for made in (whole, other):
        later = np.ones_like(ALL)
        ticket = Tickets(2, ALL, NONE, later, planned=Tickets(2, ALL, NONE, later))
        found.append(made.redeem(ticket, "average").epsilon)
    assert found[0] == found[1]
    assert whole.states[0].tobytes() == other.states[0].tobytes()


def test_short_vectors_are_not_scaled() -> None:
    x = np.float32([3.0, 4.0])
    assert clipped_to(5.0, x) is x
    assert clipped_to(1.0, x).tolist() == pytest.approx([0.6, 0.8])
    lost = np.float32([np.nan, 1.0])
    assert np.isnan(clipped_to(1.0, lost)[0])


SMALL: dict[str, Any] = {
    "rounds": 3,
    "ues.count": 6,
    "topology.window_km": 8,
    "data.train_samples": 200,
    "data.test_samples": 20,
    "data.samples_per_ue": 20,
    "devices": [{"samples_min": 2, "samples_max": 3}],
    "learning.local_steps": 1,
    "learning.workers": 1,
    "scheme.kind": "fedlora",
    "privacy.kind": "central",
    "privacy.noise_multiplier": 3.0,
}


def test_epsilon_of_a_run_follows_from_its_uploads_table(tmp_path: Path) -> None:
    """From the tables alone, by dp-accounting: nobody has to trust what the learner says."""
    run = netsim.run(load_scenario("quickstart", SMALL), out=tmp_path / "run", loaded=LOADED)
    samples = run.ues.collect().sort("ue")["samples"].to_numpy().astype(float)
    uploads = run.uploads.collect()
    planned = run.subscriptions.collect()
    told: dict[int, list[float]] = {}
    found = run.rounds.collect().sort("round")["epsilon"].to_list()
    for round, epsilon in enumerate(found, start=1):
        of_plan = planned.filter((planned["round"] == round) & planned["subscribed"])[
            "ue"
        ].to_numpy()
        came = uploads.filter((uploads["round"] == round) & (uploads["outcome"] == "on_time"))
        ue = came["ue"].to_numpy()
        assert len(ue) > 0
        deviation = 3.0 * samples[of_plan].max() / samples[of_plan].sum()
        for one in ue.tolist():
            told.setdefault(one, []).append(deviation * samples[ue].sum() / samples[one])
        worst = max(told.values(), key=lambda multipliers: sum(z**-2 for z in multipliers))
        assert epsilon == pytest.approx(accountant(*worst).get_epsilon(1e-5), rel=2e-3)


@pytest.mark.parametrize(
    ("chosen", "rule"),
    [
        (
            {"scheme.kind": "flexlora"},
            r"privacy\.kind: must be none with scheme\.kind = flexlora: noise",
        ),
        (
            {"scheme.kind": "scaffold"},
            r"privacy\.kind: .*scheme\.kind = scaffold: control variates",
        ),
        (
            {"learning.control_variates": True},
            r"privacy\.kind: must be none with learning\.control_variates = true",
        ),
        ({"scheme.kind": "split_lora"}, r"privacy\.kind: .*split_lora, which sends activations"),
        ({"scheme.kind": "hetlora"}, r"privacy\.kind: .*scheme\.kind = hetlora: its plans tell"),
        ({"privacy.delta": 1.0}, r"privacy\.delta: .*less than 1"),
        ({"flower": {}}, r"flower needs privacy\.kind = none"),
    ],
    ids=lambda chosen: next(iter(chosen)) if isinstance(chosen, dict) else "",
)
def test_what_does_not_go_together_is_refused(chosen: dict[str, Any], rule: str) -> None:
    with pytest.raises(ScenarioError, match=rule):
        build_parts(load_scenario("quickstart", {**SMALL, **chosen}), Silence(), LOADED)


def test_local_noise_goes_with_products(tmp_path: Path) -> None:
    chosen = {"scheme.kind": "flexlora", "privacy.kind": "local", "rounds": 1}
    run = netsim.run(
        load_scenario("quickstart", {**SMALL, **chosen}), out=tmp_path / "run", loaded=LOADED
    )
    (epsilon,) = run.rounds.collect()["epsilon"]
    assert epsilon == pytest.approx(accountant(3.0).get_epsilon(1e-5), rel=1e-3)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netsim.assembly.transfer.find_spec", lambda name: None)
    with pytest.raises(ScenarioError, match=r"privacy\.kind: needs the extra 'dp': pip install"):
        build_parts(load_scenario("quickstart", SMALL), Silence(), LOADED)

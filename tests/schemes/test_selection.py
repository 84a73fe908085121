"""Oort, power-of-choice and FedCS: who is taken, by hand; what learning the losses costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from netsim.assembly import Loaded, build_parts, build_simulation
from netsim.errors import ScenarioError
from netsim.protocols import Observation, RoundOutcome, Silence
from netsim.results.writer import MemorySink
from netsim.scenario.load import load_scenario
from netsim.schemes.fedcs import FedCs, Times, select_in_time
from netsim.schemes.group import GroupSize
from netsim.schemes.oort import Feedback, Oort
from netsim.schemes.power_of_choice import PowerOfChoice
from netsim.schemes.sampling import LOSS_BITS, drawn_by_weight, expected_s

LOADED = Loaded()


def test_draws_follow_the_weights() -> None:
    """Of weights 1, 2, 3 two: {1, 2} with 1/6 2/5 + 2/6 1/4, and so on."""
    marks = np.random.default_rng(0).exponential(size=(4000, 3))
    weight = np.array([1.0, 2.0, 3.0])
    missing = [3 - int(drawn_by_weight(mark, weight, 2).sum()) for mark in marks]
    expected = {
        2: 1 / 6 * 2 / 5 + 2 / 6 * 1 / 4,
        1: 1 / 6 * 3 / 5 + 3 / 6 * 1 / 3,
        0: 2 / 6 * 3 / 4 + 3 / 6 * 2 / 3,
    }
    for left_out, probability in expected.items():
        share = np.mean(np.array(missing) == left_out)
        assert abs(share - probability) < 4 * np.sqrt(probability * (1 - probability) / 4000)


# -- Oort ------------------------------------------------------------------------------------------


def outcome(
    observation: Observation, ue: list[int], took_s: list[float], rms: list[float]
) -> RoundOutcome:
    plan = Oort(GroupSize(len(ue))).plan(observation)
    count = len(ue)
    return RoundOutcome(
        plan=replace(plan, ue=np.array(ue), module=np.zeros(count, dtype=np.int64)),
        on_time=np.isfinite(rms),
        start_s=0.0,
        end_s=1.0,
        heard=np.ones(count, dtype=bool),
        took_s=np.array(took_s),
        train_loss=np.array(rms),
        loss_rms=np.array(rms),
    )


def test_utility_of_oort_by_hand(observe: Callable[..., Observation]) -> None:
    """U = |B| rms + sqrt(0.1 ln R / L), times (T / t)^alpha where t > T."""
    first = observe()
    previous = outcome(first, [0, 1, 2], [0.5, 4.0, 3.0], [0.6, 0.9, np.nan])
    scheme = Oort(clip=1.0, pacer_step_s=2.0)
    scheme.plan(replace(observe(round=2), previous=previous))
    known = scheme._known
    assert known is not None
    first_two = first.samples[:2] * np.array([0.6, 0.9])
    assert known.utility[:2] == pytest.approx(first_two)
    assert np.isnan(known.utility[2:]).all()  # late: unexplored, but its time is known
    assert known.took_s[2] == 3.0
    time_s = np.where(np.isnan(known.took_s), 1.0, known.took_s)
    utility = scheme._utility(known, time_s, 2)
    unsure = np.sqrt(0.1 * np.log(2) / 1)
    assert utility[0] == pytest.approx(first_two[0] + unsure)
    assert utility[1] == pytest.approx((first_two[1] + unsure) * (2.0 / 4.0) ** 2)


def test_oort_takes_the_best_that_it_knows_and_some_that_it_does_not(
    observe: Callable[..., Observation],
) -> None:
    """epsilon 0: the explored with the largest losses. epsilon 1: only others."""
    first = observe()
    ues = len(first.gnb)
    explored = list(range(ues - 4))
    rms = [10.0 if ue in (3, 5) else 1e-6 for ue in explored]
    previous = outcome(first, explored, [0.1] * len(explored), rms)
    second = replace(observe(round=2), previous=previous, samples=np.ones(ues, dtype=np.int64))
    chosen: dict[float, set[int]] = {}
    for epsilon in (0.0, 1.0):
        scheme = Oort(
            GroupSize(2),
            exploration=epsilon,
            least_exploration=0.0,
            exploration_decay=1.0,
            clip=1.0,
        )
        chosen[epsilon] = set(scheme.plan(second).ue.tolist())
    assert chosen[0.0] == {3, 5}
    assert len(chosen[1.0]) == 2
    assert chosen[1.0] <= set(range(ues - 4, ues))


def test_only_utilities_near_the_last_one_take_part() -> None:
    """c times the second best: 0.95 x 8 = 7.6, so that 7.7 may come in and 7.5 never."""
    utility = np.array([10.0, 8.0, 7.7, 7.5])
    taken = set[int]()
    marks = np.random.default_rng(1).exponential(size=(200, 4))
    for mark in marks:
        taken |= set(Oort()._exploit(np.arange(4), utility, mark, 2).tolist())
    assert taken == {0, 1, 2}


def test_the_pacer_relaxes_when_less_is_gained() -> None:
    known = Feedback.at_start(2, 0.5)
    for gained, preferred_s in ((5, 0.5), (5, 0.5), (4, 0.5), (4, 1.0), (9, 1.0), (9, 1.0)):
        known.gained = np.append(known.gained, float(gained))
        known.pace(2)
        assert known.preferred_s == preferred_s


def test_exploration_decays_to_its_least() -> None:
    scheme = Oort()
    assert scheme._epsilon(1) == 0.9
    assert scheme._epsilon(3) == pytest.approx(0.9 * 0.98**2)
    assert scheme._epsilon(1000) == 0.2


# -- power-of-choice and rounds that are run -------------------------------------------------------

SMALL: dict[str, Any] = {
    "rounds": 4,
    "ues.count": 8,
    "topology.window_km": 8,
    "data.train_samples": 200,
    "data.test_samples": 20,
    "data.samples_per_ue": 20,
    "devices": [{"samples_min": 2, "samples_max": 9}],
    "learning.local_steps": 2,
    "learning.workers": 1,
    "scheme.ues_per_round": 2,
}


def run(**chosen: Any) -> tuple[MemorySink, list[Observation], Any]:
    """Tables, what the scheme saw, and the learner."""
    parts = build_parts(load_scenario("quickstart", {**SMALL, **chosen}), Silence(), LOADED)
    seen: list[Observation] = []
    plan = parts.scheme.plan
    parts.scheme.plan = lambda observation: (seen.append(observation), plan(observation))[1]  # type: ignore[method-assign, func-returns-value]
    sink = MemorySink()
    build_simulation(parts, sink, Silence()).run(parts.scheme)
    return sink, seen, parts


def test_candidates_pay_for_their_losses_and_the_worst_train() -> None:
    sink, seen, parts = run(**{"scheme.kind": "power_of_choice", "scheme.candidates": 5})
    uploads, spans = sink.frame("uploads"), sink.frame("spans")
    asked = uploads.filter(pl.col("round").is_in([1, 3]))
    assert set(asked["payload_bits"]) == {LOSS_BITS}
    assert asked.group_by("round").len()["len"].to_list() == [5, 5]
    computing = spans.filter((pl.col("kind") == "compute") & (pl.col("round") == 1))
    fleet = parts.setting.fleet
    for row in computing.iter_rows(
        named=True
    ):  # a forward pass, of two steps of twice as much each
        assert row["energy_j"] == pytest.approx(fleet.compute_energy_j[row["ue"]] / 4)
        assert row["train_loss"] is None
    heard = spans.filter((pl.col("kind") == "broadcast") & (pl.col("round") > 0))
    assert (heard.filter(pl.col("round") == 1)["bits"] > LOSS_BITS).all()
    assert (heard.filter(pl.col("round") == 2)["bits"] == 0).all()  # they hold it already

    arrived = asked.filter((pl.col("round") == 1) & (pl.col("outcome") == "on_time"))
    trained = set(uploads.filter(pl.col("round") == 2)["ue"])
    module = dict(arrived.select("ue", "module").iter_rows())
    assert seen[1].local_loss is not None
    ue = np.array(sorted(module))
    # the modules have changed since, so the order is asked of a learner at the start
    fresh = build_parts(parts.scenario, Silence(), LOADED)
    assert fresh.learner is not None
    loss = fresh.learner.local_loss(1, ue)[np.arange(len(ue)), [module[u] for u in ue.tolist()]]
    worst = ue[np.argsort(-loss, kind="stable")[:2]]
    assert trained == set(worst.tolist())
    for row in uploads.filter(pl.col("round") == 2).iter_rows(named=True):
        assert row["module"] == module[row["ue"]]


def test_reported_losses_cost_no_round() -> None:
    """Those that have not been heard come first; then the largest losses of their own training."""
    sink, seen, _ = run(
        **{
            "scheme.kind": "power_of_choice",
            "scheme.candidates": 8,
            "scheme.losses": "reported",
            "scheme.ues_per_round": 4,
            "round.deadline_s": 100.0,
        }
    )
    uploads = sink.frame("uploads")
    assert (uploads["payload_bits"] > LOSS_BITS).all()
    first, second = (set(uploads.filter(pl.col("round") == r)["ue"]) for r in (1, 2))
    heard = set(
        uploads.filter((pl.col("round") == 1) & (pl.col("outcome") == "on_time"))["ue"].to_list()
    )
    assert second >= set(range(8)) - first
    assert len(heard) > 0
    previous = seen[1].previous
    assert previous is not None
    assert previous.loss_rms is not None
    assert previous.train_loss is not None
    known = np.isfinite(previous.train_loss)
    assert set(previous.plan.ue[known].tolist()) == heard
    assert (previous.loss_rms[known] >= previous.train_loss[known] - 1e-6).all()


def test_fewer_candidates_than_places_are_refused() -> None:
    with pytest.raises(ScenarioError, match=r"scheme\.candidates: must be at least"):
        PowerOfChoice(candidates=3)


# -- FedCS -----------------------------------------------------------------------------------------

COMPUTING_S = np.array([4.0, 1.0, 2.0, 9.0])
ALONE_S = np.array([1.0, 3.0, 2.0, 1.0])  # t_UL in the whole band
DOWNLOAD_S = np.array([0.5, 0.5, 1.0, 0.5])


def times(*, sequential: bool, barrier: bool = True) -> Times:
    return Times(
        module=np.zeros(4, dtype=np.int64),
        download_s=DOWNLOAD_S,
        computing_s=COMPUTING_S,
        upload_s=lambda sharing: ALONE_S * sharing,
        sequential=sequential,
        barrier=barrier,
    )


@pytest.mark.parametrize(
    ("budget_s", "taken"),
    # UE 1 joins first, until 0.5 + 1 + 3 = 4.5 s (UE 2: 1 + 2 + 2 = 5); then UE 0, which has
    # computed by Theta = 4: 0.5 + 4 + 1 = 5.5 s; UE 2: + 2 s and the longer download, 8 s; UE 3: 11 s
    [(4.4, []), (4.5, [1]), (5.5, [0, 1]), (7.9, [0, 1]), (8.0, [0, 1, 2]), (11.0, [0, 1, 2, 3])],
)
def test_uplinks_one_after_the_other_by_hand(budget_s: float, taken: list[int]) -> None:
    assert select_in_time(times(sequential=True), budget_s).tolist() == taken


@pytest.mark.parametrize("barrier", [True, False])
def test_shared_uplinks_prolong_the_round_least(barrier: bool) -> None:
    """Each joins with whom the round ends first, worked out anew from the definition."""

    def ends_s(those: list[int]) -> float:
        upload_s = ALONE_S[those] * len(those)
        start_s = COMPUTING_S[those]
        last = start_s.max() + upload_s.max() if barrier else (start_s + upload_s).max()
        return float(DOWNLOAD_S[those].max() + last)

    taken: list[int] = []
    while len(taken) < 4:
        left = [k for k in range(4) if k not in taken]
        best = min(left, key=lambda k: ends_s([*taken, k]))
        found = select_in_time(times(sequential=False, barrier=barrier), ends_s([*taken, best]))
        assert set(found.tolist()) >= {*taken, best}
        just_under = np.nextafter(ends_s([*taken, best]), 0.0)
        assert best not in select_in_time(times(sequential=False, barrier=barrier), just_under)
        taken.append(best)


def test_fedcs_takes_more_the_longer_a_round_may_be(observe: Callable[..., Observation]) -> None:
    observation = observe()
    sizes = [len(FedCs(budget_s=limit).plan(observation).ue) for limit in (0.01, 1.0, 3.0, 5.0)]
    assert sizes == sorted(sizes)
    assert sizes[0] == 0
    assert sizes[-1] > sizes[1]
    assert len(FedCs(candidates=2).plan(observation).ue) <= 2
    assert np.isfinite(expected_s(observation, 10)).all()


def test_who_gives_up_computing_is_not_selected(observe: Callable[..., Observation]) -> None:
    observation = observe({"round.compute_limit_s": 0.3, "round.deadline_s": 50.0})
    ue = np.arange(len(observation.gnb))
    _, ready = observation.computed(ue, ue * 0)
    assert 0 < ready.sum() < len(ready)
    for uplinks in ("shared", "sequential"):
        plan = FedCs(uplinks=uplinks).plan(observation)  # type: ignore[arg-type]
        assert ready[plan.ue].all()
        assert len(plan.ue) > 0

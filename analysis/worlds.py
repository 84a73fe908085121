"""The worlds of the studies of the claims, and what a run in one came to.

A world says what UEs learn, over which radio, and which accuracy is the target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import netsim
from netsim.results.targets import curve_of, sustained_cost

HERE = Path(__file__).parent
PAPER = HERE.parent / "topologies" / "paper.toml"
LEVELS = (0.7, 0.8, 0.9)  # targets beside a world's own
ROBERTA_BITS, ROBERTA_HZ = 28_385_344, 1e9  # an upload of rank 8 in Section V, and its band W
MIXED = [{"rank": 4}, {"rank": 8}, {"rank": 16}, {"rank": 32}]


def bandwidth_hz(layers: int, hidden: int) -> float:
    """W in Section V's ratio to an upload of rank 8: A and B of query and value, and the head, in
    32 bit.
    """
    adapter = layers * 2 * 8 * 2 * hidden
    head = hidden**2 + 3 * hidden + 2
    return ROBERTA_HZ * 32 * (adapter + head) / ROBERTA_BITS


@dataclass(frozen=True)
class World:
    """A setting in which schemes are compared."""

    name: str
    source: str | Path
    fixed: Mapping[str, Any]
    target: float
    kept: int = 2  # evaluations in a row at the target
    own: bool = False  # measured on each UE's own rows, by its best module
    begin: float | None = None  # rate that a search begins with, in place of the scheme's
    rates: str = ""  # name of the world whose tuned rates are taken; empty: its own

    @property
    def rounds(self) -> int:
        """The horizon, at which runs that have not arrived are censored."""
        return int(self.fixed["rounds"])

    @property
    def answer(self) -> str:
        """Target of the evaluations that counts."""
        return "best" if self.own else "ensemble"


SENTENCES: dict[str, Any] = {
    "data.train_samples": 4000,
    "data.test_samples": 150,
    "data.validation_fraction": 0.05,
}
CELL = World(
    "cell",
    PAPER,
    SENTENCES
    | {
        "modules": MIXED,
        "model.foundation_bits_override": None,  # sizes on the air are the model's own
        "scheme.kind": "round_robin",  # drops parameters that not every scheme has
        "devices.0.samples_min": 4,
        "devices.0.samples_max": 4,
        "radio.bandwidth_hz": bandwidth_hz(layers=3, hidden=128),  # the built-in encoder's
        "round.deadline_s": 1.0,
        "data.samples_per_ue": 50,
        "ues.count": 60,
        "learning.evaluate_every": 2,
        "rounds": 24,
    },
    target=0.8,
)
PASSAGES = World(
    "passages",
    PAPER,
    SENTENCES
    | {
        "data.task": "passages",
        "data.test_samples": 100,
        "scheme.kind": "round_robin",
        "devices.0.samples_min": 4,
        "devices.0.samples_max": 4,
        "data.samples_per_ue": 50,
        "ues.count": 20,
        "learning.evaluate_every": 2,
        "rounds": 24,
    },
    target=0.8,
)
GRADES = World(
    "grades",
    PAPER,
    {
        **PASSAGES.fixed,
        "data.task": "grades",
        "data.test_samples": 300,
        # nearly alike at all UEs: where labels are skewed, the rounds that these studies can afford
        # hardly lead beyond the largest class, which half of the rows have
        "data.dirichlet_concentration": 100.0,
        "data.samples_per_ue": 190,  # as many as the training rows allow
        "devices.0.samples_min": 16,
        "devices.0.samples_max": 16,
        "learning.evaluate_every": 4,
        "rounds": 60,
    },
    target=0.6,
    begin=3e-3,
)
EASY_RADIO: dict[str, Any] = {"round.compute_limit_s": 30.0, "round.deadline_s": 60.0}
FEW_SAMPLES: dict[str, Any] = {
    f"devices.{device}.samples_{end}": 4 for device in range(3) for end in ("min", "max")
}
SHIFT = World(
    "shift",
    "quickstart",
    SENTENCES
    | EASY_RADIO
    | FEW_SAMPLES
    | {
        "data.samples_per_ue": 200,
        "data.validation_fraction": 0.03,
        "data.partition.concept_share": 0.5,
        "learning.evaluate_in_full": True,
        "learning.evaluate_every": 2,
        "ues.count": 12,
        "rounds": 20,
    },
    target=0.7,
    own=True,
)
SST2 = World(
    "sst2",
    HERE.parent / "topologies" / "minilm-sst2.toml",
    {
        "modules": MIXED,
        "scheme.kind": "round_robin",
        "data.test_samples": 400,
        "data.validation_fraction": 0.02,
        "data.samples_per_ue": 400,
        "devices.0.samples_min": 8,
        "devices.0.samples_max": 8,
        "learning.evaluate_every": 2,
        "ues.count": 20,
        "rounds": 24,
    },
    target=0.8,
)  # needs the folders of a model and of the data
QNLI = replace(
    SST2,
    name="qnli",
    fixed={**SST2.fixed, "data.samples_per_ue": 200},  # it has fewer training rows
    target=0.7,
    rates="sst2",  # the same model and radio: a search of its own would take four hours
)
WORLDS = {world.name: world for world in (CELL, SHIFT, PASSAGES, GRADES, SST2, QNLI)}


def outcome(run: netsim.Run, world: World) -> dict[str, Any]:
    """What a run cost and came to: columns of the studies' tables.

    cost_L, arrived_L: rounds until accuracy L was reached and kept, or the horizon; seconds and
    joules at the world's target; area: mean accuracy over the rounds; last: mean of the last three
    evaluations.
    """
    curve = curve_of(run, world.answer, own=world.own)
    measured = curve["accuracy"]
    row: dict[str, Any] = {
        "area": float(measured.slice(1).mean()),  # type: ignore[arg-type]
        "last": float(measured.tail(3).mean()),  # type: ignore[arg-type]
        "rounds": int(curve["round"].max()),  # type: ignore[arg-type]
    }
    for level in sorted({*LEVELS, world.target}):
        cost = sustained_cost(
            run, level, "round", kept=world.kept, target=world.answer, own=world.own
        )
        assert cost is not None
        row |= {f"cost_{level:g}": cost.value, f"arrived_{level:g}": cost.arrived}
    for measure in ("time_s", "energy_j"):
        cost = sustained_cost(
            run, world.target, measure, kept=world.kept, target=world.answer, own=world.own
        )
        assert cost is not None
        row[measure] = cost.value
    return row

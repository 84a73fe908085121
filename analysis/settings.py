"""What the studies of the claims share: worlds, the schemes compared in them, and their rates.

A world says what UEs learn, over which radio, and which accuracy is the target. Every scheme trains
at the rate that tuning.py has chosen for it in that world.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

import netsim
from netsim.results.targets import curve_of, sustained_cost

HERE = Path(__file__).parent
PAPER = HERE.parent / "topologies" / "paper.toml"
RATE = "learning.learning_rate"
EVERYBODY = 1_000_000  # UEs per round
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


# -- worlds ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """A setting in which schemes are compared."""

    name: str
    source: str | Path
    fixed: Mapping[str, Any]
    target: float
    kept: int = 2  # evaluations in a row at the target
    own: bool = False  # measured on each UE's own rows, by its best module

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
        "data.samples_per_ue": 190,  # as many as the training rows allow
        "devices.0.samples_min": 16,
        "devices.0.samples_max": 16,
        "learning.evaluate_every": 4,
        "rounds": 80,
    },
    target=0.5,
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
WORLDS = {world.name: world for world in (CELL, SHIFT, PASSAGES, GRADES, SST2)}

# -- schemes ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Compared:
    """A scheme with its parameters."""

    title: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    rate: float = 1e-2  # where the search begins


def _baseline(kind: str, bandwidth: str = "algorithm1", **more: Any) -> dict[str, Any]:
    named = {f"scheme.{name}": value for name, value in more.items()}
    return {"scheme.kind": kind, "scheme.bandwidth": bandwidth, **named}


def _drawn(modules: int, **more: Any) -> dict[str, Any]:
    return _baseline("random", ues_per_round=EVERYBODY, modules_per_ue=modules, **more)


def _switching(**more: Any) -> dict[str, Any]:
    named = {f"scheme.{name}": value for name, value in more.items()}
    return {"scheme.kind": "model_switching", **named}


PRINTED = "model_switching_printed"
OPTIMIZER = "learning.local_optimizer"
OF_FORMULAS = ("formulas", OPTIMIZER)
SCHEMES = {
    "model_switching": Compared("Algorithm 2", _switching()),
    PRINTED: Compared(
        "Algorithm 2 as printed",
        # Adam as all the others have: gradient descent, as (1) prints it, is another comparison
        _switching() | {"formulas": "paper", OPTIMIZER: "adam"},
    ),
    "fedlora": Compared("FedLoRA", _baseline("fedlora")),
    "hetlora": Compared("HetLoRA", _baseline("hetlora")),
    "flexlora": Compared("FlexLoRA", _baseline("flexlora")),
    "full_parameter": Compared("full-parameter", _baseline("full_parameter"), rate=1e-3),
    "fedlora_32": Compared("FedLoRA of rank 32", _baseline("fedlora", rank=32)),
    "random": Compared("four modules at random", _drawn(1)),
    "random_equal": Compared("four of rank 8 at random", _drawn(1, equal_rank=8)),
    "everybody": Compared("four trained by everybody", _drawn(4)),
    "max_power": Compared("Algorithm 2 at full power", {"scheme.kind": "max_power"}),
    "bound": Compared("Algorithm 2, gap bounded", _switching(switch_gap="bound")),
    "affinity": Compared("Algorithm 2 by losses", _switching(switch_gap="affinity")),
    "switching_free": Compared("Algorithm 2, mu = 0", _switching(mu=0.0)),
    "greedy": Compared("greedy", {"scheme.kind": "greedy", "scheme.mu": 0.0}),
    "one_shot": Compared("one-shot", {"scheme.kind": "one_shot", "scheme.mu": 0.0}),
    "energy_constrained": Compared(
        "energy-constrained", {"scheme.kind": "energy_constrained", "scheme.mu": 1e6}
    ),
}
SWITCHING = ("switching_free", "greedy", "one_shot", "energy_constrained")
TUNED = {
    # no upload of the whole model is on time here, so that full_parameter's rate changes nothing
    "cell": ("model_switching", "fedlora", "flexlora", "hetlora"),
    "shift": ("fedlora", "random", "affinity"),
    "passages": SWITCHING,
    "grades": SWITCHING,
    "sst2": ("model_switching", "fedlora", "flexlora", "hetlora"),
}
RELATED = {  # a variant that is not searched itself trains at the rate of its relative
    PRINTED: ("model_switching",),
    "random": ("model_switching", "affinity"),
    "random_equal": ("model_switching", "affinity"),
    "everybody": ("model_switching", "affinity"),
    "max_power": ("model_switching",),
    "bound": ("model_switching", "affinity"),
    "affinity": ("model_switching",),
    "model_switching": ("affinity",),
    "fedlora_32": ("fedlora",),
}


@cache
def tuned(results: Path = HERE / "results") -> dict[tuple[str, str], float]:
    """(world, scheme) -> the rate that tuning.py has chosen."""
    path = results / "tuning-cpu.parquet"
    if not path.is_file():
        return {}
    chosen = pl.read_parquet(path).filter("chosen").select("world", "scheme", "rate")
    return {(world, scheme): rate for world, scheme, rate in chosen.iter_rows()}


def rate_of(world: str, scheme: str) -> float:
    """The tuned rate of a scheme, or of its nearest relative; where the search begins without."""
    known = tuned()
    for name in (scheme, *RELATED.get(scheme, ())):
        if (world, name) in known:
            return known[world, name]
    return SCHEMES[scheme].rate


def grid_of(
    world: World, schemes: Iterable[str], over: Mapping[str, Sequence[Any]] | None = None
) -> list[dict[str, Sequence[Any]]]:
    """One grid per scheme, at its rate."""
    found = []
    for scheme in schemes:
        own = {key: [value] for key, value in SCHEMES[scheme].overrides.items()}
        found.append(own | {RATE: [rate_of(world.name, scheme)]} | dict(over or {}))
    return found


def is_current(world: World, overrides: Mapping[str, Any], scheme: str) -> bool:
    """Was a run made at the rate that is its scheme's now? Others are of an older search."""
    return bool(overrides[RATE] == rate_of(world.name, scheme))


def scheme_of(scenario: Mapping[str, Any]) -> str:
    """Name in SCHEMES of a run, by the overrides of its job."""
    for name, compared in SCHEMES.items():
        keys = {key for key in scenario if key.startswith("scheme.") or key in OF_FORMULAS}
        own = {key: scenario[key] for key in keys if scenario[key] is not None}
        if own == dict(compared.overrides):
            return name
    raise KeyError(f"no scheme has {dict(scenario)}")


# -- what a run came to ----------------------------------------------------------------------------


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

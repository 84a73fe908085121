"""The schemes that the studies of the claims compare, and their rates.

Every scheme trains at the rate that tuning.py has chosen for it in the world at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from worlds import HERE, World

RATE = "learning.learning_rate"
EVERYBODY = 1_000_000  # UEs per round


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


def rate_in(world: World, scheme: str) -> float:
    """The rate that a scheme has in a world: searched there, or in the world that it refers to."""
    return rate_of(world.rates or world.name, scheme)


def grid_of(
    world: World, schemes: Iterable[str], over: Mapping[str, Sequence[Any]] | None = None
) -> list[dict[str, Sequence[Any]]]:
    """One grid per scheme, at its rate."""
    found = []
    for scheme in schemes:
        own = {key: [value] for key, value in SCHEMES[scheme].overrides.items()}
        found.append(own | {RATE: [rate_in(world, scheme)]} | dict(over or {}))
    return found


def is_current(world: World, overrides: Mapping[str, Any], scheme: str) -> bool:
    """Was a run made at the rate that is its scheme's now? Others are of an older search."""
    return bool(overrides[RATE] == rate_in(world, scheme))


def scheme_of(scenario: Mapping[str, Any]) -> str:
    """Name in SCHEMES of a run, by the overrides of its job."""
    for name, compared in SCHEMES.items():
        keys = {key for key in scenario if key.startswith("scheme.") or key in OF_FORMULAS}
        own = {key: scenario[key] for key in keys if scenario[key] is not None}
        if own == dict(compared.overrides):
            return name
    raise KeyError(f"no scheme has {dict(scenario)}")

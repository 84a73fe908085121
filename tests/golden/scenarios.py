"""Short scenarios whose results are on record: every scheme, every way on the air, every way of moving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netsim.schemes.base import scheme_class, scheme_names

Overrides = dict[str, Any]

TRACES = Path(__file__).parents[2] / "traces"

SMALL: Overrides = {
    "network_only": True,
    "scheme.kind": "round_robin",
    "rounds": 4,
    "ues.count": 12,
    "topology.window_km": 8,
    "data.train_samples": 400,
    "data.test_samples": 50,
}
CROWDED: Overrides = {
    "ues.count": 16,
    "round.deadline_s": 3.5,
    "round.compute_limit_s": None,
}
LOSSY: Overrides = {"radio.retransmissions": 2, "radio.sinr_threshold_db": 0.0}
BLOCKS: Overrides = {"radio.fading": "block"}
EVENTS: Overrides = {"radio.reallocation": "events"}
CELLS: Overrides = {"federation": "network", "topology.window_km": 3, "ues.count": 30}
NETWORK: Overrides = {**CELLS, "radio.interference": "network", "radio.bandwidth_hz": 2.5e6}
STALE: Overrides = {
    "ues.count": 30,
    "radio.bandwidth_hz": 3e6,
    "round.deadline_s": 1.5,
    "round.compute_limit_s": None,
    "round.late_uploads": "stale",
    "round.alloc_start": "arrival",
}
WALK: Overrides = {
    "federation": "network",
    "topology.window_km": 4,
    "ues.count": 30,
    "radio.bandwidth_hz": 2e6,
    "mobility.kind": "random_waypoint",
    "mobility.min_speed_m_s": 20.0,
    "mobility.max_speed_m_s": 40.0,
    "mobility.hysteresis_db": 0.0,
    "mobility.step_s": 0.4,
}
NETWORK_WALK: Overrides = {**WALK, "radio.interference": "network", "topology.window_km": 3}
RESUME: Overrides = {**WALK, **EVENTS, "mobility.handover": "resume"}
REPLAY: Overrides = {
    "mobility.kind": "replay",
    "mobility.path": str(TRACES / "grid.fcd.xml"),
    "ues.count": None,
    "rounds": 6,
}
LEARNS: Overrides = {
    "network_only": False,
    "rounds": 2,
    "ues.count": 8,
    "data.train_samples": 300,
    "data.test_samples": 40,
    "data.samples_per_ue": 30,
}

ON_THE_AIR: dict[str, Overrides] = {
    "field": {},
    "aircomp": {"uplink.access": "aircomp", **CROWDED},
    "aircomp, cells": {"uplink.access": "aircomp", "uplink.truncation": 0.3, **CELLS},
    "field, arrival": {"round.alloc_start": "arrival", **CROWDED},
    "field, retransmissions": {**CROWDED, **LOSSY},
    "field, reallocation": {**CROWDED, **EVENTS, **LOSSY},
    "field, blocks": {**CROWDED, **BLOCKS},
    "field, blocks, reallocation": {**CROWDED, **BLOCKS, **EVENTS},
    "field, threshold": {
        **CROWDED,
        "radio.rate_model": "threshold",
        **EVENTS,
        "radio.sinr_threshold_db": 3.0,
    },
    "field, several modules": {"scheme.kind": "one_shot", **CROWDED, **EVENTS},
    "field, real sites": {"topology.kind": "hex", "radio.pathloss.kind": "uma", **CROWDED},
    "field, cells": {**CELLS, "radio.bandwidth_hz": 2e6, "radio.power_control.p0_dbm": -30},
    "field, masked": {
        **CROWDED,
        "upload.codec": "fixed_point",
        "upload.secure_aggregation.threshold": 0.6,
        "upload.secure_aggregation.partners": 2,
    },
    "field, pairs": {**CROWDED, "uplink.access": "noma", "uplink.sic_residual": 0.02},
    "network": {**NETWORK, **LOSSY},
    "network, reallocation": {**NETWORK, **EVENTS, **LOSSY, "round.alloc_start": "arrival"},
    "network, blocks": {**NETWORK, **BLOCKS, "radio.background_ues": 2},
    "network, blocks, reallocation": {**NETWORK, **BLOCKS, **EVENTS, "topology.boundary": "torus"},
    "formulas as printed": {"formulas": "paper", "scheme.kind": "model_switching", **CROWDED},
    "stale, field": {**STALE, **LOSSY, "rounds": 6},
    "stale, field, blocks": {**STALE, **BLOCKS, "rounds": 6},
    "stale, field, barrier": {**STALE, "round.alloc_start": "barrier", "rounds": 5},
    "stale, network": {**STALE, **NETWORK, **LOSSY, "rounds": 6},
    "stale, network, blocks": {
        **STALE,
        **NETWORK,
        **BLOCKS,
        "radio.background_ues": 2,
        "rounds": 6,
    },
    "asynchronous, blocks": {
        **NETWORK,
        **BLOCKS,
        "scheme.kind": "buffered_async",
        "scheme.concurrency": 3,
        "scheme.buffer": 2,
        "rounds": 6,
    },
    "stale, ranks": {**STALE, "scheme.kind": "flexlora", "rounds": 5},
}
MOVING: dict[str, Overrides] = {
    "walk, abort": {**WALK, "rounds": 8},
    "walk, abort, network": {**NETWORK_WALK, "rounds": 8},
    "walk, finish_old, blocks": {**WALK, **BLOCKS, "mobility.handover": "finish_old"},
    "walk, resume": {**RESUME, "rounds": 8},
    "walk, resume, lossy": {**RESUME, **LOSSY, "rounds": 8},
    "walk, resume, blocks": {**RESUME, **BLOCKS, "rounds": 6},
    "walk, resume, network": {**RESUME, **NETWORK_WALK, "rounds": 8},
    "walk, resume, network, blocks": {**RESUME, **NETWORK_WALK, **BLOCKS, "rounds": 6},
    "gauss_markov, one cell": {"mobility.kind": "gauss_markov", "mobility.mean_speed_m_s": 20.0},
    "replay": REPLAY,
    "replay, blocks": {**REPLAY, **BLOCKS, "federation": "network", "topology.window_km": 3},
    "recorded": {**WALK, "record": True, **LOSSY},
    "recorded, blocks": {**BLOCKS, "record": True, "round.deadline_s": 3.0, "rounds": 2},
    "recorded, network": {**NETWORK_WALK, "record": True},
    "recorded, network, blocks": {
        **NETWORK_WALK,
        **BLOCKS,
        "record": True,
        "ues.count": 12,
        "rounds": 2,
    },
    "channel rates": {
        "channel": [{"path": str(TRACES / "walkers.rates.csv"), "fill": "hold"}],
        "ues.count": 3,
        "round.deadline_s": 2.0,
        "round.compute_limit_s": 1.0,
    },
    "channel rates, blocks": {
        "channel": [{"path": str(TRACES / "walkers.rates.csv"), "fill": "hold"}],
        "ues.count": 3,
        **BLOCKS,
    },
}
LEARNING: dict[str, Overrides] = {
    "learns": {**LEARNS, "scheme.kind": "model_switching"},
    "learns, risk": {
        **LEARNS,
        "scheme.kind": "model_switching",
        "learning.log_risk": True,
        "ues.count": 2,  # each UE's own optimum is searched for, which takes seconds
    },
    "learns, hetlora": {**LEARNS, "scheme.kind": "hetlora"},
    "learns, stale": {**STALE, **LEARNS, "scheme.kind": "fedlora", "rounds": 4},
    "learns, asynchronous": {
        **STALE,
        **LEARNS,
        "scheme.kind": "buffered_async",
        "scheme.concurrency": 3,
        "scheme.buffer": 2,
        "rounds": 4,
    },
}


def by_scheme() -> dict[str, Overrides]:
    """Every scheme that needs no learning."""
    found = {}
    for kind in scheme_names():
        if not getattr(scheme_class(kind)(), "needs_learning", False):
            found[f"scheme {kind}"] = {"scheme.kind": kind, **CROWDED}
    return found


def scenarios() -> dict[str, Overrides]:
    """All of them, by name."""
    chosen = {**by_scheme(), **ON_THE_AIR, **MOVING, **LEARNING}
    return {name: {**SMALL, **overrides} for name, overrides in chosen.items()}

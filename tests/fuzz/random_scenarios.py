"""Scenarios drawn over the schema: schemes, radio, mobility, federation, time, in any combination.

Plug-ins (schemes, codecs, computing, path loss, mobility) have some of their own parameters drawn, by
the types and ranges that these declare.

    python tests/fuzz/random_scenarios.py [--count 200] [--seed 0] [--folder DIR]

Each scenario that is accepted runs twice, most without learning, here and in one of two worker processes:
it must balance (`netsim validate`), and both must write the same bytes. One that is refused must say
which two keys disagree. The exit code is 1 if one does not.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import re
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import numpy as np

import netsim
from netsim.errors import NetsimError, ScenarioError
from netsim.plugins import Parameter, parameters, plugin_class, plugin_names
from netsim.protocols import Silence
from netsim.results.checks import check_run
from netsim.scenario.schema import schema_rows
from netsim.schemes.base import scheme_names

Draw = np.random.Generator
Overrides = dict[str, Any]

CHOICES: dict[str, tuple[Any, ...]] = {
    "formulas": ("corrected", "corrected", "paper"),
    "federation": ("cell", "network"),
    "record": (False, False, False, True),
    "topology.kind": ("ppp", "ppp", "hex"),
    "topology.boundary": ("none", "none", "torus", "guard"),
    "topology.association": ("nearest", "nearest", "strongest"),
    "topology.backhaul.kind": ("star", "tree", "mesh"),
    "radio.interference": ("field", "field", "network"),
    "radio.fading": ("round", "block"),
    "radio.block_correlation": ("none", "none", "none", "jakes"),
    "radio.rate_model": ("shannon", "shannon", "threshold", "nr"),
    "radio.retransmissions": (0, 0, 2),
    "radio.reallocation": ("static", "events"),
    "radio.background_ues": (0, 0, 0, 2),
    "radio.interferer_law": (None, "typical_cell", "typical_user", "constant"),
    "radio.interferer_power": (None, None, "fixed", "equal"),
    "radio.pathloss.kind": ("power_law", "power_law", "uma", "umi", "rma", "okumura_hata", "cost231_hata"),
    "radio.carrier_hz": (9e8, 1.8e9, 3.5e9),
    "round.alloc_start": ("barrier", "arrival"),
    "round.late_uploads": ("drop", "drop", "stale"),
    "mobility.kind": ("static", "static", "random_waypoint", "gauss_markov"),
    "mobility.handover": ("abort", "abort", "resume", "finish_old"),
    "compute.model": ("sample_bits", "flops", "model_bits"),
    "data.partition.sizes": ("equal", "log_normal", "dirichlet"),
    "learning.train_head": (True, False),
    "upload.codec": ("none", "none", "bfloat16", "qsgd", "sign", "top_k", "random_k", "topk_qsgd"),
    "upload.error_feedback": (False, False, True),
    "downlink.codec": ("none", "none", "none", "bfloat16", "qsgd", "sign", "top_k", "random_k", "topk_qsgd"),
    "downlink.link": ("mean", "mean", "faded"),
    "downlink.cast": ("multicast", "unicast"),
    "downlink.cache": (False, False, True),
    "downlink.w0_broadcast": (None, None, "once", "every_round"),
    "privacy.kind": ("none", "none", "none", "central", "local"),
    "radio.interferers": ("per_upload", "per_upload", "persistent"),
    "radio.success_model": (None, None, None, None, "ppp", "topology", "paper"),
    "device.power": ("transmit_only", "states"),
    "device.battery_j": (None, None, 2.0, 30.0),
    "device.gnb_power": ("none", "linear"),
    "learning.server.optimizer": ("average", "average", "fedavgm", "fedadam", "fedyogi"),
    "learning.prox_weight": (0.0, 0.0, 0.1),
    "learning.control_variates": (False, False, False, True),
    "learning.payload_bits_per_parameter": (32, 32, 32, 16),
    "stop.simulated_s": (None, None, None, 5.0),
    "stop.energy_j": (None, None, None, 50.0),
    "data.partition.domain": (None, None, "domain"),
    "data.partition.concept_share": (0.0, 0.0, 0.5),
    "mobility.time_to_trigger_s": (0.0, 0.0, 0.3),
    "checkpoint_every": (None, None, None, 1),
}  # fmt: skip
RANGES: dict[str, tuple[float, float]] = {
    "ues.count": (3, 40),
    "topology.density_per_km2": (0.2, 3.0),
    "topology.window_km": (2.0, 6.0),
    "radio.bandwidth_hz": (1e6, 2e7),
    "radio.sinr_threshold_db": (-10.0, 5.0),
    "radio.max_power_w": (0.05, 0.3),
    "radio.ue_speed_m_s": (0.5, 30.0),
    "round.deadline_s": (1.0, 10.0),
    "mobility.step_s": (0.2, 2.0),
    "mobility.hysteresis_db": (0.0, 6.0),
    "rounds": (1, 5),
    "seed": (0, 1000),
}
ALONE: Overrides = {  # what does not go with uploads that share the air
    "formulas": "corrected",
    "record": False,
    "radio.interference": "field",
    "radio.background_ues": 0,
    "radio.interferer_power": None,
    "radio.fading": "round",
    "radio.block_correlation": "none",
    "radio.rate_model": "shannon",
    "radio.retransmissions": 0,
    "radio.reallocation": "static",
    "round.late_uploads": "drop",
    "mobility.kind": "static",
    "mobility.handover": "abort",
}
ANALOG: Overrides = {
    **ALONE,
    "uplink.access": "aircomp",
    "round.alloc_start": "barrier",
    "radio.success_model": None,
    "device.battery_j": None,
    "learning.payload_bits_per_parameter": 32,
    "upload.codec": "none",
    "upload.error_feedback": False,
}
PAIRED: Overrides = {**ALONE, "uplink.access": "noma"}
MASKED: Overrides = {
    "upload.codec": "fixed_point",
    "upload.error_feedback": False,
    "round.late_uploads": "drop",
    "privacy.kind": "none",
    "learning.control_variates": False,
    "learning.payload_bits_per_parameter": 32,
    "mobility.handover": "abort",
    "device.power": "transmit_only",
    "device.battery_j": None,
}
PART_OF_SENDING = 0.1
"""Of scenarios, for each of the three ways to send."""
PART_LEFT_OUT = 0.1
"""Of these, in which one of the other choices is left as it was: they may disagree."""
WHOLE = ("ues.count", "rounds", "seed")
PRESETS = ("nr-fr1-100mhz", "nr-fr1-20mhz", "nr-fr2-100mhz")
NR: dict[str, tuple[Any, ...]] = {
    "errors": ("expected", "sampled"),
    "harq": ("incremental", "chase", "none"),
    "mcs_table": (1, 2, 3),
    "subcarrier_spacing_khz": (15, 30),
    "uplink_fraction": (1.0, 0.2),
    "outer_step_db": (0.0, 0.1),
    "csi_delay_s": (0.0, 4e-3, 0.1),
    "round_trip_slots": (1, 8),
    "transmissions": (1, 4),
}
PLUGINS = {
    "scheme.kind": "netsim.schemes",
    "upload.codec": "netsim.codecs",
    "downlink.codec": "netsim.codecs",
    "compute.model": "netsim.compute",
    "mobility.kind": "netsim.mobility",
}
"""Keys that choose a plug-in, and the group it is registered in."""
NEEDS: tuple[tuple[str, tuple[Any, ...], str, Any], ...] = (
    ("radio.background_ues", (2,), "radio.interference", "network"),
    ("radio.block_correlation", ("jakes",), "radio.fading", "block"),
    ("radio.block_correlation", ("jakes",), "radio.interference", "field"),
    ("radio.interferers", ("persistent",), "radio.interference", "field"),
    ("radio.interferer_power", ("fixed", "equal"), "radio.interference", "field"),
    ("radio.retransmissions", (2,), "radio.fading", "round"),
    ("radio.success_model", ("ppp", "paper"), "radio.interference", "field"),
    ("radio.success_model", ("ppp", "paper"), "topology.kind", "ppp"),
    ("radio.success_model", ("ppp", "paper", "topology"), "radio.fading", "round"),
    ("mobility.handover", ("resume",), "radio.reallocation", "events"),
    ("mobility.handover", ("resume",), "federation", "network"),
    ("topology.boundary", ("guard",), "federation", "network"),
    ("topology.boundary", ("torus",), "topology.kind", "ppp"),
    ("upload.error_feedback", (True,), "upload.codec", "top_k"),
    ("device.battery_j", (2.0, 30.0), "round.late_uploads", "drop"),
)
"""Values of a key that need one of another; mostly the other gets it, or they are left out."""
USUAL = netsim.load_scenario("quickstart")
LEARNERS = ("hetlora", "oort", "power_of_choice")
"""Schemes whose plans depend on training."""
TINY_LEARNING: Overrides = {
    "network_only": False,
    "learning.workers": 1,
    "learning.max_tokens": 16,
    "learning.local_steps": 1,
    "data.samples_per_ue": 10,
    "data.test_samples": 60,
}
PART_OF_PARAMETERS = 0.25
SMALL: Overrides = {
    "network_only": True,
    "round.compute_limit_s": None,
    "data.train_samples": 400,
    "data.test_samples": 50,
    "data.samples_per_ue": 20,
}


def draw_scenario(draw: Draw, learns: float = 0.0) -> Overrides:
    """Overrides of the quickstart; they may disagree.

    learns: part of them that learn, besides those whose schemes depend on it.
    """
    found = dict(SMALL)
    for key, options in CHOICES.items():
        if draw.random() < 0.6:
            found[key] = options[int(draw.integers(len(options)))]
    for key, values, other, needed in NEEDS:
        if found.get(key) in values and found.get(other, USUAL[other]) != needed:
            chance = draw.random()
            if chance < 0.5:
                found[other] = needed
            elif chance < 0.95:
                del found[key]
    found["scheme.kind"] = str(draw.choice(scheme_names()))
    for key, (low, high) in RANGES.items():
        value = draw.uniform(low, high)
        found[key] = round(value) if key in WHOLE else float(f"{value:.3g}")
    if found["scheme.kind"] in LEARNERS or draw.random() < learns:
        found |= {**TINY_LEARNING, "rounds": min(found["rounds"], 2), "ues.count": 4}
    if found.get("topology.boundary") == "guard":
        found["topology.guard_km"] = 0.4
    if "hata" in str(found.get("radio.pathloss.kind")):
        found["radio.pathloss.extrapolate"] = True
    if draw.random() < 0.2:
        found["radio.power_control.alpha"] = float(draw.choice([0.0, 0.8, 1.0]))
    if draw.random() < 0.1:
        found["radio.preset"] = str(draw.choice(PRESETS))
        for key in ("radio.bandwidth_hz", "radio.rate_model", "radio.carrier_hz"):
            found.pop(key, None)
    if found.get("radio.rate_model") == "nr":
        for key, options in NR.items():
            if draw.random() < 0.2:
                found[f"radio.nr.{key}"] = options[int(draw.integers(len(options)))]
        if draw.random() < 0.9:  # channels that NR has
            found["radio.bandwidth_hz"] = float(draw.choice([5e6, 1e7, 2e7]))
    found = _sent_otherwise(draw, found)
    for key, group in PLUGINS.items():
        if key in found:
            found |= draw_parameters(draw, group, str(found[key]), key.partition(".")[0])
    if draw.random() < 0.3:
        found["modules"] = [
            {"rank": int(rank)} for rank in draw.integers(1, 33, int(draw.integers(1, 5)))
        ]
    return {
        key: value
        for key, value in found.items()
        if value is not None or key == "round.compute_limit_s"
    }


def _sent_otherwise(draw: Draw, found: Overrides) -> Overrides:
    """The scenario with uploads that add up on the air, share bands or are masked; mostly as it is."""
    way = int(draw.random() / PART_OF_SENDING)
    if way > 2:
        return found
    needed = dict((ANALOG, PAIRED, MASKED)[way])
    if draw.random() < PART_LEFT_OUT:
        del needed[str(draw.choice(sorted(needed)))]
    if way == 2:
        return found | needed | _masks(draw)
    plain = {
        k: v
        for k, v in found.items()
        if not k.startswith(("radio.nr", "radio.preset", "radio.power_"))
    }
    own = ("uplink.truncation", (0.01, 0.9)) if way == 0 else ("uplink.sic_residual", (0.0, 0.3))
    if draw.random() < 0.5 and "uplink.access" in needed:
        plain[own[0]] = float(f"{draw.uniform(*own[1]):.2g}")
    return plain | needed


def _masks(draw: Draw) -> Overrides:
    found: Overrides = {"threshold": float(f"{draw.uniform(0.05, 1.0):.2g}")}
    if draw.random() < 0.5:
        found["partners"] = 2 * int(draw.integers(1, 5))
    if draw.random() < 0.5:
        found["round_trip_s"] = float(f"{draw.uniform(0.0, 0.5):.2g}")
    return {f"upload.secure_aggregation.{key}": value for key, value in found.items()}


def draw_parameters(draw: Draw, group: str, kind: str, section: str) -> Overrides:
    """Some of a plug-in's own parameters, near their defaults and within their ranges."""
    found: Overrides = {}
    for item in parameters(plugin_class(group, kind, section)):
        if draw.random() < PART_OF_PARAMETERS:
            value = _near(draw, item)
            if value is not None:
                found[f"{section}.{item.name}"] = value
    return found


def _near(draw: Draw, item: Parameter) -> Any:
    """A value of a parameter's type that it may have; None if none is known."""
    options = get_args(item.type)
    if get_origin(item.type) is Literal:
        return options[int(draw.integers(len(options)))]
    if item.type is bool:
        return bool(draw.integers(2))
    if isinstance(item.default, tuple):
        return [int(rank) for rank in draw.integers(1, 33, int(draw.integers(1, 5)))]
    kinds = {int, float} & ({item.type} | set(options))
    if not kinds:
        return None
    start = 1.0 if item.default in (None, 0) else float(item.default)
    value = start * 4.0 ** draw.uniform(-1, 1)
    limits = item.limits
    value = max(value, limits.ge or 0.0)
    for most in (limits.le, limits.lt):
        value = value if most is None or value < most else most * draw.random()
    return max(round(value), 1) if int in kinds else float(f"{value:.3g}")


def _loads(group: str, kind: str) -> bool:
    """Whether a plug-in is there as its package says: another branch's may be registered."""
    try:
        return bool(plugin_class(group, kind, ""))
    except ScenarioError:
        return False


KEYS = {row["key"].replace("[]", "") for row in schema_rows()}
KEYS |= {"radio.nr", "upload.secure_aggregation", "scheme.kind", "radio.pathloss.carrier_hz"}
KEYS |= {
    f"{key.partition('.')[0]}.{item.name}"
    for key, group in PLUGINS.items()
    for kind in plugin_names(group)
    if _loads(group, kind)
    for item in parameters(plugin_class(group, kind, key))
}
PLAIN_KEYS = ("federation", "formulas", "record", "channel", "network_only", "flower")


def names_two_keys(message: str) -> bool:
    """Whether a refusal names two keys in full."""
    words = set(re.findall(r"[a-z_]+(?:\.[a-z_0-9]+)*", message))
    return len({word for word in words & KEYS if "." in word or word in PLAIN_KEYS}) >= 2


def digests(run: Path) -> dict[str, str]:
    """SHA-256 of every file of a run folder but metadata.json."""
    files = [
        file for file in sorted(run.rglob("*")) if file.is_file() and file.name != "metadata.json"
    ]
    return {str(f.relative_to(run)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def simulate(overrides: Overrides, folder: str) -> dict[str, str]:
    """Run a scenario; the digests of what it wrote."""
    netsim.run("quickstart", overrides, out=folder, listener=Silence())
    return digests(Path(folder))


@dataclass(frozen=True)
class Outcome:
    """What came of one scenario."""

    overrides: Overrides
    fault: str = ""  # nothing: all is well
    refused: str = ""
    took_s: float = 0.0


def attempt(overrides: Overrides, folder: Path, workers: ProcessPoolExecutor) -> Outcome:
    """Run a scenario here and elsewhere, and compare."""
    begun = time.monotonic()
    try:
        scenario = netsim.load_scenario("quickstart", overrides)
        expected = simulate(overrides, str(folder / "here"))
    except ScenarioError as error:
        fault = "" if names_two_keys(str(error)) else f"names no two keys: {error}"
        return Outcome(overrides, fault, str(error))
    except NetsimError as error:
        return Outcome(overrides, f"{type(error).__name__}: {error}")
    except Exception as error:  # what a campaign looks for
        return Outcome(overrides, f"traceback: {type(error).__name__}: {error}")
    took_s = time.monotonic() - begun
    run = netsim.open_run(folder / "here")
    bandwidth_hz = scenario.radio.bandwidth_hz
    checks = check_run(
        run,
        bandwidth_hz=bandwidth_hz,
        constant_rate=scenario.constant_rate,
        superposed=scenario.uplink.access == "aircomp",
    )
    failed = [check.name for check in checks if not check.passed]
    if failed:
        return Outcome(overrides, f"does not balance: {', '.join(failed)}", took_s=took_s)
    found = workers.submit(simulate, overrides, str(folder / "there")).result()
    odd = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    return Outcome(
        overrides, f"other bytes in a worker: {', '.join(odd)}" if odd else "", took_s=took_s
    )


def two_workers() -> ProcessPoolExecutor:
    """Two processes that inherit nothing."""
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--count", type=int, default=200, help="scenarios that run; refused ones come on top"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--learns", type=float, default=0.1, help="part of them that learn")
    options = parser.parse_args()
    draw = np.random.default_rng(options.seed)
    tally: Counter[str] = Counter()
    slowest: list[Outcome] = []
    with two_workers() as workers:
        while tally["ran"] < options.count:
            overrides = draw_scenario(draw, options.learns)
            with tempfile.TemporaryDirectory() as scratch:
                outcome = attempt(overrides, Path(scratch), workers)
            tally["refused" if outcome.refused else "ran"] += 1
            slowest = sorted([*slowest, outcome], key=lambda o: -o.took_s)[:3]
            if outcome.fault:
                tally["faults"] += 1
                sys.stdout.write(f"{outcome.fault}\n    {overrides}\n")
            if outcome.refused:
                tally[outcome.refused] += 1
            sys.stdout.flush()
    for text, count in sorted(tally.items()):
        sys.stdout.write(f"{count:6} {text}\n")
    for outcome in slowest:
        sys.stdout.write(f"slow: {outcome.took_s:.1f} s {outcome.overrides}\n")
    sys.exit(tally["faults"] > 0)


if __name__ == "__main__":
    main()

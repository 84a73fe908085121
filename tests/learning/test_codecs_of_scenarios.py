"""Codecs as scenarios name them: bits in the tables, what does not go together, kills."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import netsim
from netsim.assembly import Loaded, build_parts, build_simulation
from netsim.assembly.transfer import build_transfer
from netsim.errors import Interrupted, ScenarioError
from netsim.learning.builtin import shapes
from netsim.plugins import plugin_names
from netsim.protocols import HEAD, LORA_B, WHOLE, Progress, Silence
from netsim.results.digest import digest
from netsim.results.writer import MemorySink
from netsim.scenario.load import load_scenario

LOADED = Loaded()
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
    "scheme.rank": 4,
}
QUIET = {"network_only": True, **SMALL}


def tables(**more: Any) -> MemorySink:
    scenario = load_scenario("quickstart", {**QUIET, **more})
    parts, sink = build_parts(scenario, Silence(), LOADED), MemorySink()
    build_simulation(parts, sink, Silence()).run(parts.scheme)
    return sink


@pytest.mark.parametrize("codec", plugin_names("netsim.codecs"))
def test_bits_in_the_tables_are_the_length_of_the_encoding(codec: str) -> None:
    """Of what goes up, and of what comes down, part by part."""
    sink = tables(**{"upload.codec": codec, "downlink.codec": codec, "downlink.link": "mean"})
    scenario = load_scenario(
        "quickstart", {**QUIET, "upload.codec": codec, "downlink.codec": codec}
    )
    built = build_transfer(scenario)
    sizes = [*shapes.factor_parameters(4, ("query", "value")), shapes.head_parameters(2)]
    random = np.random.default_rng(0)
    up = 32 * sum(sizes)
    down = up
    if built.up is not None and built.down is not None:
        up = built.up.encode(random.normal(size=sum(sizes)).astype(np.float32), random).bits
        down = sum(
            built.down.encode(random.normal(size=d).astype(np.float32), random).bits for d in sizes
        )
    uploads, spans = sink.frame("uploads"), sink.frame("spans")
    assert uploads["payload_bits"].unique().to_list() == [up]
    assert not uploads["payload_emulated"].any()
    sent = uploads.filter(pl.col("outcome") == "on_time")
    assert sent["bits_sent"].to_list() == pytest.approx([up] * sent.height)
    heard = spans.filter((pl.col("kind") == "broadcast") & (pl.col("round") > 0))
    assert heard["bits"].unique().to_list() == [down]


def test_control_variates_go_as_they_are_beside_what_is_encoded() -> None:
    both = {"upload.codec": "sign", "downlink.codec": "bfloat16"}
    sink = tables(**{**both, "scheme.kind": "scaffold"})
    numbers = sum([*shapes.factor_parameters(4, ("query", "value")), shapes.head_parameters(2)])
    encoded = numbers + 32 * -(-numbers // 512)
    assert sink.frame("uploads")["payload_bits"].unique().to_list() == [encoded + 32 * numbers]
    heard = sink.frame("spans").filter((pl.col("kind") == "broadcast") & (pl.col("round") > 0))
    assert heard["bits"].unique().to_list() == [16 * numbers + 32 * numbers]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"scheme.kind": "fedlora"}, lambda tensors, up, n: tensors(WHOLE)),
        ({"scheme.kind": "ffa_lora"}, lambda tensors, up, n: tensors(LORA_B | HEAD)),
        (
            {"scheme.kind": "hierfavg", "scheme.edge_rounds": 2},
            lambda tensors, up, n: tensors(WHOLE),
        ),
        ({"scheme.kind": "fedex_lora"}, lambda tensors, up, n: n * up),  # as they came, while few
    ],
    ids=lambda chosen: chosen["scheme.kind"] if isinstance(chosen, dict) else "",
)
def test_the_backhaul_carries_what_gnbs_have_decoded(
    chosen: dict[str, Any], expected: Callable[..., float]
) -> None:
    """An average of encoded uploads is no longer encoded; uploads for products are."""
    network = {"federation": "network", "topology.window_km": 2, "upload.codec": "sign"}
    sink = tables(**{**network, **chosen, "rounds": 2})
    spans = sink.frame("spans")
    sent = spans.filter(
        (pl.col("kind") == "backhaul") & (pl.col("round") == 2) & (pl.col("bits") > 0)
    )
    arrived = sink.frame("uploads").filter(
        (pl.col("round") == 2) & (pl.col("outcome") == "on_time")
    )
    scenario = load_scenario("quickstart", {**QUIET, **network, **chosen})
    size_of = build_parts(scenario, Silence(), LOADED).setting.payloads.unencoded_of
    assert size_of is not None
    found = 0
    for gnb, bits in sent.filter(pl.col("ue").is_null()).select("gnb", "bits").iter_rows():
        mine = arrived.filter(gnb=gnb)["payload_bits"]
        if len(mine):
            wanted = expected(
                lambda parts: size_of(np.zeros(1, int), None, parts)[0], mine[0], len(mine)
            )
            found += bits == pytest.approx(wanted)
    assert found >= 1


def test_a_charge_that_is_scaled_is_emulated(tmp_path: Path) -> None:
    for bits, emulated in ((32, False), (1, True)):
        sink = tables(**{"learning.payload_bits_per_parameter": bits})
        assert sink.frame("uploads")["payload_emulated"].unique().to_list() == [emulated]
    run = netsim.run(
        load_scenario("quickstart", {**QUIET, "learning.payload_bits_per_parameter": 1}),
        out=tmp_path / "run",
        loaded=LOADED,
    )
    assert digest(run)["emulated"]


@pytest.mark.parametrize(
    ("chosen", "rule"),
    [
        (
            {"upload.codec": "sign", "learning.payload_bits_per_parameter": 16},
            r"learning\.payload_bits_per_parameter must be 32 with upload\.codec = sign",
        ),
        (
            {"upload.codec": "sign", "modules.0.payload_bits_override": 1e6},
            r"modules\.0\.payload_bits_override must not be set with upload\.codec = sign",
        ),
        (
            {"downlink.codec": "qsgd", "modules.0.download_bits_override": 1e6},
            r"modules\.0\.download_bits_override must not be set with downlink\.codec = qsgd",
        ),
        (
            {"upload.error_feedback": True},
            r"upload\.error_feedback needs an upload\.codec other than none",
        ),
        (
            {"upload.codec": "random_k", "upload.error_feedback": True},
            r"upload\.error_feedback: needs a codec that loses less.*upload\.codec = random_k may lose 9 ",
        ),
        (
            {"upload.codec": "qsgd", "upload.error_feedback": True},
            r"upload\.error_feedback: .*upload\.codec = qsgd may lose 2\.61 ",
        ),
        (
            {"upload.codec": "top_k", "upload.error_feedback": True, "scheme.kind": "flexlora"},
            r"scheme\.kind: must not make A and B anew with upload\.error_feedback = true",
        ),
        (
            {"upload.codec": "top_k", "upload.error_feedback": True, "scheme.kind": "flora"},
            r"scheme\.kind: must not change the frozen weights with upload\.error_feedback = true",
        ),
        (
            {"upload.codec": "top_k", "upload.error_feedback": True, "scheme.kind": "fedsvd"},
            r"scheme\.kind: must not make A anew with upload\.error_feedback = true",
        ),
        (
            {"downlink.codec": "qsgd", "scheme.kind": "fedex_lora"},
            r"downlink\.codec: must be none with scheme\.kind = fedex_lora",
        ),
        (
            {"upload.codec": "sign", "scheme.kind": "split_lora"},
            r"upload\.codec: must be none with scheme\.kind = split_lora, which sends activations",
        ),
        (
            {"downlink.codec": "qsgd", "scheme.kind": "slora"},
            r"downlink\.codec: must be none with scheme\.kind = slora: its UEs must hear exactly",
        ),
        (
            {"upload.codec": "sign", "upload.bits": 3},
            r"upload\.bits: unknown parameter of Sign; it has: bucket, codec, error_feedback",
        ),
        ({"upload.codec": "qsgd", "upload.bits": 1}, r"upload\.bits: must be at least 2"),
        ({"downlink.codec": "top_k", "downlink.kept": 1.5}, r"downlink\.kept: must be at most 1"),
        ({"downlink.powr_w": 1.0}, r"downlink\.powr_w: unknown parameter .*did you mean.*power_w"),
        ({"upload.codec": "topk"}, r"upload\.codec: must be one of .*did you mean.*top_k"),
        (
            {"flower": {}, "upload.codec": "sign", "network_only": False},
            r"flower needs upload\.codec = none",
        ),
    ],
    ids=lambda chosen: next(iter(chosen)) if isinstance(chosen, dict) else "",
)
def test_what_does_not_go_together_is_refused(chosen: dict[str, Any], rule: str) -> None:
    given = {
        key: value
        for key, value in QUIET.items()
        if "scheme.kind" not in chosen or key != "scheme.rank"
    }
    with pytest.raises(ScenarioError, match=rule):
        build_parts(load_scenario("quickstart", {**given, **chosen}), Silence(), LOADED)


class Stop(Silence):
    """Sends SIGTERM to this process at the end of round 2."""

    def round_closed(self, progress: Progress) -> None:
        if progress.round == 2:
            signal.raise_signal(signal.SIGTERM)


def digests(run: Path) -> dict[str, str]:
    files = [
        f
        for f in sorted(run.rglob("*"))
        if f.is_file() and f.name not in ("metadata.json", "scenario.toml")
    ]
    return {str(f.relative_to(run)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


STALE = {
    "round.late_uploads": "stale",
    "round.alloc_start": "arrival",
    "round.compute_limit_s": None,
    "round.deadline_s": 1.0,
}


def learning(chosen: dict[str, Any], **more: Any) -> netsim.Scenario:
    ranked = chosen.get("scheme.kind") in ("hetlora", "flexlora")
    given = {key: value for key, value in SMALL.items() if not ranked or key != "scheme.rank"}
    return load_scenario("quickstart", {**given, **chosen, **more})


@pytest.mark.parametrize(
    "chosen",
    [
        {"upload.codec": "top_k", "upload.error_feedback": True, "downlink.codec": "qsgd"},
        {"upload.codec": "sign", "upload.error_feedback": True, "scheme.kind": "hetlora"},
        {"upload.codec": "topk_qsgd", "upload.bits": 8, "upload.error_feedback": True, **STALE},
        {"upload.codec": "fixed_point", "upload.secure_aggregation.threshold": 0.4},
        {"uplink.access": "noma"},
    ],
    ids=["both ways", "hetlora", "stale", "masked", "pairs"],
)
def test_a_killed_run_goes_on_to_the_same_bytes(chosen: dict[str, Any], tmp_path: Path) -> None:
    """With two workers, as one that is not killed has them with one: tables and adapters."""
    alone = netsim.run(learning(chosen, rounds=4), out=tmp_path / "alone", loaded=LOADED)
    two = learning(chosen, **{"rounds": 4, "learning.workers": 2})
    with pytest.raises(Interrupted):
        netsim.run(two, out=tmp_path / "run", listener=Stop(), loaded=LOADED)
    files = [file.name for file in (tmp_path / "run" / "checkpoint").rglob("ues.*.safetensors")]
    assert bool(files) == bool(chosen.get("upload.error_feedback"))
    netsim.resume(tmp_path / "run", loaded=LOADED)
    assert digests(tmp_path / "run") == digests(tmp_path / "alone")
    ends = set(alone.uploads.select("outcome").collect()["outcome"])
    assert ends > {"on_time"}


@pytest.mark.parametrize("kind", ["flora", "fedex_lora", "flexlora", "fedsa_lora"])
def test_products_and_parts_are_of_what_arrives(kind: str, tmp_path: Path) -> None:
    chosen = {"scheme.kind": kind, "upload.codec": "qsgd"}
    losses = []
    for codec in ("qsgd", "none"):
        scenario = learning({**chosen, "upload.codec": codec}, rounds=2)
        run = netsim.run(scenario, out=tmp_path / codec, loaded=LOADED)
        losses.append(run.learning_curve().collect()["loss"].to_list())
    assert losses[0][0] == losses[1][0]
    assert losses[0][-1] != losses[1][-1]
    assert np.isfinite(losses).all()

"""`netsim run` as a user meets it: learning, the folder it leaves, reproduction, interruption."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from forking import ForkServer
from polars.testing import assert_frame_equal

import netsim
from netsim.results.checks import check_run
from netsim.results.reader import Run, open_run

SHARED = Path(__file__).parents[3] / "shared"

SMALL = {
    "rounds": 3,
    "ues.count": 10,
    "data.train_samples": 600,
    "data.test_samples": 80,
    "data.samples_per_ue": 40,
}


CommandLine = Callable[..., str]


def _sets(overrides: dict[str, object]) -> list[str]:
    return [word for key, value in overrides.items() for word in ("--set", f"{key}={value}")]


def _digests(folder: Path) -> dict[str, str]:
    files = [*folder.rglob("*.parquet"), *(folder / "adapters").rglob("*")]
    return {
        str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest()
        for f in sorted(files)
        if f.is_file()
    }


def test_summary_ends_with_the_course_and_what_to_do_next(learned: Path) -> None:
    printed = (learned.parent / "printed.txt").read_text(encoding="utf-8")
    course, folder, *after = printed.splitlines()[-4:]
    accuracy = open_run(learned).learning_curve().collect()["accuracy"].to_list()
    assert course.startswith("accuracy  ")
    assert len(course.split()[1]) == len(accuracy) == 4
    assert course.endswith(f"  {accuracy[0]:.3f} to {accuracy[-1]:.3f}")
    assert folder == "run folder: a"
    assert [line.split("netsim ")[1] for line in after] == ["report a", "export perfetto a"]
    assert "accuracy, ensemble" in printed


def test_run_folder_is_complete(learned: Path) -> None:
    found = open_run(learned)
    metadata = found.metadata
    assert metadata["status"] == "done"
    assert metadata["stop_reason"] == "rounds"
    assert metadata["versions"]["torch"]
    assert metadata["records"]["rounds"] == 3
    assert sorted(p.name for p in (learned / "adapters").iterdir()) == ["0", "1", "2", "3"]
    for table in ("spans", "uploads", "rounds", "evaluations", "subscriptions", "ues"):
        assert len(found.table(table).collect()) > 0


def test_evaluations_have_one_common_ensemble_row(learned: Path) -> None:
    rows = open_run(learned).evaluations.collect()
    ensemble = rows.filter((pl.col("target") == "ensemble") & pl.col("ue").is_null())
    assert ensemble["round"].to_list() == [0, 1, 2, 3]
    assert set(rows["target"].unique()) == {"0", "1", "2", "3", "ensemble"}
    last = rows.filter(pl.col("round") == 3)
    modules = last.filter(pl.col("target") != "ensemble")
    assert modules["loss"].mean() == pytest.approx(
        last.filter(pl.col("target") == "ensemble")["loss"].item()
    )


def test_every_redeemed_gradient_is_traced(learned: Path) -> None:
    found = open_run(learned)
    computing = found.spans.filter(pl.col("kind") == "compute").collect()
    arrived = found.uploads.filter(pl.col("outcome") == "on_time").select("round", "ue").collect()
    redeemed = computing.filter(pl.col("train_loss").is_not_null())
    assert len(redeemed) == len(arrived) > 0
    assert len(redeemed.join(arrived, on=["round", "ue"])) == len(arrived)
    assert (redeemed["gradient_norm"] > 0).all()
    assert computing.filter(pl.col("train_loss").is_null())["gradient_norm"].null_count() == len(
        computing
    ) - len(arrived)


def test_learning_run_balances(learned: Path) -> None:
    scenario = netsim.load_scenario(learned / "scenario.toml")
    checks = check_run(
        open_run(learned), bandwidth_hz=scenario.radio.bandwidth_hz, constant_rate=True
    )
    assert all(c.passed for c in checks)


def test_resolved_scenario_gives_the_same_bytes(learned: Path, command_line: CommandLine) -> None:
    command_line(learned.parent, "run", learned / "scenario.toml", "--out", "again")
    again = _digests(learned.parent / "again")
    assert again == _digests(learned)
    assert any(name.endswith(".safetensors") for name in again)


def test_another_seed_gives_other_bytes(learned: Path, command_line: CommandLine) -> None:
    command_line(learned.parent, "run", learned / "scenario.toml", "--seed", "2", "--out", "other")
    ours, others = _digests(learned), _digests(learned.parent / "other")
    for name in ours:
        if name.endswith((".safetensors", ".parquet")) and not name.startswith(
            "subscriptions"
        ):  # dealt in turn
            assert ours[name] != others[name], name


def test_network_only_gives_the_same_network_tables(
    learned: Path, command_line: CommandLine
) -> None:
    command_line(learned.parent, "run", *_sets(SMALL), "--network-only", "--out", "network")
    with_learning, without = open_run(learned), open_run(learned.parent / "network")
    for table in ("uploads", "rounds", "subscriptions", "ues"):
        assert_frame_equal(with_learning.table(table).collect(), without.table(table).collect())
    learned_columns = ("train_loss", "gradient_norm")
    spans = with_learning.spans.filter(pl.col("kind") != "evaluate").drop(learned_columns).collect()
    assert_frame_equal(spans, without.spans.drop(learned_columns).collect())
    assert len(without.evaluations.collect()) == 0


def test_saved_adapters_give_the_last_accuracy(learned: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from netsim.assembly import build_dataset
    from netsim.learning.builtin import model_folder

    found = open_run(learned)
    scenario = netsim.load_scenario(learned / "scenario.toml")
    test = build_dataset(scenario).test
    tokenizer = AutoTokenizer.from_pretrained(model_folder())
    inputs = tokenizer(
        test.first, padding=True, truncation=True, max_length=128, return_tensors="pt"
    )
    last = found.evaluations.filter(pl.col("round") == 3).collect()
    probabilities = []
    for module in range(4):
        base = AutoModelForSequenceClassification.from_pretrained(
            model_folder(), num_labels=2, dtype=torch.float32
        )
        model = PeftModel.from_pretrained(base, learned / "adapters" / str(module)).eval()
        with torch.no_grad():
            logits = model(**inputs).logits
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(test.label))
        row = last.filter(pl.col("target") == str(module))
        assert float(loss) == pytest.approx(row["loss"].item(), abs=1e-4)
        assert (logits.argmax(1).numpy() == test.label).mean() == pytest.approx(
            row["accuracy"].item()
        )
        probabilities.append(logits.softmax(1))
    accuracy = (torch.stack(probabilities).mean(0).argmax(1).numpy() == test.label).mean()
    assert accuracy == pytest.approx(last.filter(pl.col("target") == "ensemble")["accuracy"].item())


def test_learning_stop_rules(tmp_path: Path) -> None:
    for key, value, reason in (
        ("target_accuracy", 0.1, "target_accuracy"),
        ("patience_evaluations", 1, "converged"),
    ):
        scenario = netsim.load_scenario(
            "quickstart",
            {**SMALL, f"stop.{key}": value, "learning.learning_rate": 1e-30, "rounds": 5},
        )
        assert netsim.run(scenario, out=tmp_path / key).metadata["stop_reason"] == reason


@pytest.mark.parametrize("task", ["sst2", "qnli"])
def test_real_sentences(task: str, tmp_path: Path) -> None:
    folder = SHARED / "data" / "glue" / task
    if not folder.is_dir():
        pytest.skip("the real data sets are not beside this checkout")
    overrides = {**SMALL, "rounds": 1, "data.path": str(folder), "data.test_samples": 60}
    found = netsim.run(netsim.load_scenario("quickstart", overrides), out=tmp_path / task)
    assert found.metadata["status"] == "done"


def _started(tmp_path: Path, *arguments: str) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-m", "netsim.cli.main", "run", *arguments, "--out", "r"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    return process, tmp_path / "r"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "batch system"])
def test_interrupt_leaves_a_readable_run(
    number: signal.Signals, forks: ForkServer, tmp_path: Path
) -> None:
    settings = _sets({**SMALL, "rounds": 100_000, "learning.workers": 2})
    process = forks.start("run", *settings, "--out", "r", folder=tmp_path)
    for line in process.stderr:
        if line.startswith("round") and not line.startswith("round 0/"):
            break
    os.killpg(process.pid, number)  # every process of the group, workers too
    _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    folder = tmp_path / "r"
    found = Run(folder)
    last = found.rounds.collect()["round"].max()
    said = errors.splitlines()[-1]
    assert said == f"netsim: interrupted after round {last}; to go on: netsim resume r"
    assert (folder / "checkpoint" / f"{last:08d}").is_dir()
    assert found.metadata["status"] == "interrupted"
    rounds = found.rounds.collect()
    assert len(rounds) == found.metadata["records"]["rounds"] > 0
    scenario = netsim.load_scenario(folder / "scenario.toml")
    checks = check_run(found, bandwidth_hz=scenario.radio.bandwidth_hz, constant_rate=True)
    assert all(c.passed for c in checks)


def test_run_folder_exists_before_torch_loads(tmp_path: Path) -> None:
    process, folder = _started(tmp_path, *_sets(SMALL))
    begun = time.monotonic()
    while not (folder / "metadata.json").exists() and time.monotonic() - begun < 20:
        time.sleep(0.02)
    assert json.loads((folder / "metadata.json").read_text())["status"] == "running"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

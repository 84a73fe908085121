"""`data.partition` of a scenario: what the UEs hold is in the tables, and reuse is never silent."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import netsim
from netsim.assembly.parts import build_parts
from netsim.errors import ScenarioError
from netsim.protocols import Silence

SMALL = {"rounds": 1, "ues.count": 12, "data.train_samples": 1500, "data.samples_per_ue": 40}


class Warned(Silence):
    """Keeps the warnings."""

    def __init__(self) -> None:
        super().__init__()
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def ues(folder: Path, **overrides: object) -> pl.DataFrame:
    scenario = netsim.load_scenario("quickstart", {**SMALL, "network_only": True, **overrides})
    return netsim.run(scenario, out=folder / "run").ues.collect()


def test_the_world_is_in_the_table(tmp_path: Path) -> None:
    table = ues(
        tmp_path,
        **{
            "data.partition.domain": "domain",
            "data.partition.domain_concentration": 0.3,
            "data.partition.sizes": "log_normal",
            "data.partition.concept_share": 0.5,
        },
    )
    assert table["domain_histogram"].list.len().unique().to_list() == [6]
    assert (table["domain_histogram"].list.sum() == table["local_samples"]).all()
    assert (table["label_histogram"].list.sum() == table["local_samples"]).all()
    assert table["concept"].n_unique() == 2
    assert table["local_samples"].n_unique() > 3


def test_users_of_a_file(tmp_path: Path) -> None:
    rows = [f"sentence {n},{n % 2},user{n % 5}" for n in range(200)]
    file = tmp_path / "data.csv"
    file.write_text("\n".join(["text,label,user", *rows]))
    table = ues(
        tmp_path,
        **{
            "data.path": str(file),
            "data.partition.by": "user",
            "ues.count": 4,
            "modules": [{"rank": 4, "payload_bits_override": 1e6}],
        },
    )
    assert table["data_group"].n_unique() == 4
    assert (table["shared_samples"] == 0).all()


def test_reuse_is_reported_or_refused() -> None:
    enough = netsim.load_scenario("quickstart", {**SMALL, "network_only": True})
    heard = Warned()
    build_parts(enough, heard)
    assert heard.warnings == []
    scarce = {**SMALL, "network_only": True, "data.train_samples": 200}
    build_parts(netsim.load_scenario("quickstart", scarce), heard)
    assert "12 UEs hold rows that others hold too" in heard.warnings[0]
    refuse = netsim.load_scenario("quickstart", {**scarce, "data.partition.reuse": "refuse"})
    with pytest.raises(ScenarioError, match="reuse = refuse"):
        build_parts(refuse, heard)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"data.partition.by": "user"}, "column of the data"),
        ({"data.partition.domain": "nothing"}, "column of the data"),
        ({"data.partition.concept_share": 0.5, "data.partition.concept_groups": 3}, "concept"),
    ],
)
def test_worlds_that_do_not_fit(overrides: dict[str, object], message: str) -> None:
    scenario = netsim.load_scenario("quickstart", {**SMALL, "network_only": True, **overrides})
    with pytest.raises(netsim.errors.InputError, match=message):
        build_parts(scenario, Silence())


def test_flipped_labels_are_learned_as_such(tmp_path: Path) -> None:
    """Where all UEs mean the opposite, a module that learns gets the common split wrong."""
    scenario = netsim.load_scenario(
        "quickstart",
        {
            **SMALL,
            "rounds": 6,
            "scheme.kind": "fedlora",
            "data.partition.concept_share": 1.0,
            "data.test_samples": 200,
            "learning.learning_rate": 0.01,
            "round.deadline_s": 60,
            "round.compute_limit_s": None,
        },
    )
    run = netsim.run(scenario, out=tmp_path / "run")
    last = run.evaluations.filter(pl.col("round") == pl.col("round").max()).collect()
    common = last.filter(pl.col("ue").is_null() & (pl.col("target") == "ensemble"))
    own = last.filter(pl.col("ue").is_not_null() & (pl.col("target") == "ensemble"))
    assert common["accuracy"].item() < 0.45
    assert own["accuracy"].mean() > 0.55

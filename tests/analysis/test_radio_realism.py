"""The study of the radio's simplifications in small."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from netsim import open_sweep


def test_small(study: Callable[..., Path]) -> None:
    out = study("radio_realism")
    rows = pl.read_parquet(out / "results" / "radio_realism-small.parquet")
    assert len(rows) == 6 * 2
    text = (out / "results" / "radio_realism-small.md").read_text()
    assert "Algorithm 2 less FedLoRA, of pairs" in text
    # the fading, the rates and so the uploads are not touched by how energy is accounted for
    steps = {name: rows.filter(step=name).drop("step") for name in ("HARQ", "energy by state")}
    same, more = steps["HARQ"], steps["energy by state"]
    assert same.drop("joules").equals(more.drop("joules"))
    assert (more["joules"] > same["joules"]).all()
    found = open_sweep(out)
    one = next(job for job, told in found.jobs.items() if told["overrides"]["name"] == "downlink")
    scenario = (found.run(one).path / "scenario.toml").read_text()
    for line in ('link = "faded"', 'power = "states"', 'fading = "block"', "transmissions = 4"):
        assert line in scenario
    assert (out / "figures" / "radio_realism-small.svg").stat().st_size > 10_000

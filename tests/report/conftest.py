"""Runs to look at, and a real browser to look with."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from netsim.execution import run
from netsim.results.reader import Run
from netsim.results.writer import write_parquet
from netsim.scenario.model import Scenario
from netsim.traces import read_mobility

TRACES = Path(__file__).parents[2] / "traces"

HOSTILE = [
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 2</script>",
    '<img src="x" onerror="window.hacked = 3">',
    "<b>bold</b> & %{x} ${title}",
    '<a href="javascript:window.hacked = 4">click</a>',
    "<!--",
]
SWITCHES = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,900",
)  # fmt: skip


@pytest.fixture(scope="session")
def hostile() -> list[str]:
    """Names that would do harm if they were anything but text."""
    return HOSTILE


@pytest.fixture(scope="session")
def network_run(
    tmp_path_factory: pytest.TempPathFactory, make_network: Callable[..., Scenario]
) -> Callable[..., Run]:
    """A small network-only run; the same overrides give the same folder."""
    made: dict[str, Run] = {}

    def make(**overrides: Any) -> Run:
        keys = {name.replace("__", "."): value for name, value in overrides.items()}
        name = json.dumps(keys, sort_keys=True)
        if name not in made:
            made[name] = run(make_network(keys), out=tmp_path_factory.mktemp("run") / "network")
        return made[name]

    return make


@pytest.fixture(scope="session")
def moving(network_run: Callable[..., Run], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """UEs that drive as in the sample made by SUMO, with handovers; some have hostile names."""
    still = network_run(federation="network", radio__interference="network", ues__count=12, rounds=20)
    folder = tmp_path_factory.mktemp("moving") / "<script>window.hacked = 5<!-- script>"
    shutil.copytree(still.path, folder)
    ues, sites = still.ues.collect(), still.sites.collect()
    driven = read_mobility(TRACES / "grid.fcd.xml").filter(pl.col("time_s") <= still.metadata["simulated_s"])
    vehicles = driven.select(pl.col("node").unique().sort()).collect()["node"].to_list()[:12]
    number = {name: ue for ue, name in enumerate(vehicles)}
    rows = driven.filter(pl.col("node").is_in(vehicles)).collect()
    apart = (rows.select("x_m", "y_m").to_numpy()[:, None] - sites.select("x_m", "y_m").to_numpy()) ** 2
    mobility = rows.select(
        "time_s",
        pl.col("node").replace_strict(number, return_dtype=pl.Int64).alias("ue"),
        "x_m",
        "y_m",
        pl.Series("gnb", np.argmin(apart.sum(axis=2), axis=1)),
    )
    write_parquet(mobility, folder / "mobility" / "part-000000.parquet")
    names = [*HOSTILE, *vehicles[len(HOSTILE) :], *[None] * (len(ues) - max(len(vehicles), len(HOSTILE)))]
    write_parquet(
        ues.with_columns(
            pl.Series("name", names),
            pl.lit(HOSTILE[0]).alias("class"),
        ),
        folder / "ues" / "part-000000.parquet",
    )
    handovers = {"time_s": [4.0, 6.0, 9.0], "ue": [0, 0, 3], "from_gnb": [0, 1, 0], "to_gnb": [1, 0, 2],
                 "during": ["uplink", "compute", "wait"], "bits_lost": [5e4, 0.0, 0.0]}  # fmt: skip
    write_parquet(pl.DataFrame(handovers), folder / "handovers" / "part-000000.parquet")
    metadata = json.loads((folder / "metadata.json").read_text())
    metadata |= {"name": HOSTILE[1], "scheme": HOSTILE[2], "stop_reason": HOSTILE[0]}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    scenario = folder / "scenario.toml"
    scenario.write_text(scenario.read_text() + f"\n# {HOSTILE[1]} {HOSTILE[5]}\n")
    return Run(folder)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Headless Chromium; where there is none the tests skip, but never in CI."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        reason = "chromium and chromedriver are not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for switch in (*SWITCHES, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    yield chrome
    chrome.quit()

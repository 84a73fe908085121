"""Runs to look at, and a real browser to look with."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from netsim.execution import run
from netsim.results.reader import Run
from netsim.scenario.model import Scenario

TRACES = Path(__file__).parents[2] / "traces"

HOSTILE = [
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 2</script>",
    '<img src="x" onerror="window.hacked = 3">',
    "<b>bold</b> & %{x} ${title}",
    '<a href="javascript:window.hacked = 4">click</a>',
    "<!--",
]
REPLAY = {
    "mobility.kind": "replay",
    "mobility.hysteresis_db": 0.5,
    "scheme.kind": "round_robin",
    "rounds": 99,
    "federation": "network",
    "topology.kind": "hex",
    "topology.density_per_km2": 25,
    "topology.window_km": 0.6,
    "radio.bandwidth_hz": 3e5,
    "model.foundation_bits_override": 1e6,
    "data.train_samples": 400,
    "data.test_samples": 50,
}
SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)


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
def moving(command_line: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """SUMO's vehicles replayed from the command line, with handovers; six have hostile names."""
    place = tmp_path_factory.mktemp("moving")
    text = (TRACES / "grid.fcd.xml").read_text(encoding="utf-8")
    tag = r'(<(?:vehicle|person) id=)"{}"'
    nodes = dict.fromkeys(name for _, name in re.findall(tag.format('([^"]*)'), text))
    for old, new in zip(nodes, HOSTILE, strict=False):
        text = re.sub(tag.format(re.escape(old)), lambda m, name=new: m[1] + quoteattr(name), text)
    (place / "hostile.fcd.xml").write_text(text, encoding="utf-8")
    folder = place / "<script>window.hacked = 5<!-- script>"
    settings = {
        **REPLAY,
        "mobility.path": place / "hostile.fcd.xml",
        "name": HOSTILE[2],
        "devices.0.name": HOSTILE[0],
    }
    sets = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    command_line(place, "run", "--quiet", "--network-only", *sets, "--out", folder)
    metadata = json.loads((folder / "metadata.json").read_text())
    # by somebody who has the folder
    metadata |= {"name": HOSTILE[1], "scheme": HOSTILE[2], "stop_reason": HOSTILE[0]}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    with (folder / "scenario.toml").open("a") as scenario:
        scenario.write(f"# {HOSTILE[1]}\n")
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

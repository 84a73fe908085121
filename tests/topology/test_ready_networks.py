"""The networks in topologies/: their README's commands make them, and their scenarios load."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from netsim.cli.commands import program
from netsim.scenario.load import load_scenario
from netsim.topology.backhaul import backhaul_paths
from netsim.topology.files import read_sites

FOLDER = Path(__file__).parents[2] / "topologies"
COMMANDS = [
    line
    for line in (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("netsim topology make")
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.split()[-1])
def test_the_commands_make_the_files(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = shlex.split(command)
    with pytest.raises(SystemExit) as ended:
        program()(arguments[1:])
    assert ended.value.code == 0
    name = arguments[-1]
    made, kept = (re.sub(r"\d+\.\d+", _rounded, (f / name).read_text()) for f in (tmp_path, FOLDER))
    assert made == kept


def test_every_network_is_described() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for path in FOLDER.iterdir():
        assert f"`{path.name}`" in text or path.name == "README.md"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda p: p.name)
def test_scenarios_use_networks_that_read(path: Path) -> None:
    scenario = load_scenario(path)
    if scenario.topology.path is not None:
        graph = read_sites(scenario.topology.path)
        if graph.number_of_edges():
            assert backhaul_paths(graph).delay_s(1e7).max() < 1.0


def _rounded(number: re.Match[str]) -> str:
    """Six digits: the last ones may differ by processor."""
    return f"{float(number.group()):.6g}"

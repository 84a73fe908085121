"""A package with a scheme, its test and its entry point, for `netsim init NAME --scheme`."""

from __future__ import annotations

import sys
from importlib.metadata import packages_distributions
from keyword import kwlist
from pathlib import Path
from string import Template

from netsim.errors import InputError
from netsim.plugins import plugin_names
from netsim.scenario.choices import SCHEMES
from netsim.version import __version__

SCENARIO = Template("""\
# A small scenario for the scheme $name. Every key: `netsim validate --schema`.
name = "$name"
seed = 1
rounds = 20

[ues]
count = 20              # K, UEs in the learning cell

[radio]
bandwidth_hz = 1.0e7    # W, the band that the scheme divides

[round]
deadline_s = 5.0        # what has not arrived by then does not count

[data]
task = "reviews"        # built in; `data.path` for your own

[scheme]
kind = "$name"
ues_per_round = 10      # a parameter of the scheme
""")

PROJECT = Template("""\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "$name"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["netsim-fedlora>=$version"]

[project.entry-points."netsim.schemes"]  # how netsim finds the scheme
$name = "$name:$title"

[tool.pytest.ini_options]
pythonpath = ["."]
""")

SCHEME = Template('''\
"""$title: who trains what in each round, on which part of the band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netsim import Observation, RoundPlan, Scheme
from netsim.plugins import Limited, parameter


@dataclass
class $title(Limited, Scheme):
    """The UEs nearest to their gNB train one adapter."""

    ues_per_round: int = parameter(10, "UEs of each gNB that upload in a round", ge=1)

    name: ClassVar[str] = "$name"
    citation: ClassVar[str] = "ours"

    def ranks(self, configured: Sequence[int]) -> tuple[int, ...]:
        """One adapter: the first of those that the scenario configures."""
        return tuple(configured[:1])

    def plan(self, seen: Observation) -> RoundPlan:
        """The next round; `seen` has what may be known before it starts, one entry for each UE."""
        chosen = []
        for gnb in np.unique(seen.gnb):
            ue = np.flatnonzero((seen.gnb == gnb) & seen.available)
            nearest = np.argsort(seen.distance_m[ue], kind="stable")
            chosen.append(ue[nearest[: self.ues_per_round]])
        ue = np.sort(np.concatenate(chosen))
        peers = np.bincount(seen.gnb[ue], minlength=seen.gnb.max() + 1)
        return RoundPlan(
            ue=ue,
            module=np.zeros_like(ue),
            share=seen.free_share[ue] / peers[seen.gnb[ue]],  # sums to at most 1 at each gNB
            power_w=np.full(len(ue), seen.max_power_w),
        )
''')

TEST = Template('''\
"""The scheme in a simulated cell, without learning: a second."""

from __future__ import annotations

from pathlib import Path

import netsim
from $name import $title

SMALL = {"network_only": True, "rounds": 3, "ues.count": 12, "scheme.kind": "round_robin"}


def test_the_nearest_ues_upload(tmp_path: Path) -> None:
    scheme = $title(ues_per_round=4)
    scenario = netsim.load_scenario("quickstart", SMALL)
    with netsim.Session(scenario, out=tmp_path / "run") as session:
        while not session.done:
            seen = session.observe()
            plan = scheme.plan(seen)
            assert plan.share.sum() <= 1 + 1e-12
            assert set(plan.ue) == set(seen.distance_m.argsort()[:4])
            session.step(plan)
        run = session.close()
    assert run.subscriptions.collect()["ue"].n_unique() == 4
''')


def write_package(folder: Path) -> list[Path]:
    """Write the package `folder.name` below `folder`; the files, in reading order.

    Raises InputError if the name is no Python name, or if the folder is there already.
    """
    name = folder.name
    if not (name.isidentifier() and name.islower()):
        rule = "a package needs a Python name in small letters, as my_scheme"
        raise InputError(rule, where="netsim init", value=name)
    if folder.exists():
        raise FileExistsError(folder)
    modules = {"netsim", *sys.stdlib_module_names, *packages_distributions()}
    if name in {*kwlist, *modules, *plugin_names(SCHEMES)}:  # it would hide them from its tests
        rule = "is a word or module of Python, a package that is installed, or a scheme"
        raise InputError(rule, where="netsim init", value=name)
    title = "".join(word.capitalize() for word in name.split("_"))
    texts = {
        f"{name}.py": SCHEME,
        f"test_{name}.py": TEST,
        "pyproject.toml": PROJECT,
        "scenario.toml": SCENARIO,
    }
    folder.mkdir(parents=True)
    written = []
    for file, template in texts.items():
        text = template.substitute(name=name, title=title, version=__version__)
        (folder / file).write_text(text, encoding="utf-8")
        written.append(folder / file)
    return written

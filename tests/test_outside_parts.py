"""Schemes, path losses and models of others: checked when they are loaded, named when they fail."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netsim
from netsim.cli.main import main
from netsim.errors import RunError, ScenarioError
from netsim.schemes.fedlora import FedLora

TINY = {"network_only": True, "rounds": 2, "ues.count": 6, "data.train_samples": 300}
MODULE = """
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from netsim import RoundPlan, Scheme


@dataclass
class Half:
    name = "half"

    def plan(self):
        return None


@dataclass
class Failing(Scheme):
    name = "failing"
    citation = "ours"

    def plan(self, seen):
        if seen.round == 2:
            return {}["no such key"]
        nobody = np.empty(0, dtype=np.int64)
        return RoundPlan(nobody, nobody, np.empty(0), np.empty(0))


@dataclass(frozen=True)
class Loss:
    def gain(self, distance_m):
        return distance_m ** -3.0


@dataclass(frozen=True)
class Steep:
    def gain(self, distance_m):
        raise ValueError("too steep")

    def link_gain(self, ues_m, sites_m, *, seed, site_ids=None):
        return self.gain(ues_m)


@dataclass(frozen=True)
class Work:
    def cycles(self):
        return 0


class Sum:
    def add(self, partial, upload, layout):
        raise ZeroDivisionError("by nothing")

    def merge(self, left, right):
        return left

    def apply(self, state, partial, layout, rate):
        return state


class Nothing:
    def add(self, partial, upload, layout):
        return {}
"""
POINTS = """[netsim.schemes]
half = theirs:Half
failing = theirs:Failing
[netsim.pathloss]
loss = theirs:Loss
steep = theirs:Steep
[netsim.compute]
work = theirs:Work
[netsim.mobility]
loss = theirs:Loss
[netsim.aggregations]
sum = theirs:Sum
nothing = theirs:Nothing
"""


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with parts of all kinds, in a working folder of its own."""
    package = tmp_path / "package"
    info = package / "theirs-0.1.dist-info"
    info.mkdir(parents=True)
    (package / "theirs.py").write_text(MODULE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(package)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "theirs", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (
            {"scheme.kind": "half"},
            r"scheme.kind: theirs.Half is no Scheme: it lacks asynchronous, .*restore\(state\), "
            r"citation; it must take plan\(observation\); a subclass of netsim.Scheme has",
        ),
        (
            {"radio.pathloss.kind": "loss"},
            r"theirs.Loss is no Pathloss: it lacks link_gain\(ues_m, sites_m, seed, site_ids\)$",
        ),
        ({"compute.model": "work"}, r"theirs.Work is no ComputeModel: .*take cycles\(training\)"),
        ({"mobility.kind": "loss"}, r"is no Mobility: it lacks motion\(start_m, region, seed\)"),
    ],
)
def test_what_is_missing_is_listed_when_the_scenario_loads(
    choice: dict[str, str], said: str, theirs: Path
) -> None:
    with pytest.raises(ScenarioError, match=said):
        netsim.load_scenario("quickstart", {**TINY, **choice})
    with pytest.raises(ScenarioError, match=said):
        netsim.run("quickstart", {**TINY, **choice}, out=theirs / "run")
    assert not (theirs / "run").exists()


def test_rules_of_aggregation_are_checked_and_named(theirs: Path) -> None:
    from netsim.learning.aggregation.named_rules import find_rule

    with pytest.raises(ScenarioError, match=r"nothing: .*is no Rule: it lacks merge.*, apply"):
        find_rule("nothing")
    rule: Any = find_rule("sum")
    with pytest.raises(RunError, match=r"aggregation sum \(Sum.add\) raised ZeroDivisionError: by"):
        rule.add(None, None, None)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (
            {"scheme.kind": "failing"},
            r"scheme.kind = failing \(Failing\) raised KeyError: 'no such key' .*theirs.py, line \d",
        ),
        ({"radio.pathloss.kind": "steep"}, r"radio.pathloss.kind = steep .*ValueError: too steep"),
    ],
)
def test_an_exception_names_the_plugin(
    choice: dict[str, str], said: str, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RunError, match=said) as found:
        netsim.run("quickstart", {**TINY, **choice}, out=theirs / "run")
    assert found.value.__cause__ is not None  # with its own traceback, for who debugs it
    assert netsim.open_run(theirs / "run").metadata["status"] == "failed"


def test_the_command_line_prints_no_traceback_of_a_plugin(
    theirs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"--set={key}={value}" for key, value in TINY.items()]
    chosen = ["--set", "radio.pathloss.kind=steep"]
    for command in ("run", "validate"):
        monkeypatch.setattr("sys.argv", ["netsim", command, "quickstart", *words, *chosen])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 1
        said = capsys.readouterr().err
        assert said.startswith("netsim: radio.pathloss.kind = steep (Steep) raised ValueError")
        assert "Traceback" not in said


@dataclass
class Nearest(netsim.Scheme):
    """The nearest UEs train one adapter."""

    count: int = 3
    seen: tuple[int, ...] = ()

    name = "nearest"
    citation = "ours"

    def plan(self, observation: netsim.Observation) -> netsim.RoundPlan:
        here = np.flatnonzero(observation.available)
        order = np.argsort(observation.distance_m[here], kind="stable")
        ue = np.sort(here[order[: self.count]])
        self.seen = (*self.seen, observation.round)
        share = np.full(len(ue), 1 / len(ue))
        return netsim.RoundPlan(ue, np.zeros_like(ue), share, np.full(len(ue), 0.1))


def test_a_scheme_needs_no_package(tmp_path: Path) -> None:
    scheme = Nearest(count=2)
    one = netsim.run("quickstart", TINY, scheme=scheme, out=tmp_path / "one")
    two = netsim.run("quickstart", TINY, scheme=scheme, out=tmp_path / "two")
    assert scheme.seen == ()  # each run has a copy, so that both begin alike
    assert one.uploads.collect().equals(two.uploads.collect())
    assert one.uploads.collect().height == 4
    assert one.metadata["scheme"] == "nearest"
    assert "count = 2" in (tmp_path / "one" / "scenario.toml").read_text()
    with netsim.Session("quickstart", TINY, scheme=scheme, out=tmp_path / "stepped") as session:
        session.step(session.proposed())
    with pytest.raises(ScenarioError, match=r"is not registered; go on from Python: .*scheme="):
        netsim.resume(tmp_path / "stepped")
    with pytest.raises(ScenarioError, match="must be that of the run, nearest, with the same"):
        netsim.resume(tmp_path / "stepped", scheme=Nearest(count=1))
    again = netsim.resume(tmp_path / "stepped", scheme=scheme)
    assert again.uploads.collect().equals(one.uploads.collect())


def test_a_registered_scheme_as_an_object_is_the_same_run(tmp_path: Path) -> None:
    asked = {**TINY, "scheme.kind": "fedlora", "scheme.rank": 4}
    named = netsim.run("quickstart", asked, out=tmp_path / "named")
    given = netsim.run("quickstart", TINY, scheme=FedLora(rank=4), out=tmp_path / "given")
    assert given.uploads.collect().equals(named.uploads.collect())
    again = netsim.load_scenario(tmp_path / "given" / "scenario.toml")
    assert again.scheme.parameters == {"rank": 4, "bandwidth": "equal"}


def test_a_scheme_cannot_take_anothers_name(tmp_path: Path) -> None:
    class Impostor(Nearest):
        name = "fedlora"

    with pytest.raises(ScenarioError, match="is the name of a registered scheme"):
        netsim.run("quickstart", TINY, scheme=Impostor(), out=tmp_path / "run")
    with pytest.raises(ScenarioError, match="is no Scheme: it lacks asynchronous"):
        netsim.run("quickstart", TINY, scheme=object(), out=tmp_path / "run")  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


def test_progress_is_shown_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask: Callable[..., Any] = netsim.run
    ask("quickstart", TINY, out=tmp_path / "silent")
    assert capsys.readouterr() == ("", "")
    ask("quickstart", TINY, out=tmp_path / "told", progress=True)
    assert "2/2" in capsys.readouterr().err
    netsim.sweep(
        "quickstart",
        {"rounds": [1]},
        [3],
        overrides={**TINY, "rounds": 1},
        out=tmp_path / "sweep",
        jobs=1,
        progress=True,
    )
    assert "1/1" in capsys.readouterr().err

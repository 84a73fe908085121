"""Scenarios: overrides are typed by the model, errors name the key, TOML comes back the same."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest

from netsim.errors import ScenarioError
from netsim.scenario.choices import check_paths
from netsim.scenario.load import bundled_names, load_scenario, load_text, parse_override, to_toml
from netsim.scenario.schema import schema_rows


def test_every_bundled_scenario_loads() -> None:
    assert "quickstart" in bundled_names()
    for name in bundled_names():
        assert load_scenario(name).name == name


def test_overrides_are_typed() -> None:
    keys = {
        "rounds": 3,
        "radio.bandwidth_hz": 2e7,
        "modules.1.rank": 5,
        "round.deadline_s": math.inf,
    }
    scenario = load_scenario("quickstart", keys)
    assert scenario.rounds == 3
    assert scenario.radio.bandwidth_hz == 2e7
    assert [m.rank for m in scenario.modules] == [4, 5, 16, 32]
    assert scenario.round.deadline_s == math.inf


def test_a_dictionary_as_override_leaves_the_other_keys_of_its_section() -> None:
    given = {"round": {"deadline_s": 3.0}, "radio": {"pathloss": {"exponent": 3.0}, "nr": {}}}
    found = load_scenario("paper", {**given, "radio.rate_model": "nr", "radio.bandwidth_hz": 1e7})
    usual = load_scenario("paper")
    assert found.round.deadline_s == 3.0
    assert found.round.aggregation_s == usual.round.aggregation_s
    assert found.radio.pathloss.parameters == {"exponent": 3.0}
    assert found.radio.sinr_threshold_db == usual.radio.sinr_threshold_db
    assert found.radio.nr is not None
    assert load_scenario("paper", {"radio": {}}) == usual


@pytest.mark.parametrize(
    "override", [{"radio.pathloss.kind": "uma"}, {"radio": {"pathloss": {"kind": "uma"}}}]
)
def test_another_path_loss_may_be_chosen_over_one_with_parameters(override: dict[str, Any]) -> None:
    assert load_scenario("paper").radio.pathloss.parameters
    assert load_scenario("paper", override).radio.pathloss.parameters == {}


def test_overrides_are_not_changed() -> None:
    overrides = {"scheme": {"kind": "fedlora"}, "scheme.bandwidth": "algorithm1", "channel": []}
    before = copy.deepcopy(overrides)
    load_scenario("quickstart", overrides)
    assert overrides == before


def test_override_of_a_default_list(tmp_path: Path) -> None:
    path = tmp_path / "bare.toml"
    path.write_text('name = "bare"\n')
    assert [m.rank for m in load_scenario(path, {"modules.0.rank": 2}).modules] == [2, 8, 16, 32]


def test_parse_override() -> None:
    assert parse_override("rounds=3") == ("rounds", 3)
    assert parse_override("radio.fading=block") == ("radio.fading", "block")
    assert parse_override("modules.0.target_modules=['query']") == (
        "modules.0.target_modules",
        ["query"],
    )
    assert parse_override("name=a=b") == ("name", "a=b")
    with pytest.raises(ScenarioError, match=r"a\.b=value"):
        parse_override("rounds")


def test_resolved_scenario_loads_as_the_same(tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text("x_m,y_m\n0,0\n500,0\n")
    overrides = {
        "topology.kind": "file",
        "topology.path": str(tmp_path / "sites.csv"),
        "data.dirichlet_concentration": math.inf,
        "name": 'quote " and é',
        "devices.0.name": 'quote " and \n line',
        "scheme.kind": "fedlora",
        "scheme.rank": 16,
    }
    scenario = load_scenario("quickstart", overrides)
    (tmp_path / "again.toml").write_text(to_toml(scenario))
    assert load_scenario(tmp_path / "again.toml") == scenario


def test_paths_are_relative_to_the_scenario_file(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text('[topology]\nkind = "file"\npath = "sites.csv"\n')
    assert load_scenario(tmp_path / "s.toml").topology.path == tmp_path / "sites.csv"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"radio.bandwith_hz": 1e6},
            r"radio\.bandwith_hz: unknown key; did you mean bandwidth_hz\?",
        ),
        ({"radio.bandwidth_hz": -1.0}, r"radio\.bandwidth_hz: .*greater than 0 \(found -1\.0\)"),
        ({"radio.bandwidth_hz": math.nan}, r"radio\.bandwidth_hz: .*\(found nan\)"),
        (
            {"radio.bandwidth_hz": math.inf},
            r"radio\.bandwidth_hz: must be a finite number \(found inf\)",
        ),
        ({"rounds": "many"}, r"rounds: .*integer.*'many'"),
        ({"modules.7.rank": 3}, r"modules\.7: must be an index below 4"),
        ({"modules": []}, r"modules: "),
        ({"rounds.x": 1}, r"rounds: is not a section"),
        (
            {"round.compute_limit_s": 99.0},
            r"compute_limit_s \(99 s\) must be below deadline_s \(5 s\)",
        ),
        ({"topology.kind": "file"}, r"path is given exactly when topology\.kind is file"),
        (
            {"network_only": True, "stop.target_accuracy": 0.9},
            r"stop\.target_accuracy depends on learning",
        ),
        ({"devices.0.cpu_hz_min": 9e9}, r"devices\.0: cpu_hz_min must not exceed cpu_hz_max"),
        ({"topology.density_per_km2": 1e5}, r"at most 1e6"),
    ],
)
def test_a_broken_rule_is_named(overrides: dict[str, object], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        load_scenario("quickstart", overrides)


def test_no_such_scenario() -> None:
    with pytest.raises(ScenarioError, match="nowhere: no such file, and not a bundled scenario"):
        load_scenario("nowhere")


def test_not_toml(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("rounds = = 3")
    with pytest.raises(ScenarioError, match=r"bad\.toml: not a TOML file"):
        load_scenario(tmp_path / "bad.toml")


def test_schema_lists_every_key_with_a_meaning() -> None:
    rows = {row["key"]: row for row in schema_rows()}
    assert rows["radio.bandwidth_hz"]["unit"] == "Hz"
    assert rows["modules[].rank"]["default"] == "8"
    assert all(row["meaning"] for row in rows.values())
    dimensional = ("_hz", "_s", "_j", "_w", "_db", "_km", "_m", "_km2")
    assert all(row["unit"] for key, row in rows.items() if key.endswith(dimensional))


PAPER = Path(__file__).parents[2] / "topologies" / "paper.toml"


@pytest.mark.parametrize(
    ("key", "other"),
    [
        ("scheme.kind", "fedlora"),
        ("radio.pathloss.kind", "uma"),
        ("compute.model", "flops"),
    ],
)
def test_another_choice_starts_with_its_own_defaults(key: str, other: str) -> None:
    changed = load_scenario(PAPER, {key: other})
    section = key.rpartition(".")[0]
    chosen = changed.radio.pathloss if section == "radio.pathloss" else None
    chosen = chosen or {"scheme": changed.scheme, "compute": changed.compute}[section]
    assert chosen.parameters == {}
    assert load_scenario(PAPER, {key: other}) == load_text(to_toml(changed))


def test_a_choice_takes_its_own_parameters_in_any_order(tmp_path: Path) -> None:
    before = load_scenario(PAPER, {"scheme.rank": 8, "scheme.kind": "fedlora"})
    after = load_scenario(PAPER, {"scheme.kind": "fedlora", "scheme.rank": 8})
    assert before.scheme.parameters == after.scheme.parameters == {"rank": 8}


def test_the_same_choice_keeps_its_parameters() -> None:
    again = load_scenario(PAPER, {"scheme.kind": "model_switching", "scheme.mu": 5.0})
    assert again.scheme.parameters["participation"] == 0.1
    assert again.scheme.parameters["mu"] == 5.0


def test_keys_of_the_section_itself_stay() -> None:
    moves = {"mobility.kind": "gauss_markov", "mobility.memory_s": 5.0, "mobility.step_s": 0.5}
    text = to_toml(load_scenario("quickstart", moves))
    path_or_text = load_text(text)
    assert path_or_text.mobility.parameters == {"memory_s": 5.0}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"scheme.kind": "fedlra"}, "scheme.kind: must be one of .*; did you mean fedlora"),
        ({"scheme.max_module": 2}, "scheme.max_module: unknown .*; did you mean max_modules"),
        ({"radio.pathloss.kind": "umo"}, "did you mean umi|did you mean uma"),
        ({"mobility.kind": "static", "mobility.speed": 1}, "mobility.speed: unknown parameter"),
        ({"compute.model": "flop"}, "did you mean flops"),
    ],
)
def test_names_are_checked_when_a_scenario_loads(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        load_scenario("quickstart", overrides)


def test_a_wrong_name_of_a_scenario_is_told_the_right_one() -> None:
    with pytest.raises(ScenarioError, match="did you mean quickstart"):
        load_scenario("quickstrat")


def test_files_that_a_run_reads_must_exist(tmp_path: Path) -> None:
    for key in ("data.path", "model.path"):
        with pytest.raises(ScenarioError, match=f"{key}: must be an existing .* --set {key}=PATH"):
            check_paths(load_scenario("quickstart", {key: str(tmp_path / "gone")}))
    check_paths(load_scenario("quickstart", {"model.path": "gone", "network_only": True}))


@pytest.mark.parametrize(
    "name",
    ["../../x", "/tmp/x", "a/b", "a\\b", "..", ".", "", " ", "a\0b", "a\nb", "x" * 5000, "\udce4"],
)
def test_a_name_is_one_plain_path_component(name: str) -> None:
    with pytest.raises(ScenarioError, match="quickstart: name: ") as raised:
        load_scenario("quickstart", {"name": name})
    assert len(str(raised.value)) < 300


def test_names_may_be_of_any_language() -> None:
    for name in ("Zürich, 2 gNBs (test)", "東京", "a.b-c_d"):
        assert load_scenario("quickstart", {"name": name}).name == name


def test_a_star_is_every_item_of_a_list() -> None:
    chosen = load_scenario("quickstart", {"modules.*.target_modules": ["query"]})
    assert [module.target_modules for module in chosen.modules] == [("query",)] * 4
    assert [module.rank for module in chosen.modules] == [4, 8, 16, 32]
    for key in ("radio.*.exponent", "*.rank", "channel.*.fill"):
        with pytest.raises(ScenarioError, match=r"\* stands for every item of a list"):
            load_scenario("quickstart", {key: 1})

"""The kinds of input that come from outside, each with a way to spoil one and a way to use it.

A kind prepares its input in the working folder and returns what is then done with it: words of the
command line, or a function. Everything is drawn from the generator that it is given.
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import folder_kinds
import mutators as m
import numpy as np
import random_scenarios
import samples
import tomli_w

import netsim
from netsim.errors import ScenarioError
from netsim.plugins import parameters, plugin_class, plugin_names
from netsim.protocols import Silence
from netsim.scenario.schema import schema_rows
from netsim.traces.series import FILLS

Draw = np.random.Generator
Use = Sequence[str] | Callable[[], object]
Prepare = Callable[[Path, Draw], Use]

MOST_UES = 60
MOST_SITES = 3000
MOST_ROUNDS = 2


# -- scenarios -----------------------------------------------------------------------------------


def scenario_file(home: Path, draw: Draw) -> Use:
    """A TOML file whose keys, values or text are spoilt."""
    tree = _nested(random_scenarios.draw_scenario(draw))
    if draw.random() < 0.5:
        content = tomli_w.dumps(_without_none(m.spoil_tree(tree, draw, TOML_VALUES))).encode(
            "utf-8", "replace"
        )
    else:
        content = m.spoil_text(tomli_w.dumps(tree).encode(), draw)
    (home / "s.toml").write_bytes(content)
    if draw.random() < 0.04:
        m.pick(draw, m.SPECIAL)(home / "s.toml")
    return lambda: _simulate("s.toml", {})


def scenario_keys(home: Path, draw: Draw) -> Use:
    """Absurd values of some keys of the schema, each as `--set` gives it."""
    overrides = (
        random_scenarios.draw_scenario(draw)
        if draw.random() < 0.5
        else dict(random_scenarios.SMALL)
    )
    if draw.random() < 0.4:
        overrides |= _absurd_plugin(draw)
    for _ in range(m.often(draw)):
        key = str(m.pick(draw, KEYS)).replace("[]", ".0")
        if draw.random() < 0.03:
            key = f"{key}.{m.pick(draw, m.WORDS)}"
        overrides[key] = m.pick(draw, m.VALUES) if draw.random() < 0.6 else m.pick(draw, m.NUMBERS)
    words = [f"{key}={_as_text(value)}" for key, value in overrides.items()]

    def use() -> None:
        from netsim.scenario.load import parse_override

        _simulate("quickstart", dict(parse_override(word) for word in words))

    return use


def _absurd_plugin(draw: Draw) -> dict[str, Any]:
    """A plug-in, and an absurd value of one of its own parameters."""
    key, group = m.pick(draw, list(random_scenarios.PLUGINS.items()))
    kind = str(m.pick(draw, plugin_names(group)))
    section = key.partition(".")[0]
    chosen = {key: kind}
    names = [item.name for item in parameters(plugin_class(group, kind, key))]
    if names:
        value = m.pick(draw, m.VALUES) if draw.random() < 0.6 else m.pick(draw, m.NUMBERS)
        chosen[f"{section}.{m.pick(draw, names)}"] = value
    return chosen


def _simulate(source: str, overrides: dict[str, Any]) -> None:
    """Two rounds of a scenario that is accepted, if it is small; all that comes out is finite."""
    from netsim.assembly import build_parts, build_simulation
    from netsim.results.writer import MemorySink
    from netsim.scenario.load import load_scenario

    scenario = load_scenario(source, overrides)
    topology = scenario.topology
    sites = topology.density_per_km2 * topology.window_km**2
    many = sites > MOST_SITES and topology.kind != "file"
    if many or (scenario.ues.count or 0) > MOST_UES or scenario.data.hub or scenario.model.hub:
        return
    changes = {"network_only": True, "rounds": min(scenario.rounds, MOST_ROUNDS)}
    try:
        scenario = type(scenario).model_validate({**scenario.model_dump(), **changes})
    except ValueError as error:  # what depends on learning
        raise ScenarioError("depends on learning") from error
    sink = MemorySink()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # of NumPy, about numbers that are none
        parts = build_parts(scenario, Silence())
        build_simulation(parts, sink, Silence()).run(parts.scheme)
    for table in ("rounds", "uploads", "spans", "ues"):
        _check_finite(sink.frame(table), table)


def _check_finite(frame: Any, table: str) -> None:
    import polars as pl

    for column in frame.select(pl.col(pl.Float64)).get_columns():
        if column.name != "deadline_s" and not column.drop_nulls().is_finite().all():
            raise AssertionError(f"{table}.{column.name} is not finite")


KEYS = [row["key"] for row in schema_rows()]
KEYS += [
    "radio.pathloss.exponent", "radio.pathloss.min_distance_m", "radio.pathloss.shadowing_std_db",
    "radio.pathloss.reference_loss_db", "compute.cycles_per_bit", "compute.cycles_per_sample", "compute.flops_per_cycle",
    "mobility.speed_min_m_s", "mobility.speed_max_m_s", "mobility.pause_s", "mobility.memory", "mobility.path",
    "mobility.begin_s", "scheme.energy_weight", "scheme.count", "scheme.V", "scheme.modules_per_ue", "scheme.k",
]  # fmt: skip
TOML_VALUES = tuple(
    v for v in m.VALUES if v is not None and not (isinstance(v, int) and abs(v) >= 2**63)
)


def _nested(overrides: dict[str, Any]) -> dict[str, Any]:
    """Dotted keys as tables."""
    tree: dict[str, Any] = {}
    for key, value in overrides.items():
        *path, last = key.split(".")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        if value is not None:
            node[last] = value
    return tree


def _without_none(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {str(key): _without_none(value) for key, value in tree.items() if value is not None}
    if isinstance(tree, list):
        return [_without_none(value) for value in tree if value is not None]
    return tree


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value) if value is not None else ""


# -- traces and topologies -----------------------------------------------------------------------


def trace(home: Path, draw: Draw) -> Use:
    """A trace of any format; it is inspected, converted or replayed."""
    name = str(m.pick(draw, [*samples.TRACES, *samples.BINARY_TRACES]))
    path = samples.write_trace(home, name)
    files = sorted(file for file in home.rglob("*") if file.is_file())
    m.spoil_file(m.pick(draw, files), draw)
    if path.is_file() and not path.is_symlink() and draw.random() < 0.1:
        renamed = path.with_name(f"{name}.gz")
        renamed.write_bytes(m.packed(path.read_bytes(), draw))
        name = renamed.name
    kind = draw.random()
    if kind < 0.1:
        option = m.pick(draw, ("--format", "--columns"))
        return ("trace", "inspect", name, f"{option}={m.pick(draw, TRACE_OPTIONS)}")
    if kind < 0.65:
        return ("trace", "inspect", name)
    if kind < 0.8:
        return ("trace", "convert", name, f"out{m.pick(draw, OUT_SUFFIXES)}")
    if kind < 0.87:
        return lambda: _simulate(
            "quickstart",
            {**random_scenarios.SMALL, "mobility.kind": "replay", "mobility.path": name},
        )
    channel = {"path": name, "fill": m.pick(draw, FILLS)}
    if draw.random() < 0.3:
        channel["use"] = m.pick(draw, ("gain", "fading", "snr", "rate"))
    return lambda: _simulate(
        "quickstart", {**random_scenarios.SMALL, "ues.count": 2, "channel": [channel]}
    )


TRACE_OPTIONS = (
    *m.WORDS, "sumo:geo", "bonnmotion:3", "bonnmotion:1e9", "fad:100x10000", "fad:0x0", "fad:99999999999x9", "csv",
    "time=t:ms,node=id", "time=0,time=1", "lat=y,lon=x", "separator=,", "separator=aa", "decimal=,", "encoding=utf-7",
    "encoding=zip", "header=no", "header=99", "time=time_s:fortnight", "node=node", "rate=kbit/s", "mahimahi",
)  # fmt: skip
OUT_SUFFIXES = (
    ".parquet",
    ".csv",
    ".xml",
    ".fcd.csv",
    ".ns_movements",
    ".movements",
    ".gpx",
    ".up",
    ".fad",
    ".csv.gz",
)


def topology(home: Path, draw: Draw) -> Use:
    """A site file of any format; it is shown, rewritten or run."""
    name = str(m.pick(draw, list(samples.SITES)))
    (home / name).write_text(samples.SITES[name])
    if name.endswith(".geojson") and draw.random() < 0.6:
        (home / name).write_bytes(m.json_bytes(m.spoil_tree(json.loads(samples.SITES[name]), draw)))
    else:
        m.spoil_file(home / name, draw)
    if draw.random() < 0.6:
        return ("topology", "show", name)
    if draw.random() < 0.85:
        out = f"out{m.pick(draw, ('.csv', '.json', '.geojson', '.graphml'))}"
        return ("topology", "make", "file", "--out", out, "--from", name)
    return lambda: _simulate(
        "quickstart", {**random_scenarios.SMALL, "topology.kind": "file", "topology.path": name}
    )


# -- data and models -----------------------------------------------------------------------------


def data(home: Path, draw: Draw) -> Use:
    """A data set of labelled sentences."""
    from netsim.assembly.data import build_dataset

    name = str(m.pick(draw, list(samples.DATA)))
    (home / name).write_text(samples.DATA[name])
    if name.endswith(".csv") and draw.random() < 0.2:
        import polars as pl

        name = "d.parquet"
        pl.read_csv(home / "d.csv").write_parquet(home / name)
    m.spoil_file(home / name, draw)
    overrides: dict[str, Any] = {"data.path": name}
    if draw.random() < 0.1:
        overrides["data.columns"] = str(m.pick(draw, m.WORDS))
    if draw.random() < 0.06:
        return lambda: _simulate("quickstart", {**random_scenarios.SMALL, **overrides})
    return lambda: build_dataset(netsim.load_scenario("quickstart", overrides))


def model(home: Path, draw: Draw) -> Use:
    """A folder with a foundation model."""
    shutil.copytree(samples.model_folder(home.parent / "seeds"), home / "model")
    files = sorted(file for file in (home / "model").iterdir() if file.name != "shapes.json")
    if draw.random() < 0.15:
        name = m.pick(
            draw,
            (
                "pytorch_model.bin",
                "../outside/secret.safetensors",
                "model.safetensors",
                "/etc/hostname",
                "",
            ),
        )
        index = {"metadata": {}, "weight_map": {"roberta.embeddings.word_embeddings.weight": name}}
        (home / "model" / "model.safetensors.index.json").write_bytes(
            m.json_bytes(m.spoil_tree(index, draw))
        )
        (home / "model" / "model.safetensors").unlink()
    else:
        m.spoil_file(m.pick(draw, files), draw)

    def use() -> None:
        from netsim.learning.model_loading import load_foundation

        load_foundation("model", 2)

    return use


# -- new files and Flower apps -------------------------------------------------------------------


def init(home: Path, draw: Draw) -> Use:
    """A name for a new scenario or a new package; what is written then loads."""
    name = str(m.pick(draw, m.WORDS)).replace("/", "").replace("\0", "")  # no shell passes them
    (home / "taken").write_text("")
    place = m.pick(draw, (f"new{name}", name, f"a/{name}", "taken", "taken/x", "scheme_x"))
    more = m.pick(draw, ((), ("--scheme",), ("--from", m.pick(draw, m.WORDS)), ("--from", "paper")))
    return ("init", *more, "--", place)


def flower(home: Path, draw: Draw) -> Use:
    """A Flower app whose project file is spoilt, and what its config is replaced with."""
    (home / "app").mkdir()
    (home / "app" / "pyproject.toml").write_text(samples.FLOWER_PROJECT)
    m.spoil_file(home / "app" / "pyproject.toml", draw)
    config = f"rounds={m.pick(draw, m.NUMBERS)}" if draw.random() < 0.5 else m.pick(draw, m.WORDS)
    words = ("flower", "app", "--run-config", config) if draw.random() < 0.5 else ("flower", "app")
    return (*words, "--quiet", "--set", "ues.count=3", "--set", "rounds=1")


KINDS: dict[str, Prepare] = {
    "scenario_file": scenario_file,
    "scenario_keys": scenario_keys,
    "trace": trace,
    "topology": topology,
    "data": data,
    "model": model,
    "init": init,
    "flower": flower,
    **folder_kinds.KINDS,
}

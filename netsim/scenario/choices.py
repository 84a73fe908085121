"""Sections that choose something by name: a scheme, a path loss, a model of motion or computing.

Such a section holds a name, sometimes keys of its own, and the parameters of what it names. Another
name starts with the parameters at their defaults: those of the old one mean nothing to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netsim.errors import ScenarioError
from netsim.plain import exists
from netsim.plugin_members import check_members
from netsim.plugins import plugin_class, plugin_names, values_of
from netsim.protocols import Codec, ComputeModel, Mobility, Pathloss, Scheme
from netsim.scenario.downlink import Downlink
from netsim.scenario.model import Scenario
from netsim.scenario.motion import REPLAY, MobilityChoice
from netsim.scenario.parameters import typed_parameters
from netsim.scenario.radio import PathlossChoice
from netsim.scenario.section import Section
from netsim.scenario.training import Compute, SchemeChoice
from netsim.scenario.upload import Upload


@dataclass(frozen=True)
class Choice:
    """A section that chooses by name."""

    section: str  # dotted
    key: str  # of the name
    group: str  # of entry points
    keys: type[Section]  # the section's own keys; others are parameters
    protocol: type[Any]  # what is named must be one

    @property
    def name_key(self) -> str:
        """Dotted key of the name."""
        return f"{self.section}.{self.key}"


SCHEMES, CODECS = "netsim.schemes", "netsim.codecs"
CHOICES = (
    Choice("scheme", "kind", SCHEMES, SchemeChoice, Scheme),
    Choice("radio.pathloss", "kind", "netsim.pathloss", PathlossChoice, Pathloss),
    Choice("mobility", "kind", "netsim.mobility", MobilityChoice, Mobility),
    Choice("compute", "model", "netsim.compute", Compute, ComputeModel),
    Choice("upload", "codec", CODECS, Upload, Codec),
    Choice("downlink", "codec", CODECS, Downlink, Codec),
)


def drop_old_parameters(raw: dict[str, Any], overrides: Mapping[str, Any]) -> None:
    """Where an override names something else, remove the parameters of what was named before."""
    for choice in CHOICES:
        section = _section(raw, choice.section)
        if section is None or choice.name_key not in overrides:
            continue
        usual = choice.keys.model_fields[choice.key].default
        if overrides[choice.name_key] != section.get(choice.key, usual):
            for key in section.keys() - choice.keys.model_fields.keys():
                del section[key]


def _section(raw: dict[str, Any], dotted: str) -> dict[str, Any] | None:
    node: Any = raw
    for part in dotted.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else None


def chosen(scenario: Scenario) -> Iterator[tuple[Choice, str, dict[str, Any]]]:
    """Every choice with the name that a scenario gives, and its parameters."""
    given = (
        (scenario.scheme.kind, scenario.scheme.parameters),
        (scenario.radio.pathloss.kind, scenario.radio.pathloss.parameters),
        (scenario.mobility.kind, scenario.mobility.parameters),
        (scenario.compute.model, scenario.compute.parameters),
        (scenario.upload.codec, scenario.upload.parameters),
        (scenario.downlink.codec, scenario.downlink.parameters),
    )
    for choice, (name, parameters) in zip(CHOICES, given, strict=True):
        yield choice, name, parameters


def check_choices(
    scenario: Scenario,
    where: str = "scenario",
    *,
    scheme: Scheme | None = None,
) -> None:
    """Raises ScenarioError unless all that is chosen by name exists, is what it should be, and
    takes its parameters. `scheme` is given as an object, so that its name need not exist.
    """
    for choice, name, parameters in chosen(scenario):
        if choice.group == SCHEMES and scheme is not None:
            continue
        key = f"{where}: {choice.name_key}"
        plugin = plugin_class(choice.group, name, key)
        check_members(plugin, choice.protocol, key)
        beside = choice.keys.model_fields
        typed_parameters(plugin, parameters, f"{where}: {choice.section}", beside)


def with_scheme(scenario: Scenario, scheme: Scheme) -> Scenario:
    """The scenario with a scheme that is given as an object: its name, and its parameters as far as
    a scenario can hold them. Raises ScenarioError if it is no scheme, or takes another's name.
    """
    check_members(type(scheme), Scheme, "scheme")
    kind = scheme.name
    if not isinstance(kind, str) or not kind:
        raise ScenarioError("must be text", where="scheme: name", value=kind)
    if kind in plugin_names(SCHEMES):
        other = plugin_class(SCHEMES, kind, "scheme")
        if not isinstance(scheme, other):
            rule = "is the name of a registered scheme; give yours another"
            raise ScenarioError(rule, where="scheme: name", value=kind)
    section = {"kind": kind, **values_of(scheme)}
    return Scenario.model_validate({**scenario.model_dump(), "scheme": section})


def check_paths(scenario: Scenario) -> None:
    """Raises ScenarioError unless the files that a run of the scenario reads exist."""
    for key, path in _paths(scenario):
        if not exists(path):
            rule = f"must be an existing file or folder; give yours with --set {key}=PATH"
            raise ScenarioError(
                rule,
                where=f"scenario: {key}",
                value=str(path),
            )


def _paths(scenario: Scenario) -> Iterable[tuple[str, Path]]:
    if scenario.topology.path is not None:
        yield "topology.path", scenario.topology.path
    if scenario.data.path is not None:
        yield "data.path", scenario.data.path
    if scenario.model.path is not None and not scenario.network_only:
        yield "model.path", scenario.model.path
    if scenario.mobility.kind == REPLAY and "path" in scenario.mobility.parameters:
        yield "mobility.path", Path(str(scenario.mobility.parameters["path"]))
    for index, trace in enumerate(scenario.channel):
        yield f"channel.{index}.path", trace.path

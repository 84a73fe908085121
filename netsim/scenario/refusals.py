"""The first broken rule of a scenario, in words."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ValidationError

from netsim.errors import ScenarioError, did_you_mean
from netsim.scenario.model import Scenario
from netsim.scenario.section import section_type


def first_error(error: ValidationError, where: str) -> ScenarioError:
    """The first broken rule, with its key and value; how many more there are."""
    first, *others = error.errors(include_url=False)
    key = _dotted(first["loc"])
    more = ""
    if others:
        count = f"{len(others)} more values are" if len(others) > 1 else "1 more value is"
        more = f"; {count} wrong: {_dotted(others[0]['loc'])}"
    if first["type"] == "extra_forbidden":
        rule = f"unknown key{_suggestion(first['loc'])}{more}"
        return ScenarioError(rule, where=f"{where}: {key}")
    rule = first["msg"].removeprefix("Value error, ")
    if rule.startswith(f"{key}."):  # a rule that joins keys names them in full
        key = ""
    value = first["input"]
    return ScenarioError(
        rule[0].lower() + rule[1:] + more,
        where=f"{where}: {key}" if key else where,
        value=None if isinstance(value, Mapping | BaseModel) else value,
    )


def _dotted(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc)


def _suggestion(loc: tuple[int | str, ...]) -> str:
    """The known key nearest to an unknown one, as the end of a message."""
    section: type[BaseModel] = Scenario
    for part in loc[:-1]:
        if isinstance(part, str) and part in section.model_fields:
            section = section_type(section.model_fields[part].annotation) or section
    known = list(section.model_fields)
    return did_you_mean(loc[-1], known) or f"; known keys: {', '.join(known)}"

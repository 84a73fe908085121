"""requirements.lock has all that pyproject.toml asks for, at versions that it allows, each with a hash."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def test_the_lock_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *_extra(project, "test")]
    locked = {}
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            found = re.fullmatch(r"([a-z0-9.-]+)==(\S+) --hash=sha256:[0-9a-f]{64}", line)
            assert found, line
            locked[canonicalize_name(found[1])] = found[2]
    for text in wanted:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        assert name in locked, f"{name}: run .ci/lock"
        assert requirement.specifier.contains(locked[name]), (
            f"{text}, locked {locked[name]}: run .ci/lock"
        )


def _extra(project: dict[str, Any], name: str) -> list[str]:
    """What an extra asks for, with that of the project's other extras among it."""
    found = []
    for text in project["optional-dependencies"][name]:
        requirement = Requirement(text)
        if canonicalize_name(requirement.name) == canonicalize_name(project["name"]):
            found += [
                asked for extra in sorted(requirement.extras) for asked in _extra(project, extra)
            ]
        else:
            found.append(text)
    return found

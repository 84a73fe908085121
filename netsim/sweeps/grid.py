"""What a study consists of: one job per combination of overrides and seed."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from netsim.errors import ScenarioError
from netsim.scenario.choices import check_paths
from netsim.scenario.load import PATH_KEYS, load_scenario, parse_value, to_toml
from netsim.scenario.model import Scenario

MAX_RUNS = 100_000
SLUG_LENGTH = 100
RESERVED = {
    "seed": "seeds are given by --seeds",
    "learning.workers": "runs of a sweep have one process each; --jobs says how many go on at once",
}


@dataclass(frozen=True)
class Job:
    """One run of a study; its `id` follows from `overrides` and `seed` alone."""

    id: str
    overrides: Mapping[str, Any]  # dotted key -> value, by key
    seed: int
    scenario: Scenario


def parse_over(text: str) -> tuple[str, list[Any]]:
    """`a.b=v1,v2,...` as (key, values): a TOML list without its brackets, or plain words."""
    key, equals, values = text.partition("=")
    key = key.strip()
    if not equals or not key or not values.strip():
        raise ScenarioError("has the form a.b=v1,v2,...", where="--over", value=text)
    if key in RESERVED:
        raise ScenarioError(RESERVED[key], where="--over", value=text)
    if "\n" not in values:
        with suppress(tomllib.TOMLDecodeError):
            return key, tomllib.loads(f"values = [{values}]")["values"]
    return key, [parse_value(word.strip()) for word in values.split(",")]


def parse_seeds(text: str) -> list[int]:
    """`0:8` is 0, ..., 7; parts are separated by commas. Raises ScenarioError."""
    seeds: list[int] = []
    for part in text.split(","):
        first, colon, stop = part.strip().partition(":")
        try:
            low = int(first)
            high = int(stop) if colon else low + 1
        except ValueError:
            raise ScenarioError("has the form 0:8 or 1,5,9", where="--seeds", value=text) from None
        if not 0 <= low < high <= 2**63:
            raise ScenarioError(
                "seeds are ascending and from 0 to 2^63 - 1", where="--seeds", value=part
            )
        if high - low > MAX_RUNS:
            raise ScenarioError(f"at most {MAX_RUNS} runs", where="--seeds", value=part)
        seeds += range(low, high)
    if len(set(seeds)) < len(seeds):
        raise ScenarioError("names a seed twice", where="--seeds", value=text)
    return seeds


def base_scenario(source: Scenario | str | Path, fixed: Mapping[str, Any]) -> Scenario:
    """The scenario with the overrides that hold for all runs, and one process per run."""
    for key in fixed:
        if key in RESERVED:
            raise ScenarioError(RESERVED[key], where=f"--set {key}")
    scenario = load_scenario(source, fixed)
    if scenario.learning.workers not in (None, 1):
        raise ScenarioError(
            RESERVED["learning.workers"],
            where=f"{scenario.name}: learning.workers",
            value=scenario.learning.workers,
        )
    return load_scenario(source, {**fixed, "learning.workers": 1})


def grid(
    source: Scenario | str | Path,
    fixed: Mapping[str, Any],
    over: Mapping[str, Sequence[Any]],
    seeds: Sequence[int] | None = None,
) -> list[Job]:
    """All combinations of the values of `over`, for each seed (None: the scenario's own).

    Seed by seed, so that what depends on the seed alone (the data) is read once by a worker. Every
    scenario is checked here, before the first run. Raises ScenarioError.
    """
    _check_count(over, seeds)
    seeds = None if seeds is None else [int(seed) for seed in seeds]
    base = base_scenario(source, fixed)
    settings = [
        _setting(source, fixed, over, values) for values in itertools.product(*over.values())
    ]
    jobs = []
    for seed in [base.seed] if seeds is None else seeds:
        for overrides, scenario in settings:
            seeded = scenario.model_copy(update={"seed": seed})
            jobs.append(
                Job(
                    job_id(overrides, seed),
                    overrides,
                    seed,
                    seeded,
                )
            )
    if len({job.id for job in jobs}) < len(jobs):
        twice = [key for key, values in over.items() if len(set(map(str, values))) < len(values)]
        keys = ", ".join(twice or over)
        raise ScenarioError("names a value twice", where="--over", value=keys)
    return jobs


def _check_count(over: Mapping[str, Sequence[Any]], seeds: Sequence[int] | None) -> None:
    settings = math.prod(len(values) for values in over.values())
    runs = settings * (1 if seeds is None else len(seeds))
    if runs > MAX_RUNS:
        raise ScenarioError(f"at most {MAX_RUNS} runs", where="sweep", value=runs)


def _setting(
    source: Scenario | str | Path,
    fixed: Mapping[str, Any],
    keys: Iterable[str],
    values: Iterable[Any],
) -> tuple[dict[str, Any], Scenario]:
    """One combination of values: the overrides as the model has them, and the scenario."""
    chosen = dict(zip(keys, values, strict=True))
    scenario = load_scenario(
        source,
        {
            **fixed,
            "learning.workers": 1,
            **chosen,
        },
    )
    check_paths(scenario)
    overrides = {key: _resolved(scenario, key, chosen[key]) for key in sorted(chosen)}
    return overrides, scenario


def job_toml(overrides: Mapping[str, Any], seed: int) -> str:
    """What tells a job from the others, in one canonical form."""
    return tomli_w.dumps({"seed": seed, "overrides": dict(sorted(overrides.items()))})


def job_id(overrides: Mapping[str, Any], seed: int) -> str:
    """A readable name of (overrides, seed), and a hash that makes it unique."""
    words = []
    for key, value in sorted(overrides.items()):
        last_part = key.rpartition(".")[2]
        words.append(f"{last_part}-{_word(value)}")
    words.append(f"seed-{seed}")
    slug = "_".join(words)[:SLUG_LENGTH]
    return f"{slug}_{_short_hash(job_toml(overrides, seed))}"


def scenario_digest(scenario: Scenario) -> str:
    """A hash of everything but the seed."""
    unseeded = scenario.model_copy(update={"seed": 0})
    return _short_hash(to_toml(unseeded))


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _resolved(scenario: Scenario, key: str, given: Any) -> Any:
    """The value as the model has it (1 and 1.0 are the same density); paths as they were given."""
    parts = key.split(".")
    if tuple(parts) in PATH_KEYS:
        return str(given)
    node: Any = scenario.model_dump(mode="python")
    for part in parts:
        node = node[int(part)] if isinstance(node, list | tuple) else node[part]
    return _plain(node, given)


def _plain(value: Any, given: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(item, item) for item in value]
    if isinstance(value, bool | int | float | str):
        return value
    return given


def _word(value: Any) -> str:
    """A value as a part of a folder's name."""
    text = "-".join(_words(value))
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", text).strip("-.") or "x"


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _words(item)
    elif isinstance(value, float):
        yield f"{value:g}"
    else:
        yield str(value)

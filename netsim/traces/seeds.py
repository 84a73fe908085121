"""The world of which a trace is a record: seeds of its sites, its UEs' hardware and its air.

A run tells them in its metadata.json, as `{"world": {"ground_seed": 7, "air_seed": 7}}`; a recorded
table that was converted to a file of its own keeps them in the file's metadata. Other traces have
none.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from netsim.errors import DataError
from netsim.results.run_folder import METADATA, RunFolder

SEEDS = ("ground_seed", "air_seed")
MAX_SEED = 2**63


class Seeds(NamedTuple):
    """Seeds of a recorded run's world.

    They may differ where the run replayed another run's places itself.
    """

    ground: int  # sites, where UEs start, their hardware
    air: int  # shadowing, fading, interference, the order of the bands


def seeds_beside(table: Path) -> dict[str, str]:
    """The seeds of the run that the folder of a table belongs to, as metadata of a trace.

    {} where the folder belongs to no run. Raises DataError.
    """
    path = table.parent / METADATA
    if not path.is_file() or not any(table.glob("part-*.parquet")):
        return {}
    world = RunFolder(table.parent).metadata().get("world")
    if world is None:  # of an earlier version
        return {}
    if not isinstance(world, dict) or not all(type(world.get(name)) is int for name in SEEDS):
        raise DataError(
            f"world must give {' and '.join(SEEDS)}",
            where=path,
            value=world,
        )
    return {name: str(world[name]) for name in SEEDS}


def seeds_of(metadata: Mapping[str, str], path: Path) -> Seeds | None:
    """The seeds that a trace's metadata gives; None if it is no record of a run.

    Raises DataError.
    """
    given = [metadata[name] for name in SEEDS if name in metadata]
    if not given:
        return None
    if len(given) < len(SEEDS) or not all(map(_is_seed, given)):
        rule = f"{' and '.join(SEEDS)} must be seeds"
        raise DataError(rule, where=path, value=", ".join(given))
    ground, air = given
    return Seeds(int(ground), int(air))


def _is_seed(text: str) -> bool:
    return text.isdecimal() and int(text) < MAX_SEED

"""Several runs side by side: their names, and differences from the first with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netsim.reports.columns import as_lists
from netsim.results.compare import paired_differences
from netsim.results.metrics import TARGET_ACCURACY, headline
from netsim.results.reader import Run
from netsim.results.run_folder import SCENARIO
from netsim.results.settings import differing, settings_of

KEYS_SHOWN = 40
NOT_TOLD = ("name", "learning.workers")
SEEDS = 3  # common seeds from which on sets of runs are compared seed by seed


def labels(runs: Sequence[Run]) -> list[str]:
    """Short names: what tells the runs apart of scenario, scheme and seed, else also the folder."""
    about = [run.metadata for run in runs]
    if len(runs) == 1:
        only = about[0]
        return [f"{only.get('name', '?')}, {only.get('scheme', '?')}"]
    varying = [key for key in ("name", "scheme", "seed") if _differs(about, key)]
    names = [_name(metadata, varying) for metadata in about]
    if len(set(names)) == len(names):
        return names
    folders = [run.path.name for run in runs]
    if len(set(folders)) < len(folders):
        folders = [str(run.path) for run in runs]
    return [
        f"{name} ({folder})" if name else folder
        for name, folder in zip(
            names,
            folders,
            strict=True,
        )
    ]


def _differs(about: Sequence[dict[str, Any]], key: str) -> bool:
    return len({str(metadata.get(key)) for metadata in about}) > 1


def _name(metadata: dict[str, Any], keys: Sequence[str]) -> str:
    words = [str(metadata.get(key)) for key in keys]
    if "seed" in keys:
        words[-1] = f"seed {words[-1]}"
    return ", ".join(words)


def comparison(
    runs: Sequence[Run],
    names: Sequence[str],
    accuracy: float = TARGET_ACCURACY,
) -> dict[str, Any]:
    """Paired differences from the first run, or of sets of seeds from the first set.

    Runs that differ only by seed form a set; if two sets have at least SEEDS seeds in common, they
    are paired by seed, otherwise each run with the first, round by round. `accuracy` is the one
    that the runs are timed to.
    """
    sets = _sets_of_seeds(runs)
    if _can_pair_by_seed(sets):
        (baseline, first), *others = sets.items()
        pairs = [(name, paired_differences(first, group)) for name, group in others]
        by = "seed"
    else:
        baseline = names[0]
        others_by_name = zip(
            names[1:],
            runs[1:],
            strict=True,
        )
        pairs = [(name, paired_differences(runs[0], run)) for name, run in others_by_name]
        by = "round"
    rows = [{"label": name, **as_lists(frame)} for name, frame in pairs]
    return {
        "by": by,
        "baseline": baseline,
        "rows": rows,
        "differs": _differing_settings(runs),
        "glance": as_lists(headline(runs, accuracy), 4),
        "target": accuracy,
    }


def _differing_settings(runs: Sequence[Run]) -> dict[str, list[str]]:
    """{key: its value in each run} where the scenarios differ; of many keys the first."""
    with_scenario = [run for run in runs if (run.path / SCENARIO).exists()]
    if len(with_scenario) < len(runs):
        return {}
    found = differing([settings_of(run) for run in runs])
    shown = [key for key in found if key not in NOT_TOLD][:KEYS_SHOWN]
    return {key: [_shown(value) for value in found[key]] for key in shown}


def _shown(value: object) -> str:
    if value is None:
        return "not set"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _sets_of_seeds(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs by scenario and scheme."""
    sets: dict[str, list[Run]] = {}
    for run in runs:
        about = run.metadata
        key = f"{about.get('name')}, {about.get('scheme')}"
        sets.setdefault(key, []).append(run)
    return sets


def _can_pair_by_seed(sets: dict[str, list[Run]]) -> bool:
    """There are several sets, no seed occurs twice in one, and enough seeds are in all."""
    if len(sets) < 2:
        return False
    seeds = []
    for group in sets.values():
        found = {run.metadata["seed"] for run in group}
        if len(found) < len(group):
            return False
        seeds.append(found)
    return len(set.intersection(*seeds)) >= SEEDS

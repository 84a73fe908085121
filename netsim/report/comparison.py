"""Several runs side by side: their names, and differences from the first with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netsim.report.columns import columns
from netsim.results.compare import paired_differences
from netsim.results.reader import Run

SEEDS = 3  # common seeds from which on sets of runs are compared seed by seed


def labels(runs: Sequence[Run]) -> list[str]:
    """Short names: what tells the runs apart of scheme, scenario and seed, else also their
    folders.
    """
    about = [run.metadata for run in runs]
    if len(runs) == 1:
        return [f"{about[0].get('name', '?')}, {about[0].get('scheme', '?')}"]
    varying = [k for k in ("name", "scheme", "seed") if len({str(m.get(k)) for m in about}) > 1]
    names = [
        ", ".join(f"seed {m[k]}" if k == "seed" else str(m.get(k)) for k in varying) for m in about
    ]
    if len(set(names)) < len(names):
        folders = [run.path.name for run in runs]
        if len(set(folders)) < len(folders):
            folders = [str(run.path) for run in runs]
        names = [
            f"{name} ({folder})" if name else folder
            for name, folder in zip(names, folders, strict=True)
        ]
    return names


def comparison(runs: Sequence[Run], names: Sequence[str]) -> dict[str, Any]:
    """Paired differences from the first run, or of sets of seeds from the first set.

    Runs that differ only by seed form a set; if two sets have at least SEEDS seeds in common, they
    are paired by seed, otherwise each run with the first, round by round.
    """
    sets: dict[str, list[Run]] = {}
    for run in runs:
        about = run.metadata
        sets.setdefault(f"{about.get('name')}, {about.get('scheme')}", []).append(run)
    seeds = [{r.metadata["seed"] for r in group} for group in sets.values()]
    whole = all(len(s) == len(g) for s, g in zip(seeds, sets.values(), strict=True))
    if len(sets) > 1 and whole and len(set.intersection(*seeds)) >= SEEDS:
        (first, base), *others = sets.items()
        pairs = [(name, paired_differences(base, group)) for name, group in others]
        return {
            "by": "seed",
            "baseline": first,
            "rows": [{"label": n, **columns(f)} for n, f in pairs],
        }
    pairs = [
        (name, paired_differences(runs[0], run))
        for name, run in zip(names[1:], runs[1:], strict=True)
    ]
    return {
        "by": "round",
        "baseline": names[0],
        "rows": [{"label": n, **columns(f)} for n, f in pairs],
    }

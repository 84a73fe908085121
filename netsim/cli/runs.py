"""`netsim list` and `netsim diff`: runs found again, and what tells them apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from netsim.results.reader import Run
    from netsim.results.settings import Settings

CHANGES_SHOWN = 4
Base = tuple["Settings", list[str]]  # what is compared with, and keys that tell nothing
NOT_TOLD = ("name", "seed", "scheme.kind", "learning.workers")  # columns of their own, or of no use
HEADERS = ("folder", "status", "scenario", "scheme", "seed", "rounds", "accuracy", "changed")


def list_runs(
    folder: Annotated[
        Path, typer.Argument(help="Folder in which runs lie, at most three levels deep.")
    ] = Path("runs"),
) -> None:
    """List the runs below a folder: what was run, what was changed, and what came out."""
    from netsim.cli.console import console, print_table
    from netsim.errors import DataError

    if not folder.is_dir():
        raise DataError("does not exist", where=folder)
    bases: dict[Path | str, Base] = {}
    rows = []
    for path in _run_folders(folder, depth=3):
        try:
            rows.append(_row(path, folder, bases))
        except DataError as error:
            rows.append((str(path.relative_to(folder)), "damaged", *[""] * 5, error.rule))
    if not rows:
        console().print(f"{folder}: no runs; netsim run makes one", markup=False)
        return
    print_table(
        HEADERS,
        rows,
        right=(4, 5, 6),
        whole=(0,),
    )


def diff(
    first: Annotated[str, typer.Argument(help="Run folder, scenario file or bundled name.")],
    second: Annotated[str, typer.Argument(help="The other one.")],
) -> None:
    """Show every key in which two runs or scenarios differ."""
    from netsim.cli.console import console, print_table
    from netsim.results.settings import differing

    found = differing([_settings(first), _settings(second)])
    if not found:
        console().print("no key differs", markup=False)
        return
    rows = [(key, _shown(one), _shown(other)) for key, (one, other) in found.items()]
    print_table(
        ("key", first, second),
        rows,
        whole=(0,),
    )


def _run_folders(folder: Path, depth: int) -> Iterator[Path]:
    """Folders with a metadata.json and a scenario.toml, by name; runs of sweeps among them."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_dir():
            continue
        if (path / "metadata.json").exists() and (path / "scenario.toml").exists():
            yield path
        elif depth > 1:
            yield from _run_folders(path, depth - 1)


def _row(
    path: Path,
    folder: Path,
    bases: dict[Path | str, Base],
) -> tuple[str, ...]:
    from netsim.results.reader import open_run
    from netsim.results.settings import settings_of

    run = open_run(path)
    about = run.metadata
    settings = settings_of(run)
    name = str(settings.get("name", ""))
    overridden = _overridden(run, settings)
    common = _sweep_of(path) or name
    if common not in bases:
        bases[common] = _base(common, settings, overridden)
    return (
        str(path.relative_to(folder)),
        _status(run),
        name,
        str(about.get("scheme", settings.get("scheme.kind", ""))),
        str(settings.get("seed", "")),
        str(about.get("rounds", "")),
        _accuracy(run),
        _changed(settings, overridden, bases[common]),
    )


def _status(run: Run) -> str:
    """As the run says, but a running one that nobody runs was killed."""
    from netsim.results.run_folder import RunFolder

    status = str(run.metadata["status"])
    if status == "running" and not RunFolder(run.path).in_progress:
        return "killed"
    return status


def _accuracy(run: Run) -> str:
    curve = run.learning_curve().collect()["accuracy"].drop_nulls()
    return f"{curve[-1]:.3f}" if len(curve) else ""


def _overridden(run: Run, settings: Settings) -> list[str]:
    """Keys that were replaced when the run was begun, in that order, as far as it tells."""
    told = [str(key) for key in run.metadata.get("overridden", [])]
    found: list[str] = []
    for key in told:
        pattern = re.compile(re.escape(key).replace(r"\*", "[0-9]+") + r"(\..*)?")
        found += filter(pattern.fullmatch, settings)
    return list(dict.fromkeys(found))


def _sweep_of(path: Path) -> Path | None:
    """The folder of the sweep that a run is one of."""
    from netsim.results.sweep_folder import RUNS, SWEEP

    folder = path.parent.parent
    in_sweep = path.parent.name == RUNS and (folder / SWEEP).is_file()
    return folder if in_sweep else None


def _base(
    common: Path | str,
    settings: Settings,
    overridden: list[str],
) -> Base:
    """What runs are compared with that have a sweep's folder or a scenario's name in common.

    It is the scenario that the sweep varies, or the bundled one of that name; of another scenario
    its first run in the list. Where that run itself was changed, others tell nothing by not being
    so.
    """
    from netsim.results.settings import settings_below
    from netsim.scenario.load import bundled_names

    if isinstance(common, Path):
        return settings_below(common), []
    if common in bundled_names():
        return _settings(common), []
    return settings, overridden


def _settings(name: str) -> Settings:
    """Dotted keys of a run folder, a scenario file or a bundled scenario."""
    import tomllib

    from netsim.results.reader import open_run
    from netsim.results.settings import flat, settings_of
    from netsim.scenario.load import load_scenario, to_toml

    if Path(name).is_dir():
        return settings_of(open_run(name))
    return flat(tomllib.loads(to_toml(load_scenario(name))))


def _changed(
    settings: Settings,
    overridden: list[str],
    base: Base,
) -> str:
    """Keys that were overridden, or that are not as in the run or scenario compared with."""
    from netsim.results.settings import changes

    compared, mute = base
    differing = [key for key in changes(settings, compared) if key not in mute]
    keys = dict.fromkeys([*overridden, *differing])
    told = [f"{key}={_shown(settings[key])}" for key in keys if key not in NOT_TOLD]
    if len(told) > CHANGES_SHOWN:
        more = len(told) - CHANGES_SHOWN
        return f"{', '.join(told[:CHANGES_SHOWN])} and {more} more"
    return ", ".join(told)


def _shown(value: Any) -> str:
    """A value as --set takes it."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)

"""Ranks of the modules of a run, by which a reader tells them apart."""

from __future__ import annotations

import os

from polars import col

from netsim.reports.columns import collect
from netsim.results.plain_files import read_json, read_toml
from netsim.results.reader import Run
from netsim.results.run_folder import ADAPTERS, SCENARIO


def module_ranks(run: Run) -> dict[str, int]:
    """{module: its rank}, from the adapters that were trained, else from the scenario.

    Empty where a scheme without learning works with other modules than the scenario configures.
    """
    folders = [path for path in (run.path / ADAPTERS).glob("*") if path.name.isdecimal()]
    files = {path.name: path / "adapter_config.json" for path in folders}
    found = {}
    for name, file in files.items():
        if os.path.lexists(file):
            rank = read_json(file).get("r")
            if isinstance(rank, int):
                found[name] = rank
    return found or _configured(run)


def _configured(run: Run) -> dict[str, int]:
    if not os.path.lexists(run.path / SCENARIO):
        return {}
    modules = read_toml(run.path / SCENARIO).get("modules", [])
    last = collect(run.subscriptions.select(col("module").max())).item()
    if not isinstance(modules, list) or last is None or last + 1 != len(modules):
        return {}
    ranks = [module.get("rank") for module in modules if isinstance(module, dict)]
    return {str(number): rank for number, rank in enumerate(ranks) if isinstance(rank, int)}

"""A run's adapters as a folder that PEFT loads anywhere: each with its base model at hand."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from netsim.errors import DataError
from netsim.plain import check_plain_file, check_plain_folder
from netsim.reports.folders import export_folder
from netsim.results.plain_files import read_json
from netsim.results.reader import Run
from netsim.results.run_folder import ADAPTERS

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
BASE_MODEL = "base_model_name_or_path"
BUILTIN = "builtin"  # how a run names the bundled base model
BASE = "base"
OWN = re.compile(rf"{BASE}|module-\d+")


def write_adapters(
    run: Run,
    out: Path,
    builtin: Path,
) -> list[Path]:
    """Copy every module to out/module-<n>, and the bundled base model to out/base.

    Their configurations then say where the base model is, so that
    `AutoPeftModelForSequenceClassification.from_pretrained(out / "module-0")` loads one. Raises
    DataError if the run has no adapters, OutputError if `out` is taken or cannot be written.
    """
    modules = _module_folders(run)
    configs = [_config(module / CONFIG) for module in modules]
    for module in modules:
        check_plain_file(module / WEIGHTS)
    on_builtin = [config[BASE_MODEL] == BUILTIN for config in configs]
    base = out.resolve() / BASE
    written = []
    with export_folder(out, OWN):
        if any(on_builtin):
            shutil.copytree(
                builtin,
                base,
                ignore=shutil.ignore_patterns("shapes.json"),
            )
        for module, config, is_on_builtin in zip(
            modules,
            configs,
            on_builtin,
            strict=True,
        ):
            if is_on_builtin:
                config = {**config, BASE_MODEL: str(base)}
            written.append(
                _copy(
                    module,
                    config,
                    out / f"module-{module.name}",
                )
            )
    return written


def _module_folders(run: Run) -> list[Path]:
    """The folders of the modules, in order. Raises DataError for what is none of a run's making."""
    parent = run.path / ADAPTERS
    folders = [path for path in parent.glob("*") if path.name.isdecimal()]
    if not folders:
        raise DataError("has no adapters: it is network-only, or did not end", where=run.path)
    check_plain_folder(parent)
    for folder in folders:
        check_plain_folder(folder)
    return sorted(folders, key=lambda path: int(path.name))


def _copy(
    module: Path,
    config: dict[str, object],
    folder: Path,
) -> Path:
    folder.mkdir()
    text = json.dumps(config, indent=2, sort_keys=True)
    (folder / CONFIG).write_text(f"{text}\n", encoding="utf-8")
    shutil.copyfile(module / WEIGHTS, folder / WEIGHTS)
    return folder


def _config(path: Path) -> dict[str, object]:
    config = read_json(path)
    if BASE_MODEL not in config:
        raise DataError(f"must name {BASE_MODEL}", where=path)
    return config

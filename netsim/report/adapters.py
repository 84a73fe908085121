"""A run's adapters as a folder that PEFT loads anywhere: each with its base model at hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from netsim.errors import DataError, OutputError
from netsim.report.folders import new_folder
from netsim.results.reader import Run
from netsim.results.run_folder import ADAPTERS

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
BASE_MODEL = "base_model_name_or_path"
BUILTIN = "builtin"  # how a run names the bundled base model
BASE = "base"


def write_adapters(run: Run, out: Path, builtin: Path) -> list[Path]:
    """Copy every module to out/module-<n>, and the bundled base model to out/base.

    Their configurations then say where the base model is, so that
    `AutoPeftModelForSequenceClassification.from_pretrained(out / "module-0")` loads one. Raises
    DataError if the run has no adapters, OutputError if `out` is taken or cannot be written.
    """
    folders = [path for path in (run.path / ADAPTERS).glob("*") if path.name.isdigit()]
    modules = sorted(folders, key=lambda path: int(path.name))
    if not modules:
        raise DataError("has no adapters: it is network-only, or did not end", where=run.path)
    configs = [_config(module / CONFIG) for module in modules]
    on_builtin = [config[BASE_MODEL] == BUILTIN for config in configs]
    new_folder(out)
    base = out.resolve() / BASE
    written = []
    try:
        if any(on_builtin):
            shutil.copytree(builtin, base, ignore=shutil.ignore_patterns("shapes.json"))
        for module, config, is_on_builtin in zip(modules, configs, on_builtin, strict=True):
            if is_on_builtin:
                config = {**config, BASE_MODEL: str(base)}
            written.append(_copy(module, config, out / f"module-{module.name}"))
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", where=out) from None
    return written


def _copy(module: Path, config: dict[str, object], folder: Path) -> Path:
    folder.mkdir()
    text = json.dumps(config, indent=2, sort_keys=True) + "\n"
    (folder / CONFIG).write_text(text, encoding="utf-8")
    shutil.copyfile(module / WEIGHTS, folder / WEIGHTS)
    return folder


def _config(path: Path) -> dict[str, object]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"is no adapter configuration: {error}", where=path) from None
    if not isinstance(config, dict) or BASE_MODEL not in config:
        raise DataError(f"must name {BASE_MODEL}", where=path)
    return config

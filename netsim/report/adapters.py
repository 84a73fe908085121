"""A run's adapters as a folder that PEFT loads anywhere: each with its base model at hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from netsim.errors import DataError, OutputError
from netsim.report.folders import new_folder
from netsim.results.reader import Run
from netsim.results.run_folder import ADAPTERS

FILES = ("adapter_config.json", "adapter_model.safetensors")
BUILTIN = "builtin"  # how a run names the bundled base model
BASE = "base"


def write_adapters(run: Run, out: Path, builtin: Path) -> list[Path]:
    """Copy every module to out/module-<n>; the bundled base model goes to out/base, and their
    configs say so.

    `AutoPeftModelForSequenceClassification.from_pretrained(out / "module-0")` loads one. Raises
    DataError if the run has no adapters, OutputError if `out` is taken or cannot be written.
    """
    modules = sorted(
        (p for p in (run.path / ADAPTERS).glob("*") if p.name.isdigit()), key=lambda p: int(p.name)
    )
    if not modules:
        raise DataError("has no adapters: it is network-only, or did not end", where=run.path)
    configs = [_config(module / FILES[0]) for module in modules]
    new_folder(out)
    base = out.resolve() / BASE
    try:
        if any(config["base_model_name_or_path"] == BUILTIN for config in configs):
            shutil.copytree(builtin, base, ignore=shutil.ignore_patterns("shapes.json"))
        for module, config in zip(modules, configs, strict=True):
            folder = out / f"module-{module.name}"
            folder.mkdir()
            if config["base_model_name_or_path"] == BUILTIN:
                config["base_model_name_or_path"] = str(base)
            (folder / FILES[0]).write_text(
                json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8"
            )
            shutil.copyfile(module / FILES[1], folder / FILES[1])
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", where=out) from None
    return [out / f"module-{module.name}" for module in modules]


def _config(path: Path) -> dict[str, object]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"is no adapter configuration: {error}", where=path) from None
    if not isinstance(config, dict) or "base_model_name_or_path" not in config:
        raise DataError("must name base_model_name_or_path", where=path)
    return config

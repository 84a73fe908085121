"""The layers that get an adapter where nobody names any: those that PEFT takes for the family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netsim.errors import InputError
from netsim.learning.model_files import read_config
from netsim.learning.payload import BUILTIN

BUILTIN_TARGETS = ("query", "value")
_NOT_IN_PEFT = {
    "distilbert": ("q_lin", "v_lin"),
    "camembert": ("query", "value"),
}
"""Queries and values of families that netsim has an engine for and PEFT no entry."""


def usual_targets(foundation: str) -> tuple[str, ...]:
    """Endings of the layers' names, for the built-in model, a folder or a name on the hub.

    Imports PEFT unless it is the built-in model. Raises InputError for a family that PEFT does not
    list.
    """
    if foundation == BUILTIN:
        return BUILTIN_TARGETS
    family = _family(foundation)
    targets = _NOT_IN_PEFT.get(family) or _of_peft().get(family)
    if not isinstance(targets, Sequence) or isinstance(targets, str):
        rule = (
            f"no layers are usual for models of the family {family!r}; name those that get an "
            "adapter: --set 'modules.*.target_modules=[\"NAME\", ...]'"
        )
        raise InputError(rule, where=foundation)
    return tuple(targets)


def _family(foundation: str) -> str:
    """The model_type of a model."""
    folder = Path(foundation)
    if folder.is_dir():
        return str(read_config(folder).get("model_type"))
    from netsim.learning.hub_models import hub_family

    return hub_family(foundation)


def _of_peft() -> Mapping[str, Any]:
    from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING

    table: Mapping[str, Any] = TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING
    return table

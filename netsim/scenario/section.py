"""What all sections of a scenario share: frozen, unknown keys refused, a meaning for each key."""

from __future__ import annotations

import math
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator
from pydantic_core.core_schema import ValidationInfo

from netsim.scenario.limits import broken_limit

NAME_BYTES = 120  # folders add a seed and a number to it


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def _plain_name(text: str) -> str:
    """A name that folders are called after leads nowhere else."""
    printable = text.isprintable() and not {"/", "\\"} & set(text)
    if not printable or text in (".", "..") or text != text.strip():
        raise ValueError("must be one plain path component: no slash, no control character")
    if len(text.encode()) > NAME_BYTES:
        raise ValueError(f"must be at most {NAME_BYTES} bytes long")
    return text


Finite = Annotated[float, AfterValidator(_finite)]
Positive = Annotated[float, Field(gt=0), AfterValidator(_finite)]
NonNegative = Annotated[float, Field(ge=0), AfterValidator(_finite)]
PlainName = Annotated[str, AfterValidator(_plain_name)]
PositiveOrInf = Annotated[float, Field(gt=0)]


def key(default: Any, meaning: str, *, unit: str = "", eq: str = "", **constraints: Any) -> Any:
    """A key of a section: what it means, its unit, its equation in the paper, and its range."""
    return Field(
        default,
        description=meaning,
        json_schema_extra={"unit": unit, "equation": eq},
        **constraints,
    )


class Section(BaseModel):
    """Base of all sections."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True)

    @field_validator("*", mode="after")
    @classmethod
    def _within_limits(cls, value: Any, info: ValidationInfo) -> Any:
        """What is given is not absurd; the defaults are not checked."""
        rule = broken_limit(value, cls.unit_of(info.field_name or ""))
        if rule is not None:
            raise ValueError(rule)
        return value

    @classmethod
    def unit_of(cls, name: str) -> str:
        """The unit of a key; nothing if it has none."""
        extra = cls.model_fields[name].json_schema_extra if name in cls.model_fields else None
        return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


class PluginChoice(Section):
    """Base of sections that choose a plug-in by name; other keys are its own parameters."""

    model_config = ConfigDict(frozen=True, extra="allow")

    @property
    def parameters(self) -> dict[str, Any]:
        """Keys besides those of the section."""
        own = self.model_extra or {}
        return dict(own)


def section_type(annotation: Any) -> type[Section] | None:
    """The section that a key's annotation names, by itself or as the item of a list."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, Section):
            return candidate
    return None

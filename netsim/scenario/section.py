"""What all sections of a scenario share: frozen, unknown keys rejected, each key with meaning and
unit.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


Finite = Annotated[float, AfterValidator(_finite)]
Positive = Annotated[float, Field(gt=0), AfterValidator(_finite)]
NonNegative = Annotated[float, Field(ge=0), AfterValidator(_finite)]
PositiveOrInf = Annotated[float, Field(gt=0)]


def key(default: Any, meaning: str, *, unit: str = "", eq: str = "", **constraints: Any) -> Any:
    return Field(
        default,
        description=meaning,
        json_schema_extra={"unit": unit, "equation": eq},
        **constraints,
    )


class Section(BaseModel):
    """Base of all sections."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True)

"""Keys of how the training rows are dealt to the UEs."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import model_validator

from netsim.scenario.section import Positive, PositiveOrInf, Section, key


class PartitionKeys(Section):
    """How the UEs' data differ, besides their labels (data.dirichlet_concentration)."""

    by: str | None = key(
        None,
        "natural partition: column whose values, users or sites, are dealt to the UEs with their "
        "rows, instead of drawn sizes, labels and domains",
        min_length=1,
    )
    sizes: Literal["equal", "log_normal", "dirichlet"] = key(
        "equal", "law of the rows a UE holds, of mean data.samples_per_ue"
    )
    size_spread: Positive = key(
        1.0, "sigma of the log-normal law, or c of the Dirichlet split", ge=1e-6, le=100
    )
    domain: str | None = key(
        None,
        "column whose values are unevenly spread over the UEs; 'domain' in the built-in tasks",
        min_length=1,
    )
    domain_concentration: PositiveOrInf = key(
        1.0, "domain skew over UEs, as data.dirichlet_concentration; inf is none", ge=1e-6
    )
    concept_share: float = key(
        0.0, "share of the UEs to whom labels mean something else", ge=0, le=1
    )
    concept_groups: int = key(
        2, "groups of like concepts, with the one whose labels are as in the data", ge=2, le=64
    )
    distance_correlation: float = key(
        0.0, "rank correlation of a UE's world with its distance to the gNB", ge=-1, le=1
    )
    reuse: Literal["allow", "refuse"] = key(
        "allow", "what to do where UEs hold more rows than there are: share rows, or refuse to run"
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the data that it goes by."""
        return tuple(name for name in (self.by, self.domain) if name is not None)

    @model_validator(mode="after")
    def _fits(self) -> PartitionKeys:
        if math.isnan(self.domain_concentration):
            raise ValueError("domain_concentration must be a number")
        drawn = self.domain is not None or self.sizes != "equal" or self.distance_correlation
        if self.by is not None and drawn:
            raise ValueError(
                "data.partition.by takes UEs' rows as they are: sizes, domain and "
                "distance_correlation of data.partition cannot be drawn beside it"
            )
        return self

"""The tables of a run that must agree."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl
from polars import col

CELL = ["round", "gnb"]
UPLOAD = ["round", "ue", "module"]  # a round accounts for at most one upload of a UE's module


@dataclass(frozen=True)
class Accounts:
    """The tables that must agree."""

    spans: pl.DataFrame
    uploads: pl.DataFrame
    rounds: pl.DataFrame
    ues: pl.DataFrame

    @cached_property
    def sending(self) -> pl.DataFrame:
        """Uplink spans."""
        return self.spans.filter(col("kind") == "uplink")

    @cached_property
    def arrived(self) -> pl.DataFrame:
        """Uploads that were on time."""
        return self.uploads.filter(col("outcome") == "on_time")

    @cached_property
    def on_air(self) -> pl.DataFrame:
        """Uploads with the summed length of their uplink spans, `on_air_s`."""
        length_s = (col("end_s") - col("start_s")).sum()
        sent = self.sending.group_by(UPLOAD).agg(on_air_s=length_s)
        joined = self.uploads.join(
            sent,
            on=UPLOAD,
            how="left",
            maintain_order="left",
        )
        return joined.fill_null(0.0)

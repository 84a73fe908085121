"""Secure aggregation in a few numbers: modelled, not cryptographic."""

from __future__ import annotations

from typing import TypedDict

import polars as pl
from polars import col

from netsim.results.tables import RunTables


class Masking(TypedDict):
    """Sums of masked uploads, and what they have added to what is sent."""

    sums: int
    unmasked: int
    up_bits: float  # as planned, and the answers of those who were asked
    down_bits: float


def masking(run: RunTables) -> Masking | None:
    """From the table of masked sums; None: uploads were not masked."""
    members, answering = col("members"), col("arrived") * col("unmasked")
    before = members * (col("key_up_bits") + col("numbers") * col("room_bits"))
    totals = run.masked_sums.select(
        pl.len().alias("sums"),
        col("unmasked").sum(),
        up_bits=(before + answering * col("answer_bits")).sum(),
        down_bits=(members * col("down_bits")).sum(),
    )
    found = totals.collect(engine="streaming").row(0, named=True)
    if not found["sums"]:
        return None
    return Masking(
        sums=found["sums"],
        unmasked=found["unmasked"],
        up_bits=found["up_bits"],
        down_bits=found["down_bits"],
    )

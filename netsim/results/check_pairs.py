"""Two UEs on one band: it is in use once while both send, and both have all of it."""

from __future__ import annotations

import polars as pl
from polars import col

from netsim.results.laws import Check, at_most_zero, equal


def band_once(sending: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Uplink spans with those of a second of a pair cut by the time in which the first sends.

    Both begin and end somewhere; of the second's span what is before the first's stays, and what is
    after it becomes a span of its own.
    """
    of_first = sending.select(
        "round",
        first="ue",
        first_s="start_s",
        first_end_s="end_s",
    )
    told = pairs.select("round", "first", ue="second").join(of_first, on=["round", "first"])
    spans = sending.join(told, on=["round", "ue"], how="left", maintain_order="left")
    alone = spans.filter(col("first").is_null())
    shared = spans.filter(col("first").is_not_null())
    before = shared.with_columns(end_s=pl.min_horizontal("end_s", "first_s"))
    after = shared.with_columns(start_s=pl.max_horizontal("start_s", "first_end_s"))
    cut = pl.concat([before, after]).filter(col("end_s") > col("start_s"))
    return pl.concat([alone, cut]).select(sending.columns)


def pair_checks(uploads: pl.DataFrame, pairs: pl.DataFrame, bandwidth_hz: float) -> list[Check]:
    """Of a run in which two UEs share a band."""
    sent = uploads.select("round", "ue", hz="bandwidth_hz", outcome="outcome", start="start_s")
    sent = sent.with_columns(end=uploads["end_s"])
    first = pairs.join(sent, left_on=["round", "first"], right_on=["round", "ue"])
    both = first.join(sent, left_on=["round", "second"], right_on=["round", "ue"], suffix="_second")
    met = (col("start") < col("end_second")) & (col("start_second") < col("end"))
    lost = both.filter(met, col("outcome") == "outage")
    kept = lost.select((col("outcome_second") != "outage").cast(pl.Float64)).to_series()
    planned_hz = both["share"] * bandwidth_hz
    return [
        equal("the first of a pair has its band", both["hz"], planned_hz),
        equal("the second of a pair has its band", both["hz_second"], planned_hz),
        at_most_zero("a first that is not decoded loses the second", kept),
    ]

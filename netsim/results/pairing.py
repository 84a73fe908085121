"""Pairs of UEs on one band in a few numbers."""

from __future__ import annotations

from typing import TypedDict

from polars import col

from netsim.results.tables import RunTables

PLACES = ("first", "second")


class Pairing(TypedDict):
    """Of all rounds."""

    pairs: int
    first: int  # on time, of those that are decoded first
    second: int


def pairing(run: RunTables) -> Pairing | None:
    """From the table of pairs; None: nobody shared a band."""
    pairs = run.pairs.collect()
    if not pairs.height:
        return None
    arrived = run.uploads.filter(col("outcome") == "on_time").select("round", "ue").collect()
    first, second = (
        pairs.select("round", ue=place).join(arrived, on=["round", "ue"]).height for place in PLACES
    )
    return Pairing(pairs=pairs.height, first=first, second=second)

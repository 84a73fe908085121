"""The Gantt chart's data: spans of chosen rounds, one row per UE, ordered by gNB and end."""

from __future__ import annotations

from typing import Any

import polars as pl

from netsim.report.columns import Budget, collect, columns, evenly
from netsim.results.reader import Run

TICK_S = 1e-4  # times travel as whole ticks
SPANS_PER_UE = 4  # download, computing, waiting, transmission


def timeline(run: Run, budget: Budget) -> dict[str, Any]:
    """{"rounds": [one object per round], "note": what was left out, or ""}."""
    rounds = collect(
        run.rounds.select("round", "gnb", "start_s", "deadline_s", "end_s").sort("round", "gnb")
    )
    numbers = rounds["round"].unique().sort().to_list()
    if not numbers:
        return {"rounds": [], "note": ""}
    spans_per_round = max(1, run.metadata["records"].get("spans", 0) // len(numbers))
    spans_per_round = min(spans_per_round, SPANS_PER_UE * budget.rows)
    chosen = evenly(numbers, max(2, budget.spans // spans_per_round))
    spans = collect(
        run.spans.filter(pl.col("round").is_in(chosen) & (pl.col("kind") != "evaluate"))
    )
    by_round = spans.partition_by("round", as_dict=True)
    drawn, cut = [], False
    for number in chosen:
        here = rounds.filter(pl.col("round") == number)
        mine = by_round.get((number,), spans.clear())
        one = _round(number, here, mine, budget.rows)
        cut |= one["ues"] < one["all_ues"]
        drawn.append(one)
    notes = []
    if len(chosen) < len(numbers):
        notes.append(f"{len(chosen)} of {len(numbers)} rounds are on this page, evenly spaced")
    if cut:
        notes.append(
            f"at most {budget.rows} UEs of a round are drawn, evenly spaced by gNB and end of upload"
        )
    return {"rounds": drawn, "note": "; ".join(notes)}


def _round(number: int, rounds: pl.DataFrame, spans: pl.DataFrame, limit: int) -> dict[str, Any]:
    """Times in ticks from the start of the round's first gNB."""
    origin = rounds["start_s"].min()
    busy = spans.filter(
        pl.col("ue").is_not_null() & ~pl.col("kind").is_in(["broadcast", "handover"])
    )
    order = (
        busy.group_by("ue")
        .agg(pl.col("gnb").last(), pl.col("end_s").max())
        .sort("gnb", "end_s", "ue")
        .select("ue", "gnb")
    )
    kept = order[evenly(range(len(order)), limit)]
    own = spans.filter(pl.col("ue").is_null())
    gnbs = (
        pl.concat([rounds.select("gnb"), own.select("gnb")]).unique().sort("gnb")
    )  # the core may serve none
    gnbs = gnbs.select(pl.lit(None, pl.Int64).alias("ue"), "gnb")
    rows = pl.concat([kept, gnbs]).sort("gnb", maintain_order=True).with_row_index("row")
    mine = spans.join(rows.drop("gnb"), on="ue")
    own = own.join(rows.filter(pl.col("ue").is_null()).drop("ue"), on="gnb")
    shown = pl.concat([mine, own.select(mine.columns)]).sort("row", "start_s", "end_s")
    elsewhere = (
        shown["gnb"] != rows["gnb"].gather(shown["row"])
    ).any()  # before or after a handover
    lanes = (pl.col("kind") == "uplink") & pl.col("module").is_not_null()
    modules = pl.col("module").n_unique().over("row", "kind")
    shown = shown.with_columns(  # uploads of several modules at once lie side by side in their row
        pl.when(lanes)
        .then(pl.col("module").rank("dense").over("row", "kind") - 1)
        .otherwise(0)
        .alias("lane"),
        pl.when(lanes).then(modules).otherwise(1).alias("lanes"),
    )

    def ticks(name: str) -> pl.Expr:
        return ((pl.col(name) - origin) / TICK_S).round().cast(pl.Int64)

    result: dict[str, Any] = {
        "round": number,
        "start_s": origin,
        "rows": columns(rows.select("ue", "gnb")),
        "ues": len(kept),
        "all_ues": len(order),
        "deadlines": columns(rounds.select("gnb", ticks("deadline_s").alias("at")))
        if _finite(rounds)
        else None,
        "spans": columns(
            shown.select(
                "row",
                pl.col("kind").to_physical().alias("kind"),
                ticks("start_s").alias("from"),
                (ticks("end_s") - ticks("start_s")).alias("length"),
                pl.col("outcome").to_physical().alias("outcome"),
                "module",
                "bits",
                "bandwidth_hz",
                "energy_j",
                "attempt",
                "train_loss",
                "lane",
                "lanes",
                *(["gnb"] if elsewhere else []),
            ),
            3,
        ),
    }
    spans_out = result["spans"]
    for name in ("attempt", "train_loss", "lane", "lanes"):  # say only what differs from the rule
        if set(spans_out[name]) <= {None, 0 if name == "lane" else 1}:
            del spans_out[name]
    return result


def _finite(rounds: pl.DataFrame) -> bool:
    return bool(rounds["deadline_s"].is_finite().all())

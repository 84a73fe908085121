"""The Gantt chart's data: spans of chosen rounds, one row per UE, ordered by gNB and end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
from polars import col

from netsim.errors import InputError
from netsim.reports.columns import PageBudget, as_lists, collect, evenly
from netsim.results.reader import Run

TICK_S = 1e-4  # times travel as whole ticks
SPANS_PER_UE = 4  # download, computing, waiting, transmission
SPANS_AT_A_TIME = 500_000
SPAN_COLUMNS = (
    "row",
    "kind",
    "from",
    "length",
    "outcome",
    "module",
    "bits",
    "bandwidth_hz",
    "energy_j",
    "attempt",
    "train_loss",
    "lane",
    "lanes",
)
USUAL = {
    "attempt": 1,
    "train_loss": None,
    "lane": 0,
    "lanes": 1,
}  # left out if always so


def timeline(run: Run, budget: PageBudget) -> dict[str, Any]:
    """{"rounds": [one object per round], "note": what was left out, or ""}."""
    rounds = run.rounds.select("round", "gnb", "start_s", "deadline_s", "end_s")
    table = collect(rounds.sort("round", "gnb"))
    numbers = table["round"].unique().sort().to_list()
    if not numbers:
        return {"rounds": [], "note": ""}
    chosen = _chosen(run, numbers, budget)
    drawn = []
    for number, spans in _spans_by_round(run, chosen, len(numbers)):
        chart = _RoundChart(
            number,
            rounds=table.filter(col("round") == number),
            spans=spans,
            most_ues=budget.rows,
        )
        drawn.append(chart.data())
    notes = []
    if len(chosen) < len(numbers):
        how = "evenly spaced" if budget.timelines is None else "as asked for"
        notes.append(f"{len(chosen)} of {len(numbers)} rounds are on this page, {how}")
    if any(one["ues"] < one["all_ues"] for one in drawn):
        spaced = "evenly spaced by gNB and end of upload"
        notes.append(f"at most {budget.rows} UEs of a round are drawn, {spaced}")
    return {"rounds": drawn, "note": "; ".join(notes)}


def _chosen(run: Run, numbers: list[int], budget: PageBudget) -> list[int]:
    """The rounds that are asked for, else as many as the page carries, evenly spaced."""
    if budget.timelines is None:
        return evenly(numbers, _rounds_that_fit(run, len(numbers), budget))
    for number in budget.timelines:
        if number not in numbers:
            rule = f"{run.path} has rounds {numbers[0]} to {numbers[-1]}"
            raise InputError(rule, where="rounds", value=number)
    return sorted(set(budget.timelines))


def _rounds_that_fit(
    run: Run,
    rounds: int,
    budget: PageBudget,
) -> int:
    drawn_per_round = min(_spans_per_round(run, rounds), SPANS_PER_UE * budget.rows)
    return max(2, budget.spans // drawn_per_round)


def _spans_per_round(run: Run, rounds: int) -> int:
    recorded: int = run.metadata.get("records", {}).get("spans", 0)
    return max(1, recorded // rounds)


def _spans_by_round(
    run: Run,
    chosen: Sequence[int],
    rounds: int,
) -> Iterator[tuple[int, pl.DataFrame]]:
    """Spans of the chosen rounds, with memory for as many rounds as have SPANS_AT_A_TIME."""
    not_evaluating = col("kind") != "evaluate"
    together = max(1, SPANS_AT_A_TIME // _spans_per_round(run, rounds))
    for first in range(0, len(chosen), together):
        some = chosen[first : first + together]
        spans = collect(run.spans.filter(col("round").is_in(some) & not_evaluating))
        by_round = spans.partition_by("round", as_dict=True)
        for number in some:
            yield number, by_round.get((number,), spans.clear())


class _RoundChart:
    """One round; times are in ticks from the start of its first gNB."""

    def __init__(
        self,
        number: int,
        *,
        rounds: pl.DataFrame,
        spans: pl.DataFrame,
        most_ues: int,
    ) -> None:
        self._number = number
        self._rounds = rounds
        self._spans = spans
        self._origin_s = rounds["start_s"].min()
        order = self._ues_in_order()
        kept = order[evenly(range(len(order)), most_ues)]
        self._counts = {"ues": len(kept), "all_ues": len(order)}
        self._rows = self._rows_of(kept)

    def data(self) -> dict[str, Any]:
        """What the page needs to draw it."""
        deadlines = None
        if self._rounds["deadline_s"].is_finite().all():
            at = self._ticks("deadline_s")
            deadlines = as_lists(self._rounds.select("gnb", at=at))
        return {
            "round": self._number,
            "start_s": self._origin_s,
            "rows": as_lists(self._rows.select("ue", "gnb")),
            **self._counts,
            "deadlines": deadlines,
            "spans": _without_the_usual(as_lists(self._shown_spans(), 3)),
        }

    def _ues_in_order(self) -> pl.DataFrame:
        """UEs with an activity, by gNB and end: columns ue, gnb."""
        beside = col("kind").is_in(["broadcast", "handover"])
        busy = self._spans.filter(col("ue").is_not_null() & ~beside)
        ends = busy.group_by("ue").agg(
            col("gnb").last(),
            col("end_s").max(),
        )
        return ends.sort("gnb", "end_s", "ue").select("ue", "gnb")

    def _rows_of(self, ues: pl.DataFrame) -> pl.DataFrame:
        """The rows of the chart: UEs below their gNB, whose own row has no UE."""
        own = self._spans.filter(col("ue").is_null())
        gnbs = pl.concat([self._rounds.select("gnb"), own.select("gnb")])  # the core may serve none
        heads = (
            gnbs.unique()
            .sort("gnb")
            .select(
                ue=pl.lit(None, pl.Int64),
                gnb="gnb",
            )
        )
        rows = pl.concat([ues, heads]).sort("gnb", maintain_order=True)
        return rows.with_row_index("row")

    def _shown_spans(self) -> pl.DataFrame:
        """Spans that have a row in the chart."""
        of_gnbs = self._rows.filter(col("ue").is_null()).drop("ue")
        own = self._spans.filter(col("ue").is_null()).join(of_gnbs, on="gnb")
        mine = self._spans.join(self._rows.drop("gnb"), on="ue")
        shown = pl.concat([mine, own.select(mine.columns)]).sort("row", "start_s", "end_s")
        home = self._rows["gnb"].gather(shown["row"])
        elsewhere = bool((shown["gnb"] != home).any())  # before or after a handover
        start = self._ticks("start_s")
        columns = SPAN_COLUMNS if not elsewhere else (*SPAN_COLUMNS, "gnb")
        return (
            _with_lanes(shown)
            .with_columns(col("kind", "outcome").to_physical())
            .with_columns(
                start.alias("from"),
                length=self._ticks("end_s") - start,
            )
            .select(columns)
        )

    def _ticks(self, name: str) -> pl.Expr:
        return ((col(name) - self._origin_s) / TICK_S).round().cast(pl.Int64)


def _with_lanes(spans: pl.DataFrame) -> pl.DataFrame:
    """Uploads of several modules at once lie side by side in their row: `lane` of `lanes`."""
    side_by_side = (col("kind") == "uplink") & col("module").is_not_null()
    place = col("module").rank("dense").over("row", "kind") - 1
    places = col("module").n_unique().over("row", "kind")
    return spans.with_columns(
        lane=pl.when(side_by_side).then(place).otherwise(0),
        lanes=pl.when(side_by_side).then(places).otherwise(1),
    )


def _without_the_usual(spans: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Columns but those that say nothing of this round."""
    return {
        name: values
        for name, values in spans.items()
        if name not in USUAL or not set(values) <= {None, USUAL[name]}
    }

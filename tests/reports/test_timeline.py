"""The Gantt chart's data are the spans of the rounds it names."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from netsim.errors import InputError
from netsim.records import SPAN_KINDS
from netsim.reports.columns import PageBudget
from netsim.reports.timeline import TICK_S, timeline
from netsim.results.reader import Run


def test_all_spans_of_a_small_run(network_run: Callable[..., Run]) -> None:
    run = network_run(federation="network", radio__interference="network", ues__count=12)
    drawn = timeline(run, PageBudget())
    assert drawn["note"] == ""
    assert [one["round"] for one in drawn["rounds"]] == [1, 2, 3, 4]
    for one in drawn["rounds"]:
        spans = run.spans.filter(
            (pl.col("round") == one["round"]) & (pl.col("kind") != "evaluate")
        ).collect()
        mine = one["spans"]
        assert len(mine["row"]) == len(spans)
        kinds = sorted(SPAN_KINDS[k] for k in mine["kind"])
        assert kinds == sorted(spans["kind"].to_list())
        length = sum(mine["length"]) * TICK_S
        assert length == pytest.approx(
            (spans["end_s"] - spans["start_s"]).sum(), abs=1e-4 * len(spans)
        )
        whose = [(one["rows"]["ue"][r], one["rows"]["gnb"][r]) for r in mine["row"]]
        assert sorted(w for w in whose if w[0] is not None) == sorted(
            spans.filter(pl.col("ue").is_not_null()).select("ue", "gnb").rows()
        )
        gnbs = [gnb for _, gnb in zip(one["rows"]["ue"], one["rows"]["gnb"], strict=True)]
        assert gnbs == sorted(gnbs)


def test_what_is_too_long_is_sampled_and_said(network_run: Callable[..., Run]) -> None:
    run = network_run(ues__count=30, rounds=20)
    drawn = timeline(run, PageBudget(spans=300, rows=9))
    numbers = [one["round"] for one in drawn["rounds"]]
    assert len(numbers) == 300 // (4 * 9)
    assert numbers[0] == 1
    assert numbers[-1] == 20
    assert all(one["ues"] == 9 < one["all_ues"] == 30 for one in drawn["rounds"])
    assert drawn["note"].startswith("8 of 20 rounds are on this page")
    assert "at most 9 UEs" in drawn["note"]


def test_modules_sent_at_once_lie_side_by_side(network_run: Callable[..., Run]) -> None:
    run = network_run(
        scheme__kind="model_switching", scheme__max_modules=2, scheme__participation=0.4, rounds=6
    )
    spans = run.spans.filter(pl.col("kind") == "uplink").collect()
    several = (
        spans.group_by("round", "ue").agg(pl.col("module").n_unique()).filter(pl.col("module") > 1)
    )
    assert len(several)
    for one in timeline(run, PageBudget())["rounds"]:
        mine = several.filter(pl.col("round") == one["round"])
        if not len(mine):
            continue
        uplink = [i for i, kind in enumerate(one["spans"]["kind"]) if SPAN_KINDS[kind] == "uplink"]
        halves = [i for i in uplink if one["spans"]["lanes"][i] == 2]
        assert (
            len({(one["spans"]["row"][i], one["spans"]["lane"][i]) for i in halves})
            == len(halves)
            >= 2 * len(mine)
        )


def test_rounds_are_chosen(network_run: Callable[..., Run]) -> None:
    run = network_run()
    drawn = timeline(run, PageBudget(timelines=(3, 1)))
    assert [one["round"] for one in drawn["rounds"]] == [1, 3]
    assert "rounds are on this page, as asked for" in drawn["note"]
    with pytest.raises(InputError, match=r"rounds: .* has rounds 1 to \d+ \(found 999\)"):
        timeline(run, PageBudget(timelines=(999,)))

"""The tables of a run that must agree, a part of whole rounds at a time.

What reaches from one part into later ones is carried on: uploads that are under way when a round
closes, and how each gNB's last round ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import polars as pl
from polars import col

from netsim.records import OUTCOMES
from netsim.results.check_pairs import band_once
from netsim.results.tables import RunTables

CELL = ["round", "gnb"]
UPLOAD = ["round", "ue", "module"]  # a round accounts for at most one upload of a UE's module
BUSY = ["ue", "kind", "start_s", "end_s"]
ENDED = [*CELL, "start_s", "end_s", "subscribed", *OUTCOMES, "not_ready", "carried"]


@dataclass(frozen=True)
class Later:
    """Where what is in later parts begins; infinite if there are none."""

    start_s: float  # the first of their spans
    begun: float  # the first round that an upload of theirs began in


@dataclass(frozen=True)
class Carried:
    """What earlier parts hold that belongs with rows of this one."""

    spans: pl.DataFrame  # BUSY of those that end after the first of this part starts
    band: pl.DataFrame  # gnb, at_s, hz: changes of the band in use; at -inf what is in use
    opened: pl.DataFrame  # begun, gnb, opened_s: the rounds that uploads of this part began in
    rounds: pl.DataFrame  # ENDED of the last round of every gNB

    @classmethod
    def nothing(cls, run: RunTables) -> Carried:
        """Before the first part."""
        rounds = run.rounds.head(0).collect()
        spans = run.spans.head(0).collect()
        return cls(
            spans=spans.select(BUSY),
            band=_band_changes(spans),
            opened=_opened(rounds),
            rounds=rounds.select(ENDED),
        )


@dataclass(frozen=True)
class Accounts:
    """The tables that must agree: one part of them."""

    spans: pl.DataFrame
    uploads: pl.DataFrame
    rounds: pl.DataFrame
    ues: pl.DataFrame
    sums: pl.DataFrame  # of masked uploads
    pairs: pl.DataFrame  # of UEs on one band
    before: Carried
    later: Later

    @cached_property
    def sending(self) -> pl.DataFrame:
        """Uplink spans."""
        return self.spans.filter(col("kind") == "uplink")

    @property
    def holding(self) -> pl.DataFrame:
        """Uplink spans by the bands they hold: what adds up on the air has one together."""
        if self.pairs.height:
            return band_once(self.sending, self.pairs)
        if self.uploads["noise"].is_null().all():
            return self.sending
        sent = self.sending.filter(col("end_s") > col("start_s"))
        together = sent.group_by("round", "gnb", "module")
        return together.agg(col("start_s").min(), col("end_s").max(), col("bandwidth_hz").max())

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

    @cached_property
    def opened(self) -> pl.DataFrame:
        """begun, gnb, opened_s: start of the rounds that uploads may have begun in."""
        return pl.concat([self.before.opened, _opened(self.rounds)])

    @cached_property
    def in_a_row(self) -> pl.DataFrame:
        """Rounds by gNB and number, that before the first among them: `is_new` is False of it."""
        last = self.before.rounds.with_columns(is_new=pl.lit(False))
        new = self.rounds.select(*ENDED, is_new=pl.lit(True))
        return pl.concat([last, new]).sort("gnb", "round")

    @cached_property
    def of_ues(self) -> pl.DataFrame:
        """Spans of UEs by UE and start, with those carried."""
        own = self.spans.filter(col("ue").is_not_null()).select(BUSY)
        return pl.concat([self.before.spans, own]).sort("ue", "start_s", "end_s")

    @cached_property
    def band(self) -> pl.DataFrame:
        """gnb, at_s, hz: the band in use after every change, settled and not."""
        changes = pl.concat([self.before.band, _band_changes(self.holding)])
        summed = changes.group_by("gnb", "at_s").agg(col("hz").sum())
        return summed.sort("gnb", "at_s").with_columns(in_use_hz=col("hz").cum_sum().over("gnb"))

    @property
    def is_settled(self) -> pl.Expr:
        """Of the band in use: no later part changes it."""
        return col("at_s") < self.later.start_s

    def carried(self) -> Carried:
        """What the next part needs."""
        settled = self.band.filter(self.is_settled).group_by("gnb").agg(hz=col("in_use_hz").last())
        in_use = settled.select("gnb", at_s=pl.lit(float("-inf")), hz="hz")
        to_come = self.band.filter(~self.is_settled).select("gnb", "at_s", "hz")
        last_rounds = self.in_a_row.drop("is_new").unique("gnb", keep="last", maintain_order=True)
        return Carried(
            spans=self.of_ues.filter(col("end_s") > self.later.start_s),
            band=pl.concat([in_use, to_come]),
            opened=self.opened.filter(col("begun") >= self.later.begun),
            rounds=last_rounds,
        )


def accounts(run: RunTables) -> Iterator[Accounts]:
    """The accounts of a run, part by part."""
    parts = run.parts() or [run]
    ues = run.ues.collect()
    before = Carried.nothing(run)
    for part, later in zip(parts, _what_comes_later(parts), strict=True):
        found = Accounts(
            spans=part.spans.collect(),
            uploads=part.uploads.collect(),
            rounds=part.rounds.collect(),
            ues=ues,
            sums=part.masked_sums.collect(),
            pairs=part.pairs.collect(),
            before=before,
            later=later,
        )
        yield found
        if part is not parts[-1]:
            before = found.carried()


def _band_changes(sending: pl.DataFrame) -> pl.DataFrame:
    """gnb, at_s, hz: band taken at the start of every uplink span and freed at its end."""
    spans = sending.filter(col("end_s") > col("start_s"))
    hz = col("bandwidth_hz")
    taken = spans.select("gnb", at_s="start_s", hz=hz)
    freed = spans.select("gnb", at_s="end_s", hz=-hz)
    return pl.concat([taken, freed])


def _opened(rounds: pl.DataFrame) -> pl.DataFrame:
    return rounds.select(
        col("round").alias("begun"),
        "gnb",
        opened_s="start_s",
    )


def _what_comes_later(parts: list[RunTables]) -> list[Later]:
    """Of every part where those after it begin."""
    later = Later(float("inf"), float("inf"))
    found = [later]
    for part in reversed(parts[1:]):
        starts = part.spans.select(col("start_s").min()).collect().item()
        begun = part.uploads.select(col("begun").min()).collect().item()
        later = Later(
            start_s=later.start_s if starts is None else min(later.start_s, starts),
            begun=later.begun if begun is None else min(later.begun, begun),
        )
        found.append(later)
    return found[::-1]

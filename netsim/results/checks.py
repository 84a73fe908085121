"""Does a run folder balance? Checks that hold for every run, from its tables alone.

Energy recomputed from power x airtime and from cycles, bits from rate x time; the sums of spans,
uploads, rounds and UEs agree; spans are causal and do not overlap; shares never exceed the band.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from netsim.results.reader import Run

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Check:
    """One law: how far it is off in the worst case, and how far it may be."""

    name: str
    worst: float
    allowed: float
    cases: int

    @property
    def passed(self) -> bool:
        """False also for NaN."""
        return self.worst <= self.allowed


CELL = ["round", "gnb"]
UPLOAD = [
    "round",
    "ue",
    "module",
]  # of the books that it is in, which hold one upload of a UE's module


def check_run(run: Run, *, bandwidth_hz: float, constant_rate: bool) -> list[Check]:
    """All checks of a run with a gNB band of `bandwidth_hz`.

    With a constant rate (one fading draw on a static share, Shannon's formula) it is also
    recomputed from the SINR.
    """
    uploads, rounds, ues = run.uploads.collect(), run.rounds.collect(), run.ues.collect()
    spans = run.spans.collect()
    checks = [
        *_energy(spans, uploads, rounds, ues),
        *_bits(spans, uploads, rounds),
        *_causality(spans, uploads, rounds),
        *_counts(uploads, rounds),
        _shares(spans, bandwidth_hz),
    ]
    if constant_rate:
        checks.append(_shannon(uploads))
    return checks


def _energy(
    spans: pl.DataFrame, uploads: pl.DataFrame, rounds: pl.DataFrame, ues: pl.DataFrame
) -> list[Check]:
    computing = spans.filter(pl.col("kind") == "compute").join(ues, on="ue")
    sending = spans.filter(pl.col("kind") == "uplink")
    spent = (
        _booked(spans, uploads)
        .filter(pl.col("energy_j") > 0)
        .group_by(CELL)
        .agg(pl.col("energy_j").sum().alias("spent"))
    )
    per_round = rounds.join(spent, on=CELL, how="left").fill_null(0.0)
    per_ue = spans.group_by("ue").agg(pl.col("energy_j").sum())
    on_air = _on_air(uploads, spans)
    return [
        _relative(
            "upload energy = power x time on the air",
            on_air["energy_j"],
            on_air["power_w"] * on_air["on_air_s"],
        ),
        _relative(
            "compute energy = cycles x rho f^2",
            computing["energy_j"],
            computing["cycles"] * computing["energy_coefficient"] * computing["cpu_hz"] ** 2,
        ),
        _relative(
            "compute time x clock rate = cycles",
            (computing["end_s"] - computing["start_s"]) * computing["cpu_hz"],
            computing["cycles"],
            slack=_clock_slack(spans, ues),
        ),
        _totals(
            "energy of spans = of rounds",
            per_round["spent"],
            per_round["compute_energy_j"] + per_round["uplink_energy_j"],
        ),
        _totals(
            "energy of uplink spans = of uploads",
            _sum(sending["energy_j"]),
            _sum(uploads["energy_j"]),
        ),
        _totals(
            "energy per UE = of rounds",
            _sum(per_ue["energy_j"]),
            _sum(rounds["compute_energy_j"] + rounds["uplink_energy_j"]),
        ),
    ]


def _bits(spans: pl.DataFrame, uploads: pl.DataFrame, rounds: pl.DataFrame) -> list[Check]:
    sending = spans.filter(pl.col("kind") == "uplink")
    arrived = uploads.filter(pl.col("outcome") == "on_time")
    delivered = arrived.group_by(CELL).agg(pl.col("payload_bits").sum().alias("arrived"))
    delivered = rounds.join(delivered, on=CELL, how="left").fill_null(0)
    on_air = _on_air(uploads, spans)
    last = sending.join(arrived.select(*UPLOAD, "payload_bits", "attempts"), on=UPLOAD)
    last = last.filter(pl.col("attempt") == pl.col("attempts"))
    through = last.group_by(UPLOAD).agg(pl.col("bits").sum(), pl.col("payload_bits").first())
    return [
        _relative(
            "bits sent = rate x time on the air",
            on_air["bits_sent"],
            on_air["rate_bps"] * on_air["on_air_s"],
        ),
        _relative(
            "on time: bits of the last attempt = payload", through["bits"], through["payload_bits"]
        ),
        _bound(
            "bits sent <= payload x attempts",
            uploads["bits_sent"] / uploads["payload_bits"] / uploads["attempts"] - 1,
        ),
        _totals(
            "bits of uplink spans = of uploads", _sum(sending["bits"]), _sum(uploads["bits_sent"])
        ),
        _totals("bits delivered = of rounds", delivered["arrived"], delivered["delivered_bits"]),
    ]


def _causality(spans: pl.DataFrame, uploads: pl.DataFrame, rounds: pl.DataFrame) -> list[Check]:
    parallel = pl.col("kind").is_in(["broadcast", "handover"])
    own = spans.filter(pl.col("ue").is_not_null() & ~parallel).sort("ue", "start_s", "end_s")
    overlap = own.select(
        (pl.col("end_s").cum_max().shift(1) - pl.col("start_s")).over("ue").alias("overlap"),
        pl.col("kind")
        .is_in(["wait", "uplink"])
        .alias("parallel"),  # of one UE's modules, side by side
    ).filter(~pl.col("parallel"))
    heard = spans.filter((pl.col("kind") == "broadcast") & pl.col("module").is_not_null())
    heard = heard.group_by("round", "ue").agg(pl.col("end_s").max().alias("heard_s"))
    computing = (
        spans.filter(pl.col("kind") == "compute")
        .group_by("round", "ue")
        .agg(pl.col("start_s").min())
    )
    computing = computing.join(heard, on=["round", "ue"])
    opened = rounds.select(
        pl.col("round").alias("begun"), "gnb", pl.col("start_s").alias("opened_s")
    )
    closed = rounds.select(*CELL, pl.col("end_s").alias("closed_s"))
    within = uploads.join(closed, on=CELL, how="left", maintain_order="left")
    within = within.join(opened, on=["begun", "gnb"], how="left", maintain_order="left")
    parts = uploads["download_s"] + uploads["compute_s"] + uploads["wait_s"] + uploads["airtime_s"]
    gap = rounds.sort(CELL[::-1]).select(
        (pl.col("end_s").shift(1) - pl.col("start_s")).over("gnb").alias("gap")
    )
    return [
        _bound("no span ends before it starts", spans["start_s"] - spans["end_s"]),
        _bound("spans of a UE do not overlap", overlap["overlap"].drop_nulls()),
        _bound("computing starts after the download", computing["heard_s"] - computing["start_s"]),
        _bound("uploads end by the deadline", uploads["end_s"] - uploads["deadline_s"]),
        _bound("uploads end before the round does", within["end_s"] - within["closed_s"]),
        _bound("rounds of a gNB follow one another", gap["gap"].drop_nulls()),
        _relative(
            "download + compute + wait + airtime = end", parts, within["end_s"] - within["opened_s"]
        ),
    ]


def _counts(uploads: pl.DataFrame, rounds: pl.DataFrame) -> list[Check]:
    ended = ["on_time", "late", "outage", "aborted", "not_ready"]
    by_outcome = uploads.group_by(CELL).agg(
        *[(pl.col("outcome") == o).sum().alias(f"n_{o}") for o in ended[:4]]
    )
    joined = rounds.join(by_outcome, on=CELL, how="left").fill_null(0)
    off = sum((joined[o] - joined[f"n_{o}"]).abs() for o in ended[:4])
    kept = rounds.sort(*CELL).select(
        pl.col("subscribed") + pl.col("carried").shift(1, fill_value=0).over("gnb"),
        pl.sum_horizontal(*ended, "carried").alias("accounted"),
    )
    missing = kept["subscribed"] - kept["accounted"]
    return [
        _bound(
            "outcomes of uploads = of rounds",
            off.cast(pl.Float64) if isinstance(off, pl.Series) else None,
        ),
        _bound("every subscription ends somehow", missing.abs().cast(pl.Float64)),
    ]


def _shares(spans: pl.DataFrame, bandwidth_hz: float) -> Check:
    """Band in use at every instant, by adding it at starts and taking it off at ends (ends
    first).
    """
    sending = spans.filter((pl.col("kind") == "uplink") & (pl.col("end_s") > pl.col("start_s")))
    on = sending.select("gnb", pl.col("start_s").alias("at_s"), pl.col("bandwidth_hz").alias("hz"))
    off = sending.select(
        "gnb", pl.col("end_s").alias("at_s"), (-pl.col("bandwidth_hz")).alias("hz")
    )
    events = (
        pl.concat([on, off]).group_by("gnb", "at_s").agg(pl.col("hz").sum()).sort("gnb", "at_s")
    )
    in_use = events.select(pl.col("hz").cum_sum().over("gnb"))["hz"]
    return _bound("shares of a gNB sum to at most 1", in_use / bandwidth_hz - 1)


def _shannon(uploads: pl.DataFrame) -> Check:
    """The rate from the band and the SINR, where the SINR is known and something was sent."""
    known = uploads.filter(pl.col("sinr_db").is_not_null(), pl.col("airtime_s") > 0)
    sinr = known.select(10 ** (pl.col("sinr_db") / 10)).to_series()
    return _relative(
        "rate = band x log2(1 + SINR)", known["rate_bps"], known["bandwidth_hz"] * (1 + sinr).log(2)
    )


def _on_air(uploads: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """Uploads with the summed length of their uplink spans, `on_air_s`."""
    length = (pl.col("end_s") - pl.col("start_s")).sum().alias("on_air_s")
    sent = spans.filter(pl.col("kind") == "uplink").group_by(UPLOAD).agg(length)
    return uploads.join(sent, on=UPLOAD, how="left", maintain_order="left").fill_null(0.0)


def _booked(spans: pl.DataFrame, uploads: pl.DataFrame) -> pl.DataFrame:
    """Spans at the gNB whose books they are in: after a handover an upload stays in those of its
    first.
    """
    home = uploads.select(*UPLOAD, pl.col("gnb").alias("home"))
    joined = spans.join(home, on=UPLOAD, how="left", maintain_order="left")
    at_home = pl.when(pl.col("kind") == "uplink").then(pl.col("home")).otherwise(pl.col("gnb"))
    return joined.with_columns(at_home.alias("gnb"))


def _clock_slack(spans: pl.DataFrame, ues: pl.DataFrame) -> float:
    """Cycles that the resolution of the clock at the end of the run is worth."""
    if not len(spans) or not len(ues):
        return 0.0
    end_s, fastest = spans["end_s"].max(), ues["cpu_hz"].max()
    assert isinstance(end_s, float)
    assert isinstance(fastest, float)
    return 4 * 2.0**-52 * end_s * fastest


def _sum(values: pl.Series) -> pl.Series:
    return pl.Series([float(values.sum() or 0.0)])


def _totals(name: str, left: pl.Series, right: pl.Series) -> Check:
    return _relative(name, left, right)


def _relative(name: str, left: pl.Series, right: pl.Series, slack: float = 0.0) -> Check:
    """Largest |left - right| / max(|left|, |right|), after an absolute slack."""
    frame = pl.DataFrame({"l": left, "r": right}).select(
        gap=((pl.col("l") - pl.col("r")).abs() - slack).clip(lower_bound=0.0),
        size=pl.max_horizontal(pl.col("l").abs(), pl.col("r").abs()),
    )
    off = frame.select(
        pl.when(pl.col("gap") > 0).then(pl.col("gap") / pl.col("size")).otherwise(0.0)
    )
    return Check(name, _max(off.to_series()), TOLERANCE, len(frame))


def _bound(name: str, excess: pl.Series | None) -> Check:
    """Largest excess, which must not be above rounding."""
    if excess is None:
        return Check(name, float("nan"), TOLERANCE, 0)
    return Check(name, max(_max(excess), 0.0), TOLERANCE, len(excess))


def _max(values: pl.Series) -> float:
    if values.null_count() or values.cast(pl.Float64).is_nan().any():
        return float("nan")
    worst = values.cast(pl.Float64).max()
    return 0.0 if worst is None else float(worst)  # type: ignore[arg-type]

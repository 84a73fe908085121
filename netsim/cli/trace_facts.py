"""What `netsim trace inspect` says of a table of a trace, line by line."""

from __future__ import annotations

from collections.abc import Iterator

from netsim.mobility.replay import is_recorded
from netsim.traces.summary import FAST_M_S, LONG_GAP, TableFacts
from netsim.traces.trace import Trace

ONLY_CHANGES = ("ns2", "bonnmotion", "mahimahi")  # formats with a row per change, not per step
WHO = {
    "mobility": "nodes",
    "channel": "links",
    "throughput": "nodes",
}
NAMES_SHOWN = 5
VALUES = {  # column: label, digits
    "x_m": ("x, m", 1),
    "y_m": ("y, m", 1),
    "z_m": ("z, m", 1),
    "gain_db": ("gain, dB", 1),
    "snr_db": ("SNR, dB", 1),
    "lat": ("latitude", 6),
    "lon": ("longitude", 6),
}

Line = tuple[str, str]


def fact_lines(
    table: str,
    facts: TableFacts,
    trace: Trace,
) -> list[Line]:
    """Label and text of every fact about a table."""
    return [
        ("format", trace.format),
        *_reading(trace),
        ("rows", str(facts.rows)),
        (WHO[table], _names(list(facts.keys))),
        *_times(table, facts, trace),
        *_steps(facts, trace),
        *_values(table, facts, trace),
        *_speeds(table, facts),
        *_oddities(facts),
    ]


def _reading(trace: Trace) -> Iterator[Line]:
    if trace.reading:
        yield "read as", trace.reading


def _names(names: list[str]) -> str:
    shown = ", ".join(names[:NAMES_SHOWN])
    if len(names) > NAMES_SHOWN:
        shown = f"{', '.join(names[: NAMES_SHOWN - 1])}, ... {names[-1]}"
    return f"{len(names)}: {shown}"


def _times(
    table: str,
    facts: TableFacts,
    trace: Trace,
) -> Iterator[Line]:
    if facts.rows:
        length_s = facts.end - facts.begin
        yield "time", f"{facts.begin:g} .. {facts.end:g} s ({length_s:g} s)"
    if facts.rows and table == "mobility":
        begin_s = 0.0 if is_recorded(trace) else trace.moves_from_s or facts.begin
        yield "replay begins at", f"{begin_s:g} s, unless mobility.begin_s is given"
    if "time_origin" in trace.metadata:
        yield "time 0", trace.metadata["time_origin"]


def _steps(facts: TableFacts, trace: Trace) -> Iterator[Line]:
    if facts.steps.lengths_s:
        quantiles = [facts.steps.quantile_s(level) for level in (0.0, 0.05, 0.5, 0.95, 1.0)]
        yield "step, 0/5/50/95/100%", " / ".join(f"{q:g}" for q in quantiles) + " s"
        gaps, longest_s = facts.steps.gaps()
        if gaps and trace.format not in ONLY_CHANGES:
            yield f"gaps over {LONG_GAP:g} median steps", f"{gaps}, the longest {longest_s:g} s"
    if "period_s" in trace.metadata:
        period_s = float(trace.metadata["period_s"])
        yield "repeats after", f"{period_s:g} s"


def _values(
    table: str,
    facts: TableFacts,
    trace: Trace,
) -> Iterator[Line]:
    if table == "channel" and "gain_kind" in trace.metadata:
        yield "gain", trace.metadata["gain_kind"]
    for column, (label, digits) in VALUES.items():
        if column in facts.low:
            yield (
                label,
                _span(
                    facts.low[column],
                    facts.high[column],
                    digits,
                ),
            )
    if table == "mobility" and trace.origin is not None:
        yield "origin of x, y", f"{trace.origin.lat:.6f}, {trace.origin.lon:.6f}"
    if "rate_bps" in facts.low:
        slowest = facts.low["rate_bps"] / 1e6
        fastest = facts.high["rate_bps"] / 1e6
        yield "rate, Mbit/s", f"{slowest:.4g} .. {fastest:.4g}"


def _span(
    low: float,
    high: float,
    digits: int,
) -> str:
    return f"{low:.{digits}f} .. {high:.{digits}f}"


def _speeds(table: str, facts: TableFacts) -> Iterator[Line]:
    if table == "mobility" and facts.steps.total_s:
        mean_m_s = facts.steps.moved_m / facts.steps.total_s
        yield "speed, mean and top", f"{mean_m_s:.3g}, {facts.steps.top_m_s:.3g} m/s"


def _oddities(facts: TableFacts) -> Iterator[Line]:
    counts = {
        "times going backwards within a node": facts.steps.backwards,
        "rows repeating a time": facts.steps.repeated,
        "jumps (two places or values at one time)": facts.steps.jumps,
        f"steps faster than {FAST_M_S:g} m/s": facts.steps.fast,
        "missing values": facts.missing,
    }
    for label, count in counts.items():
        if count:
            yield label, str(count)
    if _looks_like_degrees(facts):
        yield "odd", "all within 1 m: degrees named as metres? name the columns lat and lon"


def _looks_like_degrees(facts: TableFacts) -> bool:
    several = facts.rows > 1 and len(facts.keys) > 1
    if not several or "x_m" not in facts.low:
        return False
    extents_m = [facts.high[column] - facts.low[column] for column in ("x_m", "y_m")]
    return max(extents_m) < 1

"""`netsim trace`: what is in a trace file, and the same trace in another format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from netsim.traces.summary import Series
    from netsim.traces.trace import Trace

app = typer.Typer(
    help="Inspect and convert mobility, channel and throughput traces.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Format = Annotated[
    str | None,
    typer.Option(
        help="Format of FILE where it is not seen: sumo:geo, bonnmotion:3, fad:100x10000, ..."
    ),
]
_CHANGES = ("ns2", "bonnmotion", "mahimahi")  # a row where something changes, not at a step
_NODES = {
    "mobility": "nodes",
    "channel": "links",
    "throughput": "nodes",
}


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="Trace file.")], format: Format = None
) -> None:
    """Format, span, nodes, sampling step, gaps, bounding box, and what is odd."""
    from netsim.cli.console import console, print_table
    from netsim.traces import open_trace
    from netsim.traces.summary import summarise

    trace = open_trace(file, format)
    out = console()
    for name, facts in summarise(trace).items():
        out.print(f"{file}: {name}", markup=False, highlight=False)
        print_table(
            ("", ""),
            _rows(name, facts, trace),
            out=out,
        )
    for text, count in trace.notes.items():
        out.print(f"note: {text}{f': {count}' if count else ''}", markup=False)


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(help="Trace file.")],
    out: Annotated[
        Path,
        typer.Argument(
            help="New file; its name says the format: .parquet or .csv (native), .xml, .fcd.csv or "
            ".fcd.parquet (SUMO), .ns_movements or .tcl, .movements, .gpx, .up, .fad; also with .gz."
        ),
    ],
    format: Format = None,
    table: Annotated[
        str | None,
        typer.Option(help="mobility, channel or throughput, of a file that holds several."),
    ] = None,
) -> None:
    """Write a trace in another format."""
    from netsim.cli.console import console
    from netsim.errors import InputError
    from netsim.traces import open_trace
    from netsim.traces.convert import write_trace

    if out.exists() and file.exists() and out.samefile(file):
        raise InputError("must be another file than the one that is read", where=out)
    trace = open_trace(file, format)
    written = write_trace(trace, out, table)
    console().print(f"{out}: {written} of {file} ({trace.format})", markup=False, highlight=False)
    for text, count in trace.notes.items():
        console().print(f"note: {text}{f': {count}' if count else ''}", markup=False)


def _rows(name: str, facts: Series, trace: Trace) -> list[tuple[str, str]]:
    """Facts as the lines of a table."""
    from netsim.mobility.replay import is_recorded
    from netsim.traces.summary import FAST_M_S, LONG_GAP

    def span(column: str, digits: int = 1) -> str:
        return f"{facts.low[column]:.{digits}f} .. {facts.high[column]:.{digits}f}"

    rows = [("format", trace.format), ("rows", str(facts.rows))]
    names = list(facts.keys)
    shown = ", ".join(names[:4]) + (
        f", ... {names[-1]}" if len(names) > 5 else "".join(f", {n}" for n in names[4:])
    )
    rows.append((_NODES[name], f"{len(names)}: {shown}"))
    if facts.rows:
        rows.append(("time", f"{facts.begin:g} .. {facts.end:g} s ({facts.end - facts.begin:g} s)"))
        if name == "mobility":
            begin = 0.0 if is_recorded(trace) else facts.begin
            rows.append(("replay begins at", f"{begin:g} s, unless mobility.begin_s is given"))
    if "time_origin" in trace.metadata:
        rows.append(("time 0", trace.metadata["time_origin"]))
    if facts.steps:
        quantiles = " / ".join(f"{facts.step_quantile(q):g}" for q in (0.0, 0.05, 0.5, 0.95, 1.0))
        rows.append(("step, 0/5/50/95/100%", f"{quantiles} s"))
        gaps, longest = facts.gaps()
        if gaps and trace.format not in _CHANGES:
            rows.append(
                (f"gaps over {LONG_GAP:g} median steps", f"{gaps}, the longest {longest:g} s")
            )
    if "period_s" in trace.metadata:
        rows.append(("repeats after", f"{float(trace.metadata['period_s']):g} s"))
    if "gain_kind" in trace.metadata and name == "channel":
        rows.append(("gain", trace.metadata["gain_kind"]))
    for column, label in (
        ("x_m", "x, m"),
        ("y_m", "y, m"),
        ("z_m", "z, m"),
        ("gain_db", "gain, dB"),
        ("snr_db", "SNR, dB"),
    ):
        if column in facts.low:
            rows.append((label, span(column)))
    for column, label in (("lat", "latitude"), ("lon", "longitude")):
        if column in facts.low:
            rows.append((label, span(column, 6)))
    if trace.origin is not None and name == "mobility":
        rows.append(("origin of x, y", f"{trace.origin.lat:.6f}, {trace.origin.lon:.6f}"))
    if "rate_bps" in facts.low:
        rows.append(
            (
                "rate, Mbit/s",
                f"{facts.low['rate_bps'] / 1e6:.4g} .. {facts.high['rate_bps'] / 1e6:.4g}",
            )
        )
    if name == "mobility" and facts.moving_s:
        rows.append(
            (
                "speed, mean and top",
                f"{facts.moved_m / facts.moving_s:.3g}, {facts.top_m_s:.3g} m/s",
            )
        )
    odd = (
        ("times going backwards within a node", facts.backwards),
        ("rows repeating a time", facts.repeated),
        ("jumps (two places or values at one time)", facts.jumps),
        (f"steps faster than {FAST_M_S:g} m/s", facts.fast),
        ("missing values", facts.missing),
    )
    rows += [(label, str(count)) for label, count in odd if count]
    if "x_m" in facts.low and facts.rows > 1 and _extent(facts) < 1 and len(names) > 1:
        rows.append(
            ("odd", "all within 1 m: degrees named as metres? name the columns lat and lon")
        )
    return rows


def _extent(facts: Series) -> float:
    return max(facts.high[c] - facts.low[c] for c in ("x_m", "y_m"))

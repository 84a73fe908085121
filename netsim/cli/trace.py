"""`netsim trace`: what is in a trace file, and the same trace in another format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

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
Columns = Annotated[
    str,
    typer.Option(
        help="What the columns of a table are: ROLE=COLUMN, ROLE=UNIT or ROLE=COLUMN:UNIT, as "
        "time=t:ms,node=id,lat=y,lon=x,rate=kbit/s; also separator=, decimal=, encoding=, header=."
    ),
]


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="Trace file.")],
    format: Format = None,
    columns: Columns = "",
) -> None:
    """Format, span, nodes, sampling step, gaps, bounding box, and what is odd."""
    from netsim.cli.console import console, print_table
    from netsim.cli.trace_facts import fact_lines
    from netsim.traces import open_trace
    from netsim.traces.summary import summarise

    trace = open_trace(
        file,
        format,
        columns=columns,
    )
    out = console()
    for name, facts in summarise(trace).items():
        out.print(
            f"{file}: {name}",
            markup=False,
            highlight=False,
        )
        print_table(
            ("", ""),
            fact_lines(name, facts, trace),
            out=out,
        )
    _print_notes(trace, out)


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(help="Trace file.")],
    out: Annotated[
        Path,
        typer.Argument(
            help="New file; its name says the format: .parquet or .csv (native), .xml, .fcd.csv "
            "or .fcd.parquet (SUMO), .ns_movements or .tcl, .movements, .gpx, .up, .fad; also "
            "with .gz."
        ),
    ],
    format: Format = None,
    columns: Columns = "",
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
    trace = open_trace(
        file,
        format,
        columns=columns,
    )
    written = write_trace(trace, out, table)
    screen = console()
    screen.print(
        f"{out}: {written} of {file} ({trace.format})",
        markup=False,
        highlight=False,
    )
    _print_notes(trace, screen)


def _print_notes(trace: Trace, out: Console) -> None:
    """What the reader left out or assumed, and how often."""
    for text, count in trace.notes.items():
        line = f"note: {text}: {count}" if count else f"note: {text}"
        out.print(line, markup=False)

"""`netsim topology`: make site files, and show what is in one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from netsim.topology.opencellid import CellChoice
    from netsim.units import FloatArray

Graph = Any  # networkx, which only netsim.topology imports

app = typer.Typer(
    help="Make and show networks of gNB sites.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Kind = Annotated[str, typer.Argument(help="ppp, hex, line, or file (sites from another file).")]
SiteFile = Annotated[
    Path, typer.Option(help="File: .graphml, .json, .geojson, or .csv (no links).")
]
Density = Annotated[float, typer.Option(help="Sites per km² (ppp, hex).")]
Window = Annotated[float, typer.Option(help="Side of the square window (ppp, hex).")]
Seed = Annotated[int, typer.Option(help="Seed of the sites (ppp).", min=0)]
Sites = Annotated[int | None, typer.Option(help="Keep so many, the most central; line: how many.")]
Spacing = Annotated[float, typer.Option(help="Distance of neighbours (line).")]
OtherFile = Annotated[Path | None, typer.Option("--from", help="The other file (file).")]
BackhaulKind = Annotated[str | None, typer.Option(help="Links: star, tree or mesh.")]
Rate = Annotated[float, typer.Option(help="Rate of every link, Gbit/s.")]
HopDelay = Annotated[float, typer.Option(help="Delay of a link besides the light in its fibre.")]
Core = Annotated[int | None, typer.Option(help="Index of the core site; default: the central one.")]
Origin = Annotated[str | None, typer.Option(help="LAT,LON of the point (0, 0), in degrees.")]
Radio = Annotated[str | None, typer.Option(help="OpenCelliD: keep GSM, UMTS, LTE or NR.")]
Operator = Annotated[str | None, typer.Option(help="OpenCelliD: keep one operator, as mcc-net.")]
Merge = Annotated[float, typer.Option(help="OpenCelliD: cells within so many metres are one site.")]
Columns = Annotated[
    str, typer.Option(help="What the columns of a CSV file are, as lat=y,lon=x,node=mast.")
]


@app.command()
def make(
    kind: Kind,
    out: SiteFile,
    density_per_km2: Density = 1.0,
    window_km: Window = 10.0,
    seed: Seed = 1,
    sites: Sites = None,
    spacing_m: Spacing = 1000.0,
    from_file: OtherFile = None,
    radio: Radio = None,
    operator: Operator = None,
    merge_m: Merge = 50.0,
    columns: Columns = "",
    backhaul: BackhaulKind = None,
    rate_gbps: Rate = 10.0,
    hop_delay_ms: HopDelay = 0.1,
    core: Core = None,
    origin: Origin = None,
) -> None:
    """Write a file of sites, and of the backhaul links between them."""
    from netsim.cli.console import console
    from netsim.errors import InputError
    from netsim.topology.generate import generate_sites
    from netsim.topology.opencellid import CellChoice
    from netsim.topology.writers import write_sites

    if (kind == "file") != (from_file is not None):
        rule = "--from FILE is given exactly for kind file"
        raise InputError(rule, where="topology make", value=kind)
    if from_file is not None:
        graph = _read(from_file, CellChoice(radio, operator, merge_m), columns)
    else:
        graph = generate_sites(
            kind,
            density_per_km2=density_per_km2,
            window_km=window_km,
            seed=seed,
            sites=sites,
            spacing_m=spacing_m,
        )
    if origin is not None:
        graph.graph["origin_lat"], graph.graph["origin_lon"] = _degrees(origin)
    if backhaul is not None:
        graph = _with_backhaul(graph, backhaul, core, rate_gbps, hop_delay_ms=hop_delay_ms)
    write_sites(graph, out)
    links = graph.number_of_edges()
    console().print(f"{out}: {len(graph)} sites, {links} links", markup=False, highlight=False)


def _read(file: Path, choice: CellChoice, columns: str) -> Graph:
    from netsim.topology.files import read_site_file

    found = read_site_file(file, choice, columns)
    _print_notes(found.notes)
    return found.graph


def _with_backhaul(
    graph: Graph,
    kind: str,
    core: int | None,
    rate_gbps: float,
    *,
    hop_delay_ms: float,
) -> Graph:
    from netsim.topology.links import with_links

    _check_positive(
        "rate-gbps",
        rate_gbps,
        lowest=1e-9,
    )
    _check_positive(
        "hop-delay-ms",
        hop_delay_ms,
        lowest=0.0,
    )
    return with_links(
        graph,
        kind,
        core=core,
        rate_bps=rate_gbps * 1e9,
        hop_delay_s=hop_delay_ms * 1e-3,
    )


def _check_positive(
    option: str,
    value: float,
    *,
    lowest: float,
) -> None:
    from netsim.errors import InputError

    if not (math.isfinite(value) and value >= lowest):
        where = f"topology make: --{option}"
        raise InputError(
            "must be finite and positive",
            where=where,
            value=value,
        )


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="Site file.")],
    radio: Radio = None,
    operator: Operator = None,
    merge_m: Merge = 50.0,
    columns: Columns = "",
) -> None:
    """Counts, density, cell areas, backhaul, and a picture of the sites."""
    from netsim.cli.console import console, print_table
    from netsim.topology.files import read_site_file
    from netsim.topology.opencellid import CellChoice
    from netsim.topology.summary import picture

    found = read_site_file(
        file,
        CellChoice(radio, operator, merge_m),
        columns,
    )
    out = console()
    print_table(
        ("", ""),
        _facts(found.graph),
        title=str(file),
        out=out,
    )
    for line in picture(found.graph):
        out.print(
            line,
            markup=False,
            highlight=False,
        )
    _print_notes(found.notes)


def _print_notes(notes: Mapping[str, int]) -> None:
    """What the reader left out or merged, and how often."""
    from netsim.cli.console import console

    for text, count in notes.items():
        line = f"note: {text}: {count}" if count else f"note: {text}"
        console().print(
            line,
            markup=False,
            highlight=False,
        )


def _facts(graph: Graph) -> list[tuple[str, str]]:
    from netsim.topology.graph import graph_origin
    from netsim.topology.summary import summarise

    facts = summarise(graph)
    x_min, y_min, x_max, y_max = facts.window_m
    width_km = (x_max - x_min) / 1e3
    height_km = (y_max - y_min) / 1e3
    rows = [
        ("sites", str(facts.sites)),
        ("window", f"{width_km:.4g} x {height_km:.4g} km"),
        ("density", f"{facts.density_per_km2:.4g} per km²"),
    ]
    if facts.sites > 1:
        nearest = _quantiles(facts.nearest_neighbour_m, digits=".0f")
        rows.append(("nearest neighbour, 0/25/50/75/100%", f"{nearest} m"))
    areas = _quantiles(facts.cell_area_km2, digits=".3g")
    rows.append(("cell area, 0/25/50/75/100%", f"{areas} km²"))
    if facts.same_place:
        rows.append(("at the place of another site", str(facts.same_place)))
    rows.append(("links", str(facts.links)))
    rows.append(("backhaul", facts.backhaul))
    origin = graph_origin(graph)
    if origin is not None:
        rows.append(("origin", f"{origin.lat:.6f}, {origin.lon:.6f}"))
    return rows


def _quantiles(values: FloatArray, *, digits: str) -> str:
    import numpy as np

    found = np.percentile(values, (0, 25, 50, 75, 100))
    return " / ".join(f"{value:{digits}}" for value in found)


def _degrees(text: str) -> tuple[float, float]:
    """LAT,LON as numbers in range."""
    from netsim.errors import InputError

    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError:
        lat = lon = float("nan")
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise InputError(
            "must be LAT,LON in degrees",
            where="topology make: --origin",
            value=text,
        )
    return lat, lon

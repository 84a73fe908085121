"""`netsim topology`: make site files, and show what is in one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Make and show networks of gNB sites.", no_args_is_help=True, rich_markup_mode=None
)

Radio = Annotated[str | None, typer.Option(help="OpenCelliD: keep GSM, UMTS, LTE or NR.")]
Operator = Annotated[str | None, typer.Option(help="OpenCelliD: keep one operator, as mcc-net.")]
Merge = Annotated[float, typer.Option(help="OpenCelliD: cells within so many metres are one site.")]


@app.command()
def make(
    kind: Annotated[str, typer.Argument(help="ppp, hex, line, or file (sites from another file).")],
    out: Annotated[Path, typer.Option(help="File: .graphml, .json, .geojson, or .csv (no links).")],
    density_per_km2: Annotated[float, typer.Option(help="Sites per km² (ppp, hex).")] = 1.0,
    window_km: Annotated[float, typer.Option(help="Side of the square window (ppp, hex).")] = 10.0,
    seed: Annotated[int, typer.Option(help="Seed of the sites (ppp).", min=0)] = 1,
    sites: Annotated[
        int | None, typer.Option(help="Keep so many, the most central; line: how many.")
    ] = None,
    spacing_m: Annotated[float, typer.Option(help="Distance of neighbours (line).")] = 1000.0,
    from_file: Annotated[Path | None, typer.Option("--from", help="The other file (file).")] = None,
    radio: Radio = None,
    operator: Operator = None,
    merge_m: Merge = 50.0,
    backhaul: Annotated[str | None, typer.Option(help="Links: star, tree or mesh.")] = None,
    rate_gbps: Annotated[float, typer.Option(help="Rate of every link, Gbit/s.")] = 10.0,
    hop_delay_ms: Annotated[
        float, typer.Option(help="Delay of a link besides the light in its fibre.")
    ] = 0.1,
    core: Annotated[
        int | None, typer.Option(help="Index of the core site; default: the central one.")
    ] = None,
    origin: Annotated[
        str | None, typer.Option(help="LAT,LON of the point (0, 0), in degrees.")
    ] = None,
) -> None:
    """Write a file of sites, and of the backhaul links between them."""
    import math

    from netsim.cli.console import console
    from netsim.errors import InputError
    from netsim.topology.backhaul import with_links
    from netsim.topology.files import read_sites
    from netsim.topology.generate import generate_sites
    from netsim.topology.writers import write_sites

    if (kind == "file") != (from_file is not None):
        raise InputError(
            "--from FILE is given exactly for kind file", where="topology make", value=kind
        )
    if from_file is not None:
        graph = read_sites(from_file, radio=radio, operator=operator, merge_m=merge_m)
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
        for name, value, lowest in (
            ("rate-gbps", rate_gbps, 1e-9),
            ("hop-delay-ms", hop_delay_ms, 0.0),
        ):
            if not (math.isfinite(value) and value >= lowest):
                raise InputError(
                    "must be finite and positive", where=f"topology make: --{name}", value=value
                )
        graph = with_links(
            graph,
            backhaul,
            core=core,
            rate_bps=rate_gbps * 1e9,
            hop_delay_s=hop_delay_ms * 1e-3,
        )
    write_sites(graph, out)
    console().print(
        f"{out}: {len(graph)} sites, {graph.number_of_edges()} links", markup=False, highlight=False
    )


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="Site file.")],
    radio: Radio = None,
    operator: Operator = None,
    merge_m: Merge = 50.0,
) -> None:
    """Counts, density, cell areas, backhaul, and a picture of the sites."""
    import numpy as np

    from netsim.cli.console import console, print_table
    from netsim.topology.files import file_origin, read_sites
    from netsim.topology.summary import picture, summarise

    graph = read_sites(file, radio=radio, operator=operator, merge_m=merge_m)
    facts = summarise(graph)
    x_min, y_min, x_max, y_max = facts.window_m
    rows = [
        ("sites", str(facts.sites)),
        ("window", f"{(x_max - x_min) / 1e3:.4g} x {(y_max - y_min) / 1e3:.4g} km"),
        ("density", f"{facts.density_per_km2:.4g} per km²"),
    ]
    levels = (0, 25, 50, 75, 100)
    if facts.sites > 1:
        nearest = np.percentile(facts.nearest_neighbour_m, levels)
        rows.append(
            ("nearest neighbour, 0/25/50/75/100%", " / ".join(f"{v:.0f}" for v in nearest) + " m")
        )
    areas = np.percentile(facts.cell_area_km2, levels)
    rows.append(("cell area, 0/25/50/75/100%", " / ".join(f"{v:.3g}" for v in areas) + " km²"))
    if facts.same_place:
        rows.append(("at the place of another site", str(facts.same_place)))
    rows += [("links", str(facts.links)), ("backhaul", facts.backhaul)]
    origin = file_origin(graph)
    if origin is not None:
        rows.append(("origin", f"{origin.lat:.6f}, {origin.lon:.6f}"))
    out = console()
    print_table(
        ("", ""),
        rows,
        title=str(file),
        out=out,
    )
    for line in picture(graph):
        out.print(line, markup=False, highlight=False)


def _degrees(text: str) -> tuple[float, float]:
    """LAT,LON as numbers in range."""
    from netsim.errors import InputError

    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError:
        lat = lon = float("nan")
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise InputError("must be LAT,LON in degrees", where="topology make: --origin", value=text)
    return lat, lon

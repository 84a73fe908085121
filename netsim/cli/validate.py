"""`netsim validate`: what a scenario means in seconds, joules and bits; whether a run balances."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from netsim.build import Parts
    from netsim.execution import Forecast


def validate(
    target: Annotated[
        str, typer.Argument(help="Scenario file, bundled name, or run folder.")
    ] = "quickstart",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="a.b=value", help="Override a key; repeatable."),
    ] = None,
    schema: Annotated[
        bool,
        typer.Option("--schema", help="Print every key with unit, default and equation, and stop."),
    ] = False,
) -> None:
    """Check a scenario and show what to expect of it, or check that a run folder balances."""
    if schema:
        _print_schema()
    elif Path(target).is_dir():
        _check_run(Path(target))
    else:
        _explain(target, set_ or [])


def _print_schema() -> None:
    from netsim.cli.console import print_table
    from netsim.scenario.schema import schema_rows

    headers = ("key", "type", "unit", "default", "equation", "meaning")
    print_table(headers, ([row[h] for h in headers] for row in schema_rows()))
    _print_plugins()


def _print_plugins() -> None:
    """Parameters of what a key chooses by name; those of schemes are in `netsim schemes`."""
    from dataclasses import MISSING, fields

    from netsim.cli.console import print_table
    from netsim.plugins import plugin_class, plugin_names

    rows = []
    for group, section, key in (
        ("netsim.pathloss", "radio.pathloss", "kind"),
        ("netsim.compute", "compute", "model"),
    ):
        for name in plugin_names(group):
            for item in fields(plugin_class(group, name, section)):
                default = "" if item.default is MISSING else str(item.default)
                rows.append(
                    (f"{section}.{item.name}", str(item.type), default, f"{section}.{key} = {name}")
                )
    print_table(("key", "type", "default", "where"), rows)


def _check_run(path: Path) -> None:
    from netsim.cli.console import print_table
    from netsim.results.checks import check_run
    from netsim.results.reader import open_run
    from netsim.results.run_folder import SCENARIO
    from netsim.scenario.load import load_scenario

    run = open_run(path)
    scenario = load_scenario(path / SCENARIO)
    checks = check_run(
        run,
        bandwidth_hz=scenario.radio.bandwidth_hz,
        constant_rate=scenario.constant_rate,
    )
    print_table(
        ("check", "cases", "worst", "allowed", "verdict"),
        [
            (
                c.name,
                str(c.cases),
                f"{c.worst:.1e}",
                f"{c.allowed:.0e}",
                "ok" if c.passed else "FAILS",
            )
            for c in checks
        ],
        title=f"{path}: {run.metadata['status']}",
        right=(1, 2, 3),
    )
    if not all(c.passed for c in checks):
        raise typer.Exit(1)


def _explain(target: str, overrides: list[str]) -> None:
    from netsim.build import build_parts
    from netsim.execution import forecast
    from netsim.protocols import Silence
    from netsim.scenario.load import load_scenario, parse_override
    from netsim.scenario.model import Scenario

    scenario = load_scenario(target, dict(parse_override(text) for text in overrides))
    raw = scenario.model_dump()
    stop = {
        **raw["stop"],
        "target_accuracy": None,
        "patience_evaluations": None,
    }
    network = Scenario.model_validate(
        {
            **raw,
            "network_only": True,
            "stop": stop,
        }
    )
    parts = build_parts(network, Silence())
    trial = forecast(parts)
    _print_link_budget(parts, trial)
    _print_payloads(parts)
    _print_devices(parts)
    _print_forecast(trial)


def _print_link_budget(parts: Parts, trial: Forecast) -> None:
    import numpy as np
    import polars as pl

    from netsim.cli.console import print_table, quantity, seconds
    from netsim.units import to_db

    scenario, links, uplink = parts.scenario, parts.links, parts.radio.uplink
    power_w = scenario.radio.max_power_w
    here = np.arange(len(links)) if links.present is None else np.flatnonzero(links.present)
    here = here if len(here) else np.arange(len(links))
    by_distance = here[np.argsort(links.distance_m[here])]
    per_ue = trial.uploads.group_by("ue").agg(
        pl.col("sinr_db").median(),
        pl.col("rate_bps").median(),
        pl.col("bandwidth_hz").median(),
        arrived=(pl.col("outcome") == "on_time").mean(),
    )
    rows = []
    for name, level in (
        ("nearest", 0),
        ("25%", 25),
        ("median", 50),
        ("75%", 75),
        ("farthest", 100),
    ):
        k = int(by_distance[round((len(here) - 1) * level / 100)])
        gain_db, signal_dbm = (
            to_db(float(links.gain[k])),
            to_db(float(power_w * links.gain[k])) + 30,
        )
        found = per_ue.filter(pl.col("ue") == k)
        row = [name, str(k), f"{links.distance_m[k]:.0f}", f"{gain_db:.1f}", f"{signal_dbm:.1f}"]
        if len(found):
            seen = found.row(0, named=True)
            noise_dbm = to_db(uplink.noise_psd_w_hz * seen["bandwidth_hz"]) + 30
            row += [
                f"{noise_dbm:.1f}",
                "" if seen["sinr_db"] is None else f"{seen['sinr_db']:.1f}",
                quantity(seen["rate_bps"], "bit/s"),
                f"{100 * seen['arrived']:.0f}%",
            ]
        else:
            row += ["", "", "", "never sent"]
        rows.append(row)
    title = (
        f"Link budget at P_max = {quantity(power_w, 'W')}, W = {quantity(uplink.bandwidth_hz, 'Hz')}, "
        f"threshold {scenario.radio.sinr_threshold_db:g} dB; medians of a trial of {trial.rounds} rounds"
    )
    headers = (
        "place",
        "UE",
        "distance m",
        "gain dB",
        "signal dBm",
        "noise dBm",
        "SINR dB",
        "rate",
        "on time",
    )
    print_table(
        headers,
        rows,
        title=title,
        right=range(1, 9),
    )
    facts = [
        ("sites", str(len(parts.deployment.positions_m))),
        ("gNB density", f"{parts.deployment.density_per_m2 * 1e6:.3g} per km²"),
        (
            "gNBs that serve UEs",
            ", ".join(map(str, links.gnbs[:8].tolist())) + (" ..." if len(links.gnbs) > 8 else ""),
        ),
        ("UEs", str(len(links))),
        *_trace_facts(parts),
        ("worst downlink", f"{links.downlink_efficiency[here].min():.3g} bit/s/Hz"),
    ]
    if scenario.federation == "network":
        facts.append(("core", f"site {parts.backhaul.core}"))
    if uplink.coherence_s is not None:
        facts.append(("coherence time", seconds(uplink.coherence_s)))
    print_table(("", ""), facts)


def _trace_facts(parts: Parts) -> list[tuple[str, str]]:
    """When a replayed trace begins and ends, where it lies, and of which run it is a record."""
    import numpy as np

    from netsim.mobility.replay import Recorded

    motion, scenario, links = parts.motion, parts.scenario, parts.links
    if not isinstance(motion, Recorded):
        return []
    present = np.ones(len(links), dtype=bool) if links.present is None else links.present
    facts = [
        ("trace", str(scenario.mobility.parameters["path"])),
        ("trace time at time 0", f"{motion.begin_s:g} s"),
        ("last sample at time", f"{motion.end_s:g} s"),
        (
            "UEs there at time 0",
            f"{present.sum()}, of them {links.available.sum()} in cells that learn",
        ),
    ]
    if motion.shift_m != (0.0, 0.0):
        x, y = motion.shift_m
        facts.append(("places moved by", f"{x:.0f} m, {y:.0f} m"))
    return facts


def _print_payloads(parts: Parts) -> None:
    from netsim.cli.console import print_table, quantity

    rows = [
        (
            str(index),
            str(spec.rank),
            quantity(float(parts.payload_bits[index]), "bit"),
            "by hand (emulated)" if parts.payload_emulated[index] else "the tensors",
        )
        for index, spec in enumerate(parts.modules)
    ]
    title = f"Payloads; the foundation model is {quantity(parts.foundation_bits, 'bit')} on the air"
    print_table(
        ("module", "rank", "upload", "set by"),
        rows,
        title=title,
        right=(1,),
    )


def _print_devices(parts: Parts) -> None:
    import numpy as np

    from netsim.cli.console import print_table, quantity, seconds

    rows = []
    names = np.array(parts.fleet.device_class)
    for name in parts.devices.class_names:
        mine = names == name
        if not mine.any():
            rows.append((name, "0", "", "", "", ""))
            continue
        times, energy = parts.fleet.compute_s[mine], parts.fleet.compute_energy_j[mine]
        rows.append(
            (
                name,
                str(int(mine.sum())),
                f"{parts.devices.cpu_hz[mine].min() / 1e9:.2f}..{parts.devices.cpu_hz[mine].max() / 1e9:.2f}",
                f"{parts.devices.samples[mine].min()}..{parts.devices.samples[mine].max()}",
                f"{seconds(times.min())} .. {seconds(times.max())}",
                f"{quantity(energy.min(), 'J')} .. {quantity(energy.max(), 'J')}",
            )
        )
    headers = (
        "class",
        "UEs",
        "clock GHz",
        "samples per round",
        "computing of a module",
        "its energy",
    )
    print_table(
        headers,
        rows,
        title="Devices",
        right=(1,),
    )


def _print_forecast(trial: Forecast) -> None:
    import polars as pl

    from netsim.cli.console import print_table, seconds

    rounds = trial.per_round
    mean = rounds.select(pl.col("subscribed", "on_time", "late", "outage", "not_ready").mean()).row(
        0, named=True
    )
    length = (rounds["end_s"] - rounds["start_s"]).mean()
    arrived = trial.uploads.filter(pl.col("outcome") == "on_time")
    arrived = arrived.select(
        finish_s=pl.sum_horizontal("download_s", "compute_s", "wait_s", "airtime_s")
    )
    quartiles = [arrived["finish_s"].quantile(q) for q in (0.05, 0.5, 0.95)]
    finish = " / ".join("none" if q is None else seconds(q) for q in quartiles)
    assert isinstance(length, float)
    rows = [
        ("uploads per round", f"{mean['subscribed']:.1f}"),
        ("arriving on time", f"{mean['on_time']:.1f}"),
        ("late", f"{mean['late']:.1f}"),
        ("in outage", f"{mean['outage']:.1f}"),
        ("not ready", f"{mean['not_ready']:.1f}"),
        ("finish time of arrivals, 5/50/95%", finish),
        ("length of a round", seconds(length)),
    ]
    print_table(
        ("", ""),
        rows,
        title=f"To expect, from a trial of {trial.rounds} rounds without learning",
    )

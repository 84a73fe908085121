"""`netsim validate`: what a scenario means in seconds, joules and bits; whether a run balances."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from netsim.build import Parts


def validate(
    target: Annotated[str, typer.Argument(help="Scenario file, bundled name, or run folder.")] = "quickstart",
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="a.b=value", help="Override a key; repeatable.")
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print every key with unit, default and equation, and stop.")
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
        one_draw_per_upload=scenario.radio.fading == "round",
    )
    print_table(
        ("check", "cases", "worst", "allowed", "verdict"),
        [
            (c.name, str(c.cases), f"{c.worst:.1e}", f"{c.allowed:.0e}", "ok" if c.passed else "FAILS")
            for c in checks
        ],
        title=f"{path}: {run.metadata['status']}",
        right=(1, 2, 3),
    )
    if not all(c.passed for c in checks):
        raise typer.Exit(1)


def _explain(target: str, overrides: list[str]) -> None:
    from netsim.build import build_parts
    from netsim.protocols import Silence
    from netsim.scenario.load import load_scenario, parse_override
    from netsim.scenario.model import Scenario

    scenario = load_scenario(target, dict(parse_override(text) for text in overrides))
    raw = scenario.model_dump()
    stop = {**raw["stop"], "target_accuracy": None, "patience_evaluations": None}
    network = Scenario.model_validate({**raw, "network_only": True, "stop": stop})
    parts = build_parts(network, Silence())
    _print_link_budget(parts)
    _print_payloads(parts)
    _print_devices(parts)
    _print_forecast(parts)


def _print_link_budget(parts: Parts) -> None:
    import numpy as np

    from netsim.cli.console import print_table, quantity, seconds
    from netsim.units import to_db

    scenario, cell, uplink = parts.scenario, parts.cell, parts.uplink
    power_w, count = scenario.radio.max_power_w, len(cell)
    share_hz = uplink.bandwidth_hz / count
    rows = []
    for name, level in (("nearest", 0), ("25%", 25), ("median", 50), ("75%", 75), ("farthest", 100)):
        k = int(np.argsort(cell.distance_m)[round((count - 1) * level / 100)])
        signal = np.array([power_w * cell.gain[k]])
        noise = uplink.noise_psd_w_hz * share_hz
        interference = cell.mean_interference_w[[k]]
        rate = share_hz * np.log2(1 + signal / (noise + interference))
        rows.append(
            (
                name,
                f"{cell.distance_m[k]:.0f}",
                f"{to_db(cell.gain[[k]])[0]:.1f}",
                f"{to_db(signal)[0] + 30:.1f}",
                f"{to_db(np.array([noise]))[0] + 30:.1f}",
                f"{to_db(interference)[0] + 30:.1f}",
                f"{to_db(signal / (noise + interference))[0]:.1f}",
                quantity(float(rate[0]), "bit/s"),
            )
        )
    title = (
        f"Link budget at P_max = {quantity(power_w, 'W')} and 1/{count} of {quantity(uplink.bandwidth_hz, 'Hz')}, "
        f"mean fading; threshold {scenario.radio.sinr_threshold_db:g} dB"
    )
    headers = (
        "UE",
        "distance m",
        "gain dB",
        "signal dBm",
        "noise dBm",
        "interference dBm",
        "SINR dB",
        "rate",
    )
    print_table(headers, rows, title=title, right=range(1, 8))
    deployment = parts.deployment
    if uplink.coherence_s is not None:
        print_table(("coherence time",), [(seconds(uplink.coherence_s),)])
    print_table(
        ("sites", "density 1/km²", "learning site", "UEs"),
        [
            (
                str(len(deployment.positions_m)),
                f"{deployment.density_per_m2 * 1e6:.3g}",
                str(deployment.learning_site),
                str(count),
            )
        ],
    )


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
    print_table(("module", "rank", "upload", "set by"), rows, title=title, right=(1,))


def _print_devices(parts: Parts) -> None:
    import numpy as np

    from netsim.cli.console import print_table, quantity, seconds

    rows = []
    names = np.array(parts.cell.device_class)
    for name in parts.devices.class_names:
        mine = names == name
        if not mine.any():
            rows.append((name, "0", "", "", "", ""))
            continue
        times, energy = parts.cell.compute_s[mine], parts.cell.compute_energy_j[mine]
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
    headers = ("class", "UEs", "clock GHz", "samples per round", "computing of a module", "its energy")
    print_table(headers, rows, title="Devices", right=(1,))


def _print_forecast(parts: Parts) -> None:
    import polars as pl

    from netsim.cli.console import print_table, seconds
    from netsim.execution import forecast

    trial = forecast(parts)
    rounds = trial.per_round
    mean = rounds.select(pl.col("subscribed", "on_time", "late", "outage", "not_ready").mean()).row(
        0, named=True
    )
    length = (rounds["end_s"] - rounds["start_s"]).mean()
    arrived = trial.uploads.filter(pl.col("outcome") == "on_time")
    arrived = arrived.select(
        pl.sum_horizontal("download_s", "compute_s", "wait_s", "airtime_s").alias("finish_s")
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
    print_table(("", ""), rows, title=f"To expect, from a trial of {trial.rounds} rounds without learning")
